package decode

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// maxNameBytes bounds the parts a span name is put together from.
const maxNameBytes = 255

// semantics adds what semantic conventions want and Datadog says elsewhere.
func (d *Decoder) semantics(out ptrace.Span) {
	sp := &d.span
	if sp.kind == ptrace.SpanKindUnspecified {
		sp.kind = kindByType(d.syms.text(sp.typ))
	}
	switch d.syms.text(sp.typ) {
	case "sql", "cassandra":
		// The resource of these is the query, its literals taken out.
		if sp.resource != noSym {
			d.set(attr{key: oDBQueryText, number: uint64(sp.resource), kind: attrStr, derived: true})
		}
	}
	if sp.failed && sp.errType|sp.errMessage|sp.errStack != noSym {
		d.exception(out)
	}
}

// exception adds the event, unless the tracer recorded one itself.
func (d *Decoder) exception(out ptrace.Span) {
	events := out.Events()
	for i := range events.Len() {
		if events.At(i).Name() == "exception" {
			return
		}
	}
	from := len(d.linked)
	for _, a := range [...]attr{
		strAttr(oExceptionType, d.span.errType),
		strAttr(oExceptionMessage, d.span.errMessage),
		strAttr(oExceptionStacktrace, d.span.errStack),
	} {
		if a.str() != noSym {
			d.linkedAttr(a)
		}
	}
	d.addEvent(events, uint64(out.EndTimestamp()), oException, from)
}

// spanName is the operation name in lossless mode, else what semantic conventions prescribe for HTTP, databases, RPC and messaging:
// a verb and a target of low cardinality. https://opentelemetry.io/docs/specs/semconv/general/trace/
func (d *Decoder) spanName() sym {
	sp := &d.span
	if d.mode == Lossless {
		return sp.name
	}
	typ := d.syms.text(sp.typ)
	switch {
	case sp.httpMethod != noSym:
		return d.httpName()
	case sp.rpcMethod != noSym && sp.rpcService != noSym:
		return d.join(sp.rpcService, '/', sp.rpcMethod)
	case sp.messagingTopic != noSym && (sp.kind == kindProducer || sp.kind == kindConsumer):
		return d.messagingName()
	case isDatabase(typ) || sp.dbSystem != noSym && sp.kind == kindClient:
		return d.databaseName()
	}
	if sp.name == noSym {
		return sp.resource
	}
	return sp.name
}

// httpName is `{method} {route}` for servers. Where the route is unknown, Datadog's resource is method and route already, quantized.
func (d *Decoder) httpName() sym {
	sp := &d.span
	if sp.kind != kindClient && sp.httpRoute != noSym {
		return d.join(sp.httpMethod, ' ', sp.httpRoute)
	}
	method, resource := d.syms.text(sp.httpMethod), d.syms.text(sp.resource)
	if rest, ok := strings.CutPrefix(resource, method); ok && strings.HasPrefix(rest, " ") {
		return sp.resource
	}
	return sp.httpMethod
}

// databaseName is `{operation} {target}`, `{operation}` or the system. The operation is the first word of the query.
func (d *Decoder) databaseName() sym {
	sp := &d.span
	operation := sp.dbOperation
	if operation == noSym {
		operation = d.firstWord(sp.resource)
	}
	switch {
	case operation != noSym && sp.dbTarget != noSym:
		return d.join(operation, ' ', sp.dbTarget)
	case operation != noSym:
		return operation
	case sp.dbSystem != noSym:
		return sp.dbSystem
	}
	return sp.name
}

func (d *Decoder) messagingName() sym {
	sp := &d.span
	operation := sp.messagingOperation
	if operation == noSym {
		verb := "send"
		if sp.kind == kindConsumer {
			verb = "process"
		}
		operation = d.syms.internString(verb)
	}
	return d.join(operation, ' ', sp.messagingTopic)
}

// join returns a + by + b, or a when that would be no name.
func (d *Decoder) join(a sym, by byte, b sym) sym {
	made := d.made.of(a, by, b)
	if made.name != noSym {
		return made.name
	}
	left, right := d.syms.text(a), d.syms.text(b)
	if len(left)+len(right) > maxNameBytes {
		return a
	}
	d.name = append(append(append(d.name[:0], left...), by), right...)
	made.name = d.syms.intern(d.name)
	return made.name
}

// firstWord returns the letters a text begins with, when a blank or the end follows.
func (d *Decoder) firstWord(y sym) sym {
	made := d.made.of(y, 0, noSym)
	if made.name != noSym {
		return made.name
	}
	text := d.syms.text(y)
	n := 0
	for n < len(text) && n <= 16 && (text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || text[n] == '_') {
		n++
	}
	if n == 0 || n > 16 || (n < len(text) && text[n] != ' ' && text[n] != '\n' && text[n] != '\t') {
		return noSym
	}
	d.name = append(d.name[:0], text[:n]...)
	made.name = d.syms.intern(d.name)
	return made.name
}

// madeNames are the names put together before: the spans of a service have few.
type madeNames [32]madeName

// madeName is left + by + right, or, when by is 0, the first word of left. It is noSym until it is made.
type madeName struct {
	left, right sym
	by          byte
	name        sym
}

func (m *madeNames) of(left sym, by byte, right sym) *madeName {
	n := &m[(left*7+right)%sym(len(m))]
	if n.left != left || n.right != right || n.by != by {
		*n = madeName{left: left, by: by, right: right}
	}
	return n
}
