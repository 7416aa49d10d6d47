package translate

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// maxNameBytes bounds the parts a span name is put together from.
const maxNameBytes = 255

// nameParts are the tags a span name is made of.
type nameParts struct {
	httpMethod, httpRoute              intern.Sym
	dbOperation, dbTarget, dbSystem    intern.Sym
	rpcService, rpcMethod              intern.Sym
	messagingOperation, messagingTopic intern.Sym
}

// take notes a tag, if it is part of a name.
func (p *nameParts) take(key, value intern.Sym) {
	switch key {
	case kHTTPMethod, kHTTPRequestMethod:
		p.httpMethod = value
	case kHTTPRoute:
		p.httpRoute = value
	case kDBOperation, oDBOperation:
		p.dbOperation = value
	case kDBSQLTable, oDBCollection:
		p.dbTarget = value
	case kDBName, kDBInstance, oDBNamespace:
		if p.dbTarget == intern.Empty {
			p.dbTarget = value
		}
	case kDBType, kDBSystem, oDBSystem:
		p.dbSystem = value
	case kRPCService, kGRPCMethodService:
		p.rpcService = value
	case kRPCMethod, kGRPCMethodName:
		p.rpcMethod = value
	case kMessagingOperation:
		p.messagingOperation = value
	case kMessagingDestinationName, kMessagingDestination, kKafkaTopic:
		p.messagingTopic = value
	}
}

// name is what semantic conventions prescribe for HTTP, databases, RPC and messaging: a verb and a target of low cardinality. Other
// spans keep Datadog's operation name. https://opentelemetry.io/docs/specs/semconv/general/trace/
func (p *nameParts) name(values *Values, span *Span) intern.Sym {
	switch {
	case p.httpMethod != intern.Empty:
		return p.http(values, span)
	case p.rpcMethod != intern.Empty && p.rpcService != intern.Empty:
		return join(values, p.rpcService, '/', p.rpcMethod)
	case p.messagingTopic != intern.Empty && (span.Kind == ptrace.SpanKindProducer || span.Kind == ptrace.SpanKindConsumer):
		return p.messaging(values, span)
	case isDatabase(values.String(span.Type)) || p.dbSystem != intern.Empty && span.Kind == ptrace.SpanKindClient:
		return p.database(values, span)
	}
	if span.Name == intern.Empty {
		return span.Resource
	}
	return span.Name
}

// http is `{method} {route}` for servers. Where the route is unknown, Datadog's resource is method and route already, quantized.
func (p *nameParts) http(values *Values, span *Span) intern.Sym {
	if span.Kind != ptrace.SpanKindClient && p.httpRoute != intern.Empty {
		return join(values, p.httpMethod, ' ', p.httpRoute)
	}
	rest, ok := strings.CutPrefix(values.String(span.Resource), values.String(p.httpMethod))
	if ok && strings.HasPrefix(rest, " ") {
		return span.Resource
	}
	return p.httpMethod
}

// database is `{operation} {target}`, `{operation}` or the system. The operation is the first word of the query.
func (p *nameParts) database(values *Values, span *Span) intern.Sym {
	operation := p.dbOperation
	if operation == intern.Empty {
		operation = values.Text(firstWord(values.String(span.Resource)))
	}
	switch {
	case operation != intern.Empty && p.dbTarget != intern.Empty:
		return join(values, operation, ' ', p.dbTarget)
	case operation != intern.Empty:
		return operation
	case p.dbSystem != intern.Empty:
		return p.dbSystem
	}
	return span.Name
}

func (p *nameParts) messaging(values *Values, span *Span) intern.Sym {
	operation := p.messagingOperation
	if operation == intern.Empty {
		verb := "send"
		if span.Kind == ptrace.SpanKindConsumer {
			verb = "process"
		}
		operation = values.Text(verb)
	}
	return join(values, operation, ' ', p.messagingTopic)
}

// join returns a + by + b, or a when that would be no name.
func join(values *Values, a intern.Sym, by byte, b intern.Sym) intern.Sym {
	left, right := values.String(a), values.String(b)
	if len(left)+len(right) > maxNameBytes {
		return a
	}
	var buf [maxNameBytes + 1]byte
	return values.Bytes(append(append(append(buf[:0], left...), by), right...))
}

// firstWord returns the letters a text begins with, when a blank or the end follows.
func firstWord(text string) string {
	n := 0
	for n < len(text) && n <= 16 && (text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z' || text[n] == '_') {
		n++
	}
	if n == 0 || n > 16 || (n < len(text) && text[n] != ' ' && text[n] != '\n' && text[n] != '\t') {
		return ""
	}
	return text[:n]
}
