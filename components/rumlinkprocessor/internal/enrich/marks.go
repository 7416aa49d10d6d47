package enrich

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// The attributes with which a log or an orphan says how it was linked.
const (
	AttrLinked     = "trace_linked"
	AttrMethod     = index.LinkPrefix + ".method"
	AttrMissReason = index.LinkPrefix + ".miss_reason"
	AttrKey        = index.LinkPrefix + ".key"
)

// AttrSampled is false on a record whose trace a sampler dropped on purpose, or
// would have. The dd_sampler processor writes it.
const AttrSampled = "trace_sampled"

// SampledOut reports whether the record's trace was dropped on purpose.
func SampledOut(attrs pcommon.Map) bool {
	v, ok := attrs.Get(AttrSampled)
	return ok && v.Type() == pcommon.ValueTypeBool && !v.Bool()
}

// MarkLinked says that the log is linked and how. What an earlier hop said about
// how it did it stands, unless it went by the log's own id and more is known
// here.
func MarkLinked(attrs pcommon.Map, f *index.Found) {
	if linked, said := Linked(attrs); said && linked {
		m, ok := attrs.Get(AttrMethod)
		if !ok || m.AsString() != index.MethodID.String() || f.Method == index.MethodID {
			return
		}
	}
	attrs.PutBool(AttrLinked, true)
	attrs.PutStr(AttrMethod, f.Method.String())
	if f.Key != "" {
		attrs.PutStr(AttrKey, f.Key)
	}
	attrs.Remove(AttrMissReason)
}

// Confirmed reports whether an earlier hop has linked the log to something that
// it knew.
func Confirmed(attrs pcommon.Map) bool {
	linked, _ := Linked(attrs)
	m, ok := attrs.Get(AttrMethod)
	return linked && !(ok && m.AsString() == index.MethodID.String())
}

// Linked returns what trace_linked says, if anything. An application may have
// written it as text: that becomes a boolean, so that a backend sees one type,
// or goes if it is neither true nor false.
func Linked(attrs pcommon.Map) (linked, said bool) {
	v, ok := attrs.Get(AttrLinked)
	switch {
	case !ok:
		return false, false
	case v.Type() == pcommon.ValueTypeBool:
		return v.Bool(), true
	case strings.EqualFold(v.AsString(), "true"):
		v.SetBool(true)
		return true, true
	case strings.EqualFold(v.AsString(), "false"):
		v.SetBool(false)
		return false, true
	}
	attrs.Remove(AttrLinked)
	return false, false
}

// MarkMissed says that the record is not linked and why, unless that was said.
func MarkMissed(attrs pcommon.Map, r index.Result) {
	if _, said := Linked(attrs); said {
		return
	}
	attrs.PutBool(AttrLinked, false)
	attrs.PutStr(AttrMissReason, r.String())
}

// MarkCaused says that a root span is linked to the trace that caused it.
func MarkCaused(attrs pcommon.Map) {
	attrs.PutBool(AttrLinked, true)
	attrs.Remove(AttrMissReason)
}
