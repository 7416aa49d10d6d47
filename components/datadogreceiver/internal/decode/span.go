package decode

import (
	"math"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// spanKind has the numbers of OTLP, which v1.0 uses too.
type spanKind = ptrace.SpanKind

const (
	kindInternal = ptrace.SpanKindInternal
	kindServer   = ptrace.SpanKindServer
	kindClient   = ptrace.SpanKindClient
	kindProducer = ptrace.SpanKindProducer
	kindConsumer = ptrace.SpanKindConsumer
)

type attrKind uint8

const (
	attrNone attrKind = iota
	attrStr
	attrInt
	attrFloat
	attrBool
	// attrValue is bytes, a list or a map: number indexes decoder.values.
	attrValue
	// attrJSON is a list or map of a tag being read: number is where in it, see putJSON.
	attrJSON
	// attrList is a list of scalars: number is where in d.listItems, see putList.
	attrList
)

// attr is an attribute of the span being filled. It has four fields because the compiler keeps structs of more in memory, where
// copying one just written waits for its parts: a quarter of the time of set.
type attr struct {
	// number is the sym of a string, the bits of anything else.
	number uint64
	key    sym
	kind   attrKind
	// derived says this package made it from another one; what the tracer itself wrote under the name wins.
	derived bool
}

func strAttr(key, value sym) attr { return attr{key: key, number: uint64(value), kind: attrStr} }

// str is the value of a string.
func (a attr) str() sym { return sym(a.number) }

// span is the scratch: what one span of the wire says, before its place in the result is known.
type span struct {
	service, name, resource, typ       sym
	env, version, base                 sym
	linksJSON, eventsJSON              sym
	errMessage, errType, errStack      sym
	httpMethod, httpRoute, httpStatus  sym
	dbOperation, dbTarget, dbSystem    sym
	rpcService, rpcMethod              sym
	messagingOperation, messagingTopic sym

	traceID, tid, spanID, parentID uint64
	start                          uint64
	duration                       int64
	priority                       float64
	kind                           spanKind
	failed, hasPriority            bool
	bad                            bool
}

// addMeta takes an entry of meta or a string attribute.
func (d *Decoder) addMeta(key, value sym) {
	if key >= numKnown {
		d.set(strAttr(key, value))
		return
	}
	sp := &d.span
	switch key {
	case kEmpty:
		return
	case kEnv:
		sp.env = value
		return
	case kVersion:
		sp.version = value
		return
	case kBaseService:
		sp.base = value
		return
	case kService:
		// It repeats the service of the span, or that of its process.
		if d.mode == Semantic {
			return
		}
	case kSpanKind:
		if kind, ok := kindByName(d.syms.text(value)); ok {
			sp.kind = kind
			return
		}
	case kTID:
		tid, ok := ddcontext.ParseTID(d.syms.text(value))
		if !ok {
			d.stats.BadTIDs++
			return
		}
		sp.tid = tid
	case kLinksJSON:
		sp.linksJSON = value
		return
	case kEventsJSON:
		sp.eventsJSON = value
		return
	case kRuntimeID, kLanguage, kProcessTags, kHostname:
		if d.hoist(key, value) {
			return
		}
	case kErrorMessage, kErrorMsg:
		if key == kErrorMessage || sp.errMessage == noSym {
			sp.errMessage = value
		}
		if d.mode == Semantic {
			return
		}
	case kErrorType:
		sp.errType = value
	case kErrorStack:
		sp.errStack = value
		if d.mode == Semantic {
			return
		}
	case kHTTPMethod, kHTTPRequestMethod:
		sp.httpMethod = value
	case kHTTPRoute:
		sp.httpRoute = value
	case kDBOperation, oDBOperation:
		sp.dbOperation = value
	case kDBSQLTable, oDBCollection:
		sp.dbTarget = value
	case kDBName, kDBInstance, oDBNamespace:
		if sp.dbTarget == noSym {
			sp.dbTarget = value
		}
	case kDBType, kDBSystem, oDBSystem:
		sp.dbSystem = value
	case kRPCService, kGRPCMethodService:
		sp.rpcService = value
	case kRPCMethod, kGRPCMethodName:
		sp.rpcMethod = value
	case kMessagingOperation:
		sp.messagingOperation = value
	case kMessagingDestinationName, kMessagingDestination, kKafkaTopic:
		sp.messagingTopic = value
	}
	d.setRenamed(strAttr(key, value))
}

// spanAttr takes a typed attribute of v1.0.
func (d *Decoder) spanAttr(a attr) {
	if a.kind == attrStr {
		d.addMeta(a.key, a.str())
		return
	}
	d.addNumber(a.key, a.kind, a.number)
}

// addNumber takes an entry of metrics, or a typed attribute of v1.0.
func (d *Decoder) addNumber(key sym, kind attrKind, bits uint64) {
	a := attr{key: key, number: bits, kind: kind}
	switch key {
	case kEmpty:
		return
	case kPriority:
		if f, ok := a.float(); ok {
			d.span.priority, d.span.hasPriority = f, true
			a.kind, a.number = attrFloat, math.Float64bits(f)
		}
	case kProcessID:
		if n, ok := a.int(); ok {
			d.payload.pid = n
		}
	}
	if key < numKnown {
		d.setRenamed(a)
		return
	}
	d.set(a)
}

// float returns a number as a float.
func (a attr) float() (float64, bool) {
	switch a.kind {
	case attrFloat:
		return math.Float64frombits(a.number), true
	case attrInt:
		return float64(int64(a.number)), true
	}
	return 0, false
}

// int returns a number without a fraction as an integer.
func (a attr) int() (int64, bool) {
	switch a.kind {
	case attrInt:
		return int64(a.number), true
	case attrFloat:
		f := math.Float64frombits(a.number)
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return int64(f), true
		}
	}
	return 0, false
}

// setRenamed sets an attribute under the names the mode asks for.
func (d *Decoder) setRenamed(a attr) {
	r := renames[a.key]
	if d.mode == Lossless || r.to == noSym {
		d.set(a)
		return
	}
	renamed, ok := d.convert(a, r.as)
	if !ok {
		d.set(a)
		return
	}
	renamed.key = r.to
	renamed.derived = r.to != a.key
	if d.mode == Both && !r.mappedBack {
		d.set(a)
	}
	d.set(renamed)
}

// convert returns a as its OpenTelemetry name wants it, and false when it can't be that.
func (d *Decoder) convert(a attr, as conversion) (attr, bool) {
	switch as {
	case asInt:
		if n, ok := a.int(); ok {
			return attr{kind: attrInt, number: uint64(n)}, true
		}
		if a.kind != attrStr {
			return a, false
		}
		text := d.syms.text(a.str())
		n, err := strconv.ParseInt(text, 10, 64)
		// +1 and 007 would come back as another text.
		if err != nil || text[0] == '+' || (text[0] == '0' && len(text) > 1) {
			return a, false
		}
		return attr{kind: attrInt, number: uint64(n)}, true
	case asDBSystem:
		if a.kind == attrStr {
			a.number = uint64(d.syms.internText(dbSystem(d.syms.text(a.str()))))
		}
	}
	return a, true
}

// set adds an attribute, or replaces what has its name: a later entry replaces an earlier one, and what was derived gives way to
// what the tracer wrote. When meta and metrics both have the name with different values, the number is called <name>.number.
func (d *Decoder) set(a attr) {
	s := &d.syms.all[a.key]
	switch {
	case s.same == always && d.mode != Semantic && !d.repeats.has(s.slot): // what most are
		d.repeats.put(s.slot, a)
	case s.stamp == d.stamp:
		d.merge(&d.attrs[s.pos], a)
	case d.repeats.has(s.slot):
		slot, merged := s.slot, d.repeats.bySlot[s.slot]
		d.merge(&merged, a)
		d.repeats.replace(slot, merged)
	case d.mode == Semantic && onlyDatadog(s.text):
	case d.repeats.takes(s, a):
		d.repeats.put(s.slot, a)
	default:
		s.stamp, s.pos = d.stamp, uint32(len(d.attrs))
		d.attrs = append(grow(d.attrs), a)
	}
}

func (d *Decoder) merge(old *attr, a attr) {
	switch {
	case a.derived && !old.derived:
	case old.derived || old.kind == a.kind || (old.kind != attrStr && a.kind != attrStr):
		*old = a
	case a.kind == attrStr && d.numberText(*old) == d.syms.text(a.str()):
		// The number says the same and keeps its type.
	case old.kind == attrStr && d.numberText(a) == d.syms.text(old.str()):
		*old = a
	case a.kind == attrStr:
		number := *old
		*old = a
		d.setNumber(number)
	default:
		d.setNumber(a)
	}
}

func (d *Decoder) setNumber(a attr) {
	// Kept by sym: in v0.5 and v1.0 one long name can be referred to by any number of spans.
	key, ok := d.numberKeys[a.key]
	if !ok {
		key = d.syms.internString(d.syms.text(a.key) + ".number")
		d.numberKeys[a.key] = key
	}
	a.key = key
	if s := &d.syms.all[key]; s.stamp == d.stamp {
		d.attrs[s.pos] = a
		return
	}
	d.set(a)
}

func (d *Decoder) numberText(a attr) string {
	switch a.kind {
	case attrInt:
		return strconv.FormatInt(int64(a.number), 10)
	case attrFloat:
		return strconv.FormatFloat(math.Float64frombits(a.number), 'f', -1, 64)
	case attrBool:
		return strconv.FormatBool(a.number != 0)
	}
	return ""
}

// put writes the value of a.
func (d *Decoder) put(a attr, to pcommon.Value) {
	switch a.kind {
	case attrStr:
		to.SetStr(d.syms.text(a.str()))
	case attrInt:
		to.SetInt(int64(a.number))
	case attrFloat:
		to.SetDouble(math.Float64frombits(a.number))
	case attrBool:
		to.SetBool(a.number != 0)
	case attrValue:
		d.values[a.number].MoveTo(to)
	case attrList:
		d.putList(a.number, to)
	case attrJSON:
		d.putJSON(a.number, to)
	}
}
