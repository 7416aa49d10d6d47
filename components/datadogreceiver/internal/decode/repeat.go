package decode

import (
	"math/bits"

	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// repeats lets spans that begin with the same attributes share their values. An attribute value of pdata is a box of its own on the
// heap, one allocation, and most spans of a payload repeat most of them: operation, resource, type, priority, process id…
// On the JavaScript capture this takes 15 of 31 allocations per span away.
//
// Sharing is safe because scalar boxes are never written to: whatever pdata does to a value, it puts a new box in place of the old
// (TestSharedValuesAreNotSeenThrough goes through all of it). Only with the feature gate pdata.useProtoPooling is a box emptied for
// reuse, so nothing is shared unless the gate is known and off: should pdata pool for good and drop the gate, this becomes slower,
// not wrong.
type repeats struct {
	on    bool
	slots [repeatSlots]repeat

	// The run of the span being written: its attributes by key, and which keys it has.
	byKey [numKnown]attr
	set   [2]uint64
	n     int
}

// The keys must fit in repeats.set.
var _ [128 - numKnown]struct{}

const repeatSlots = 64

// repeat is one run of attributes that was met. Its values are made when it is met again.
type repeat struct {
	hash  uint64
	attrs []attr
	// One builder, in a slice because that is how it can be copied.
	built []xpdata.MapBuilder
}

// poolingGate makes pdata reuse what it deleted.
const poolingGate = "pdata.useProtoPooling"

func newRepeats() *repeats {
	r := new(repeats)
	featuregate.GlobalRegistry().VisitAll(func(g *featuregate.Gate) {
		if g.ID() == poolingGate {
			r.on = !g.IsEnabled()
		}
	})
	return r
}

func (r *repeats) reset() {
	for i := range r.slots {
		if s := &r.slots[i]; s.hash != 0 {
			*s = repeat{attrs: s.attrs[:0]}
		}
	}
}

// begin starts a run.
func (r *repeats) begin() { r.n, r.set = 0, [2]uint64{} }

// has tells whether the run has an attribute of this key.
func (r *repeats) has(key sym) bool { return r.set[key>>6]>>(key&63)&1 != 0 }

// add takes an attribute whose key is repeating. False: there is one of this key already. Runs are in the order of the keys, not of
// the wire: with some tracers that is random, like the order of Go's maps.
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

// hash tells runs apart, most of the time. Bytes, lists and maps must not be shared: a run with one is not ok.
func (r *repeats) hash() (hash uint64, ok bool) {
	hash, ok = 1, r.on && r.n > 0
	for word, set := range r.set {
		for ; set != 0; set &= set - 1 {
			a := &r.byKey[word<<6+bits.TrailingZeros64(set)]
			hash = (hash ^ uint64(a.key) ^ bits.RotateLeft64(a.number, 29)) * 0x9e3779b97f4a7c15
			ok = ok && a.kind != attrValue
		}
	}
	return hash, ok
}

// all calls f for the attributes of the run.
func (r *repeats) all(f func(a *attr)) {
	for word, set := range r.set {
		for ; set != 0; set &= set - 1 {
			f(&r.byKey[word<<6+bits.TrailingZeros64(set)])
		}
	}
}

// write returns a builder that begins with the run and has room for more attributes.
func (r *repeats) write(d *Decoder, more int) *xpdata.MapBuilder {
	b := &d.builders[0]
	hash, ok := r.hash()
	s := &r.slots[hash>>58]
	switch {
	case !ok || s.hash != hash:
		s.hash, s.attrs, s.built = hash, s.attrs[:0], nil
		b.EnsureCapacity(r.n + more)
		r.append(d, b)
		return b
	case len(s.attrs) == 0:
		r.all(func(a *attr) { s.attrs = append(s.attrs, *a) })
		s.built = make([]xpdata.MapBuilder, 1)
		s.built[0].EnsureCapacity(r.n)
		r.append(d, &s.built[0])
	case !r.equal(s.attrs):
		b.EnsureCapacity(r.n + more)
		r.append(d, b)
		return b
	}
	// A builder has no method that copies it. Its list of pairs is copied by the EnsureCapacity that follows, as it is longer.
	copy(d.builders, s.built)
	b.EnsureCapacity(r.n + max(1, more))
	return b
}

func (r *repeats) append(d *Decoder, to *xpdata.MapBuilder) {
	r.all(func(a *attr) { d.put(*a, to.AppendEmpty(d.syms.text(a.key))) })
}

func (r *repeats) equal(attrs []attr) bool {
	if len(attrs) != r.n {
		return false
	}
	for i := range attrs {
		a := &attrs[i]
		if b := &r.byKey[a.key]; !r.has(a.key) || a.number != b.number || a.kind != b.kind {
			return false
		}
	}
	return true
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
