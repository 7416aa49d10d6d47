package enrich

import (
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

// MarkLinked says that the log is linked and how. What an earlier hop said about
// how it did it stands.
func MarkLinked(attrs pcommon.Map, f *index.Found) {
	if IsLinked(attrs) {
		return
	}
	attrs.PutBool(AttrLinked, true)
	attrs.PutStr(AttrMethod, f.Method.String())
	if f.Key != "" {
		attrs.PutStr(AttrKey, f.Key)
	}
	attrs.Remove(AttrMissReason)
}

// IsLinked reports whether an earlier hop has linked the log.
func IsLinked(attrs pcommon.Map) bool {
	v, ok := attrs.Get(AttrLinked)
	return ok && v.Type() == pcommon.ValueTypeBool && v.Bool()
}

// MarkMissed says that the log is not linked and why, unless that was said.
func MarkMissed(attrs pcommon.Map, r index.Result) {
	if _, ok := attrs.Get(AttrLinked); ok {
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
