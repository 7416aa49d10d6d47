package decode

import (
	"math/bits"

	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// repeats lets spans that begin with the same attributes share their values. An attribute value of pdata is a box of its own on the
// heap, one allocation, and most spans of a payload repeat most of them: operation, resource, type, priority, process id…
// On the JavaScript capture this takes 14 of 32 allocations per span away.
//
// Sharing is safe because scalar boxes are never written to: pcommon.Value.SetStr and its sisters put a new box in place of the old.
// Only with the feature gate pdata.useProtoPooling would a box be emptied for reuse; then nothing is shared.
type repeats struct {
	off   bool
	slots [repeatSlots]repeat
	attrs []attr
	hash  uint64
}

const repeatSlots = 64

// repeat is one run of attributes that was met. Its values are made when it is met again.
type repeat struct {
	hash  uint64
	attrs []attr
	// One builder, in a slice because that is how it can be copied.
	built []xpdata.MapBuilder
}

func newRepeats() *repeats {
	r := new(repeats)
	featuregate.GlobalRegistry().VisitAll(func(g *featuregate.Gate) {
		if g.ID() == "pdata.useProtoPooling" {
			r.off = g.IsEnabled()
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
func (r *repeats) begin() {
	r.attrs = r.attrs[:0]
	r.hash = 1
}

// add inserts a by its key: the order of tags on the wire is random with some tracers, as that of Go's maps.
func (r *repeats) add(a attr) {
	r.attrs = append(grow(r.attrs), a)
	i := len(r.attrs) - 1
	for ; i > 0 && r.attrs[i-1].key > a.key; i-- {
		r.attrs[i] = r.attrs[i-1]
	}
	r.attrs[i] = a
	// The order must not matter to the hash.
	r.hash += (uint64(a.key)<<32 ^ uint64(a.str)<<8 ^ a.number ^ bits.RotateLeft64(a.number, 29)) * 0x9e3779b97f4a7c15
}

// write returns a builder that begins with the run and has room for more attributes.
func (r *repeats) write(d *Decoder, more int) *xpdata.MapBuilder {
	b := &d.builders[0]
	slot := &r.slots[r.hash>>58]
	switch {
	case r.off || len(r.attrs) == 0 || len(r.attrs) > maxRepeated || slot.hash != r.hash:
		slot.hash, slot.attrs, slot.built = r.hash, slot.attrs[:0], nil
		b.EnsureCapacity(len(r.attrs) + more)
		r.append(d, b)
		return b
	case len(slot.attrs) == 0:
		slot.attrs = append(slot.attrs, r.attrs...)
		slot.built = make([]xpdata.MapBuilder, 1)
		slot.built[0].EnsureCapacity(len(r.attrs))
		r.append(d, &slot.built[0])
	case !equalAttrs(slot.attrs, r.attrs):
		b.EnsureCapacity(len(r.attrs) + more)
		r.append(d, b)
		return b
	}
	// A builder has no method that copies it. Its list of pairs is copied by the EnsureCapacity that follows, as it is longer.
	copy(d.builders, slot.built)
	b.EnsureCapacity(len(r.attrs) + max(1, more))
	return b
}

const maxRepeated = 64

func (r *repeats) append(d *Decoder, to *xpdata.MapBuilder) {
	for _, a := range r.attrs {
		d.put(a, to.AppendEmpty(d.syms.text(a.key)))
	}
}

func equalAttrs(a, b []attr) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].key != b[i].key || a[i].str != b[i].str || a[i].number != b[i].number || a[i].kind != b[i].kind {
			return false
		}
	}
	return true
}

// repeating are the attributes whose values tend to be the same for many spans. They come first.
var repeating = func() (t [numKnown]bool) {
	for _, key := range []sym{
		kDM, kOrigin, kPriority, kMeasured, kTopLevel, kAgentPSR, kIntegration, kComponent, kProcessID, kErrorType,
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
