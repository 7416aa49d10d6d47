package decode

import "math/bits"

// repeats collects the attributes of the span being filled that tend to be the same for many spans. They are in the order of their
// slots, not of the wire: with some tracers that is random, like the order of Go's maps.
type repeats struct {
	bySlot [repeatSlots]attr
	slots
	used uint8 // slots given to names
	run  [repeatSlots]attr
}

// slots says which slots are set, and tells what is in them from what else may be, most of the time.
type slots struct {
	set  [repeatSlots / 64]uint64
	hash uint64
	// own says that one holds bytes, a list or a map, which can be written to and so can't be shared.
	own bool
}

// repeatSlots bounds the names among them. The first numKnown slots are those of the known names that always repeat.
const repeatSlots = 192

// steady is how often in a row a name must have had the same value to be among them.
const steady = 2

// always is the count of names that are among them whatever they say.
const always = 255

// begin starts a span.
func (r *repeats) begin() { r.slots = slots{} }

// has tells whether the span has an attribute in this slot. Slot 0 is nobody's.
func (r *repeats) has(slot uint8) bool { return r.set[slot>>6]>>(slot&63)&1 != 0 }

func (r *repeats) put(slot uint8, a attr) {
	r.set[slot>>6] |= 1 << (slot & 63)
	r.bySlot[slot] = a
	r.hash += slotHash(slot, a.number)
	r.own = r.own || a.kind > attrBool
}

// replace is put for a slot that is set.
func (r *repeats) replace(slot uint8, a attr) {
	r.hash -= slotHash(slot, r.bySlot[slot].number)
	r.put(slot, a)
}

func slotHash(slot uint8, number uint64) uint64 {
	h := (number ^ uint64(slot)<<40) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// takes tells whether an attribute of the name s is to be among them, and learns from its value.
func (r *repeats) takes(s *symbol, a attr) bool {
	if s.same == always {
		return true
	}
	if a.number != s.value || a.kind > attrBool {
		s.value, s.same = a.number, 0
		return false
	}
	if s.same < steady {
		s.same++
		if s.same == steady && s.slot == 0 && r.used < repeatSlots-1 {
			r.used++
			s.slot = r.used
		}
		return false
	}
	return s.slot != 0
}

// are tells whether the attributes are these, whose slots are known to be the same.
func (r *repeats) are(attrs []attr) bool {
	n := 0
	for word, set := range r.set {
		for ; set != 0; set &= set - 1 {
			a, b := &r.bySlot[word<<6+bits.TrailingZeros64(set)], &attrs[n]
			if a.number != b.number || a.kind != b.kind {
				return false
			}
			n++
		}
	}
	return true
}

// list returns the attributes. It is valid until the next call.
func (r *repeats) list() []attr {
	n := 0
	for word, set := range r.set {
		for ; set != 0; set &= set - 1 {
			// Field by field, as they were written: a copy of the whole would wait until they are all in memory.
			a := &r.bySlot[word<<6+bits.TrailingZeros64(set)]
			r.run[n] = attr{number: a.number, key: a.key, kind: a.kind}
			n++
		}
	}
	return r.run[:n]
}

// repeating are the names that always repeat: what they say differs from span to span, but the spans of one kind say the same.
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
