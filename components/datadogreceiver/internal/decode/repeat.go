package decode

import "math/bits"

// repeats collects the attributes of the span being filled that tend to be the same for many spans. They are in the order of their
// keys, not of the wire: with some tracers that is random, like the order of Go's maps.
type repeats struct {
	byKey [numKnown]attr
	set   [2]uint64
	n     int
	run   []attr
}

// The keys must fit in repeats.set.
var _ [128 - numKnown]struct{}

// begin starts a span.
func (r *repeats) begin() { r.n, r.set = 0, [2]uint64{} }

// add takes an attribute whose key is repeating. False: there is one of this key already.
func (r *repeats) add(a attr) bool {
	word, bit := &r.set[a.key>>6], uint64(1)<<(a.key&63)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	r.n++
	r.byKey[a.key] = a
	return true
}

// list returns the attributes. It is valid until the next call.
func (r *repeats) list() []attr {
	r.run = r.run[:0]
	for word, set := range r.set {
		for ; set != 0; set &= set - 1 {
			r.run = append(r.run, r.byKey[word<<6+bits.TrailingZeros64(set)])
		}
	}
	return r.run
}

// repeating are the attributes whose values tend to be the same for many spans. They come first.
var repeating = func() (t [numKnown]bool) {
	for _, key := range []sym{
		kOperationName, kResourceName, kSpanType, kService, kDM, kOrigin, kPriority, kMeasured, kTopLevel, kAgentPSR, kIntegration, kComponent, kProcessID, kErrorType,
		kSvcSrc, kOTLPExport, kProfilingEnabled, kAttributeSchema,
		kHTTPMethod, kHTTPRequestMethod, kHTTPRoute, kHTTPStatusCode, oHTTPStatusCode, kHTTPUserAgent, oUserAgent, kHTTPVersion,
		oNetworkProtocolVersion, kOutHost, kOutPort, kPeerHostname, kNetworkDestinationPort, oServerAddress, oServerPort,
		kDBType, kDBSystem, oDBSystem, kDBName, kDBInstance, oDBNamespace, kDBOperation, oDBOperation, kDBSQLTable, oDBCollection,
		oDBQueryText, kRPCService, kRPCMethod, kGRPCMethodService, kGRPCMethodName, kGRPCMethodPath, kGRPCStatusCode, oGRPCStatusCode,
		kMessagingOperation, kMessagingDestination, kMessagingDestinationName, kMessagingSystem, kKafkaTopic,
	} {
		t[key] = true
	}
	return t
}()
