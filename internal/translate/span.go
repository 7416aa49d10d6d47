package translate

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/json"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Span is what every Datadog span has. Whoever reads one fills it and hands the tags to the Translator.
type Span struct {
	Service, Name, Resource, Type, Env, Version intern.Sym
	IDs
	Start    uint64 // nanoseconds since 1970
	Duration int64
	Kind     ptrace.SpanKind
	Failed   bool
}

// IDs are a span's. The trace id is the lower half.
type IDs struct{ TraceID, SpanID, ParentID uint64 }

// Tags is what the tags of a span said that is of use beyond the span itself.
type Tags struct {
	// Base is the service of the process, where the span's is another.
	Base intern.Sym
	// TID is the upper half of the trace id, 0 if unknown.
	TID uint64
	// Priority is the sampling decision, if there is one.
	Priority    float64
	HasPriority bool
	// DecisionMaker is who took it. KeptRate is the rate it was taken by, if it came with one.
	DecisionMaker intern.Sym
	KeptRate      Attr

	links, events intern.Sym // as texts
}

// failure is what the tags say about an error.
type failure struct{ message, typ, stack intern.Sym }

// Translator makes pdata spans of Datadog's.
type Translator struct {
	// Values are those of the payload that is read.
	Values *Values
	// Span, Tags and Related are those of the span that is read: Begin empties them, Write writes them.
	Span    Span
	Tags    Tags
	Related Related
	// Process is what the spans read since its last Reset said about their process.
	Process Process
	// Unreadable is counted since the last Reset.
	Unreadable

	options  Options
	parts    nameParts
	failure  failure
	attrs    attrSet
	encoding int64
	text     textReader
}

// textReader reads the JSON in tags. In v0.5 and v1.0 any number of spans can refer to one text, so what is read in all is bounded.
type textReader struct {
	json.Reader
	left int
}

// New returns a Translator.
func New(o Options) *Translator {
	if o.Mode == "" {
		o.Mode = Both
	}
	t := &Translator{Values: NewValues(), options: o}
	t.attrs = attrSet{values: t.Values, numbers: make(map[intern.Sym]intern.Sym)}
	t.Related = Related{values: t.Values, bad: &t.Unreadable, span: ptrace.NewSpan()}
	t.text.AllowControl = true
	t.Reset(0)
	return t
}

// Mode is that of the Options.
func (t *Translator) Mode() Mode { return t.options.Mode }

// Reset forgets everything about the last payload and prepares for one of size bytes.
func (t *Translator) Reset(size int) {
	t.Values.Reset()
	t.attrs.reset()
	t.Related.reset()
	t.Process = Process{}
	t.Unreadable = Unreadable{}
	t.text.left = 64<<10 + 2*size
}

// Begin starts a span.
func (t *Translator) Begin() {
	t.Span, t.Tags = Span{}, Tags{}
	t.parts, t.failure, t.encoding = nameParts{}, failure{}, 0
	t.attrs.begin()
	t.Related.begin()
}

// NativeLinks notes that the links of the span come as a field.
func (t *Translator) NativeLinks() { t.encoding |= EncodingNativeLinks }

// NativeEvents notes that the events of the span come as a field.
func (t *Translator) NativeEvents() { t.encoding |= EncodingNativeEvents }

// Add takes a tag: an entry of meta, metrics or meta_struct, or an attribute of v1.0.
func (t *Translator) Add(a Attr) {
	switch a.kind {
	case kindString:
		t.addText(a.Key, a.text())
	case kindInt:
		t.encoding |= EncodingTypedIntegers
		t.addNumber(a)
	default:
		t.addNumber(a)
	}
}

// addText takes a text. Some go elsewhere and are no attribute.
func (t *Translator) addText(key, value intern.Sym) {
	if key >= numKnown {
		t.set(StringAttr(key, value))
		return
	}
	switch key {
	case kEmpty, kEncoding:
		return
	case kEnv:
		t.Span.Env = value
		return
	case kVersion:
		t.Span.Version = value
		return
	case kBaseService:
		t.Tags.Base = value
		return
	case kService:
		// It repeats the service of the span, or that of its process.
		if t.options.Mode == Semantic {
			return
		}
	case kSpanKind:
		if kind, ok := kindByName(t.Values.String(value)); ok {
			t.Span.Kind = kind
			return
		}
	case kTID:
		tid, ok := ddcontext.ParseTID(t.Values.String(value))
		if !ok {
			t.BadTIDs++
			return
		}
		t.Tags.TID = tid
	case kDM:
		t.Tags.DecisionMaker = value
	case kKeptRate:
		t.Tags.KeptRate = StringAttr(key, value)
	case kLinks:
		t.Tags.links = value
		return
	case kEvents:
		t.Tags.events = value
		return
	case kRuntimeID, kLanguage, kProcessTags, kHostname:
		if t.Process.Take(key, value) {
			return
		}
	case kErrorMessage, kErrorMsg, kErrorType, kErrorStack:
		if t.addError(key, value) {
			return
		}
	}
	t.parts.take(key, value)
	t.rename(StringAttr(key, value))
}

// addError takes what is said about an error, and reports whether it is no attribute: in semantic mode the status and the exception
// event say it.
func (t *Translator) addError(key, value intern.Sym) bool {
	switch key {
	case kErrorMessage:
		t.failure.message = value
	case kErrorMsg:
		if t.failure.message == intern.Empty {
			t.failure.message = value
		}
	case kErrorStack:
		t.failure.stack = value
	case kErrorType:
		t.failure.typ = value
		return false
	}
	return t.options.Mode == Semantic
}

// addNumber takes anything but a text.
func (t *Translator) addNumber(a Attr) {
	switch a.Key {
	case kEmpty, kEncoding:
		return
	case kPriority:
		if f, ok := a.float(); ok {
			t.Tags.Priority, t.Tags.HasPriority = f, true
			a = FloatAttr(a.Key, f)
		}
	case kKeptRate:
		t.Tags.KeptRate = a
	case kProcessID:
		if n, ok := a.int(); ok {
			t.Process.PID = n
		}
	}
	if a.Key < numKnown {
		t.rename(a)
		return
	}
	t.set(a)
}

// rename sets an attribute under the names the mode asks for.
func (t *Translator) rename(a Attr) {
	r := renames[a.Key]
	if t.options.Mode == Lossless || r.to == intern.Empty {
		t.set(a)
		return
	}
	renamed, ok := t.convert(a, r.as)
	if !ok {
		t.set(a)
		return
	}
	renamed.Key = r.to
	renamed.derived = r.to != a.Key
	if t.options.Mode == Both && !r.mappedBack {
		t.set(a)
	}
	t.set(renamed)
}

// convert returns a as its OpenTelemetry name wants it, and false when it can't be that.
func (t *Translator) convert(a Attr, as conversion) (Attr, bool) {
	switch as {
	case asInt:
		if n, ok := a.int(); ok {
			return IntAttr(a.Key, n), true
		}
		if a.kind != kindString {
			return a, false
		}
		text := t.Values.String(a.text())
		n, err := strconv.ParseInt(text, 10, 64)
		// +1 and 007 would come back as another text.
		if err != nil || text[0] == '+' || (text[0] == '0' && len(text) > 1) {
			return a, false
		}
		return IntAttr(a.Key, n), true
	case asDBSystem:
		if a.kind == kindString {
			return StringAttr(a.Key, t.Values.Text(dbSystem(t.Values.String(a.text())))), true
		}
	}
	return a, true
}

func (t *Translator) set(a Attr) {
	if t.options.Mode == Semantic && OnlyDatadog(t.Values.String(a.Key)) {
		return
	}
	t.attrs.set(a)
}
