package translate

import (
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// year2000 is the earliest start that is believed, as in the Datadog agent's normalizer.
var year2000 = uint64(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())

// Write writes the span to out, an empty one, save trace id and flags. Room for spare attributes more is left.
func (t *Translator) Write(out ptrace.Span, now func() time.Time, spare int) {
	t.readTexts()
	t.times(out, now)
	if t.options.Mode != Lossless {
		t.semantics(uint64(out.EndTimestamp()))
	}
	t.Related.moveTo(out)
	out.SetSpanID(ddcontext.SpanID(t.Span.SpanID))
	out.SetParentSpanID(ddcontext.SpanID(t.Span.ParentID))
	if t.Span.Failed {
		out.Status().SetCode(ptrace.StatusCodeError)
		out.Status().SetMessage(t.Values.String(t.failure.message))
	}
	name := t.Span.Name
	if t.options.Mode != Lossless {
		name = t.parts.name(t.Values, &t.Span)
	}
	out.SetName(t.Values.String(name))
	out.SetKind(t.Span.Kind)
	t.attributes(out.Attributes(), name, spare)
}

// readTexts reads the links and events that came as text. A text that can't be read in full stays an attribute.
func (t *Translator) readTexts() {
	if y := t.Tags.links; y != intern.Empty && !t.readText(y, t.Related.linksOf) {
		t.set(StringAttr(kLinks, y))
	}
	if y := t.Tags.events; y != intern.Empty && !t.readText(y, t.Related.eventsOf) {
		t.set(StringAttr(kEvents, y))
	}
}

func (t *Translator) readText(y intern.Sym, read func(string, *textReader) bool) bool {
	text := t.Values.String(y)
	t.text.left -= len(text)
	if t.text.left < 0 {
		text = ""
	}
	return read(text, &t.text)
}

// times sets start and end. Without a start that can be believed the span ends now; a duration that leads beyond what 63 bits of
// nanoseconds hold is none.
func (t *Translator) times(out ptrace.Span, now func() time.Time) {
	start, duration := t.Span.Start, uint64(max(0, t.Span.Duration))
	if start < year2000 {
		end := uint64(now().UnixNano())
		if duration > end {
			duration = 0
		}
		start = end - duration
	}
	if start > math.MaxInt64 || duration > math.MaxInt64-start {
		duration = 0
	}
	out.SetStartTimestamp(pcommon.Timestamp(start))
	out.SetEndTimestamp(pcommon.Timestamp(start + duration))
}

// semantics adds what semantic conventions want and Datadog says elsewhere.
func (t *Translator) semantics(end uint64) {
	if t.Span.Kind == ptrace.SpanKindUnspecified {
		t.Span.Kind = kindByType(t.Values.String(t.Span.Type))
	}
	switch t.Values.String(t.Span.Type) {
	case "sql", "cassandra":
		// The resource of these is the query, which some tracers say nowhere else.
		if t.Span.Resource != intern.Empty && t.attrs.get(oDBQueryText) == nil {
			t.set(StringAttr(oDBQueryText, t.Span.Resource))
		}
	}
	if t.Span.Failed {
		t.exception(end)
	}
}

// exception adds the event, unless the tracer recorded one itself.
func (t *Translator) exception(end uint64) {
	events := t.Related.span.Events()
	for i := range events.Len() {
		if events.At(i).Name() == "exception" {
			return
		}
	}
	t.Related.Begin()
	for _, a := range [...]Attr{
		StringAttr(oExceptionType, t.failure.typ),
		StringAttr(oExceptionMessage, t.failure.message),
		StringAttr(oExceptionStacktrace, t.failure.stack),
	} {
		if a.text() != intern.Empty {
			t.Related.Attr(a)
		}
	}
	if len(t.Related.attrs) > 0 {
		t.Related.Event(end, oException)
	}
}

// attributes writes what every Datadog span has, in place of tags of the same names, then the tags in the order they came.
func (t *Translator) attributes(to pcommon.Map, name intern.Sym, spare int) {
	var fields [4]Attr
	n := 0
	field := func(key, value, spanName intern.Sym) {
		// In semantic mode only what the span's name does not say.
		if value != intern.Empty && !(t.options.Mode == Semantic && value == spanName) {
			fields[n] = StringAttr(key, value)
			n++
		}
	}
	field(kOperationName, t.Span.Name, name)
	field(kResourceName, t.Span.Resource, name)
	if t.options.Mode != Semantic {
		field(kSpanType, t.Span.Type, intern.Empty)
		if t.options.KeepEncoding && t.encoding != 0 {
			fields[n] = IntAttr(kEncoding, t.encoding)
			n++
		}
	}
	if n+len(t.attrs.list) == 0 {
		return
	}
	var b xpdata.MapBuilder
	b.EnsureCapacity(n + len(t.attrs.list) + spare)
	for i := range fields[:n] {
		t.Values.Put(fields[i], b.AppendEmpty(t.Values.String(fields[i].Key)))
	}
	for i := range t.attrs.list {
		a := &t.attrs.list[i]
		if a.Key <= kSpanType && isAmong(fields[:n], a.Key) {
			continue
		}
		t.Values.Put(*a, b.AppendEmpty(t.Values.String(a.Key)))
	}
	b.UnsafeIntoMap(to)
}

func isAmong(fields []Attr, key intern.Sym) bool {
	for i := range fields {
		if fields[i].Key == key {
			return true
		}
	}
	return false
}
