package ddparity

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// otelCases are spans as OpenTelemetry's SDKs write them.
func otelCases() map[string]func(ptrace.Span) {
	attrs := func(kind ptrace.SpanKind, pairs map[string]any) func(ptrace.Span) {
		return func(s ptrace.Span) {
			s.SetKind(kind)
			_ = s.Attributes().FromRaw(pairs)
		}
	}
	return map[string]func(ptrace.Span){
		"http server":            attrs(ptrace.SpanKindServer, map[string]any{"http.request.method": "GET", "http.route": "/orders/{id}", "http.response.status_code": 200, "url.path": "/orders/1"}),
		"http client":            attrs(ptrace.SpanKindClient, map[string]any{"http.request.method": "POST", "server.address": "shop", "server.port": 443, "url.full": "https://shop/orders"}),
		"http old conventions":   attrs(ptrace.SpanKindServer, map[string]any{"http.method": "GET", "http.status_code": 503, "http.target": "/x"}),
		"status code as a text":  attrs(ptrace.SpanKindServer, map[string]any{"http.request.method": "GET", "http.status_code": "404"}),
		"database":               attrs(ptrace.SpanKindClient, map[string]any{"db.system": "postgresql", "db.statement": "SELECT ?", "db.namespace": "orders"}),
		"redis":                  attrs(ptrace.SpanKindClient, map[string]any{"db.system": "redis", "db.statement": "GET"}),
		"messaging producer":     attrs(ptrace.SpanKindProducer, map[string]any{"messaging.system": "kafka", "messaging.operation": "send", "messaging.destination.name": "orders"}),
		"messaging consumer":     attrs(ptrace.SpanKindConsumer, map[string]any{"messaging.system": "rabbitmq", "messaging.operation": "process"}),
		"rpc client":             attrs(ptrace.SpanKindClient, map[string]any{"rpc.system": "grpc", "rpc.service": "shop.Orders", "rpc.method": "Get", "rpc.grpc.status_code": 0}),
		"rpc server":             attrs(ptrace.SpanKindServer, map[string]any{"rpc.system": "grpc", "rpc.service": "shop.Orders", "rpc.method": "Get"}),
		"aws":                    attrs(ptrace.SpanKindClient, map[string]any{"rpc.system": "aws-api", "rpc.service": "S3", "rpc.method": "PutObject"}),
		"faas":                   attrs(ptrace.SpanKindServer, map[string]any{"faas.trigger": "http"}),
		"graphql":                attrs(ptrace.SpanKindServer, map[string]any{"graphql.operation.type": "query", "graphql.operation.name": "orders"}),
		"internal":               attrs(ptrace.SpanKindInternal, map[string]any{"text": "a", "number": 1.5, "flag": true, "list": []any{"a", 1}}),
		"no kind":                attrs(ptrace.SpanKindUnspecified, nil),
		"names of its own":       attrs(ptrace.SpanKindServer, map[string]any{"operation.name": "op", "resource.name": "res", "span.type": "web", "service.name": "other"}),
		"a priority":             attrs(ptrace.SpanKindServer, map[string]any{"sampling.priority": 2}),
		"a name that is no name": attrs(ptrace.SpanKindServer, map[string]any{"operation.name": "9 é !"}),
		"an exception": func(s ptrace.Span) {
			s.Status().SetCode(ptrace.StatusCodeError)
			e := s.Events().AppendEmpty()
			e.SetName("exception")
			_ = e.Attributes().FromRaw(map[string]any{"exception.type": "IOError", "exception.message": "no", "exception.stacktrace": "at x"})
		},
		"an error with a text": func(s ptrace.Span) {
			s.Status().SetCode(ptrace.StatusCodeError)
			s.Status().SetMessage("it failed")
		},
		"events": func(s ptrace.Span) {
			e := s.Events().AppendEmpty()
			e.SetName("cache.miss")
			e.SetTimestamp(1_800_000_000_000_000_500)
			_ = e.Attributes().FromRaw(map[string]any{"key": "k", "n": 1})
		},
		"links, and a quote in one": func(s ptrace.Span) {
			l := s.Links().AppendEmpty()
			l.SetTraceID(pcommon.TraceID{1, 15: 9})
			l.SetSpanID(pcommon.SpanID{7: 9})
			l.Attributes().PutStr("said", `"yes"`)
		},
		"tracestate": func(s ptrace.Span) { s.TraceState().FromRaw("ot=th:8,a=b") },
	}
}

// What the exporter sends of spans of OpenTelemetry's SDKs is what a real Agent sends, but for what is mended: testdata/otlp.txt.
func TestASpanOfOpenTelemetryLeavesAsTheAgentSendsIt(t *testing.T) {
	agentIntake, ourIntake := newIntake(t), newIntake(t)
	agent := startAgent(t, agentIntake)
	ours := startExporter(t, ourIntake)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(otelCases())) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		_ = rs.Resource().Attributes().FromRaw(map[string]any{
			"service.name": "shop", "service.version": "1.2.3", "deployment.environment.name": "prod", "host.name": "node-1",
			"telemetry.sdk.name": "opentelemetry", "telemetry.sdk.language": "go", "telemetry.sdk.version": "1.45", "team": "a",
		})
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName("library")
		ss.Scope().SetVersion("0.1")
		s := ss.Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 15: 1})
		s.SetSpanID(pcommon.SpanID{7: 2})
		s.SetName("the name")
		s.SetStartTimestamp(1_800_000_000_000_000_000)
		s.SetEndTimestamp(1_800_000_000_001_000_000)
		otelCases()[name](s)
		agentIntake.reset()
		ourIntake.reset()
		_, err := agent.OTLPReceiver.ReceiveResourceSpans(context.Background(), rs, http.Header{}, nil)
		require.NoError(t, err)
		again := ptrace.NewTraces()
		td.CopyTo(again)
		require.NoError(t, ours.ConsumeTraces(t.Context(), again))
		lines = append(lines, name)
		lines = append(lines, differences(agentIntake.spans(t, 1), ourIntake.spans(t, 1))...)
	}
	compareList(t, "testdata/otlp.txt", lines)
}
