package clients

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// serviceAnswer is what propagation.js and propagation.py say of itself and of who it called.
type serviceAnswer struct {
	Trace, Span, Parent string
	Injected            map[string]string
	Next                *hopAnswer
}

// hopAnswer is what the OpenTelemetry service says.
type hopAnswer struct {
	Trace, Span, Parent string // its own span, and its parent as it was extracted
	Data                ddcontext.TraceData
	Maker               string
	Sampled             bool
	Called              serviceAnswer
}

func TestPropagationWithNode(t *testing.T) {
	installed(t, "node/node_modules/dd-trace/package.json", "npm --prefix tests/e2e/clients/node ci")
	testPropagation(t, "b3 single header", nodeJS(t), "node/propagation.js")
}

func TestPropagationWithPython(t *testing.T) {
	python := installed(t, "python/.venv/bin/python",
		"python3 -m venv tests/e2e/clients/python/.venv && tests/e2e/clients/python/.venv/bin/pip install -r tests/e2e/clients/python/requirements.txt")
	testPropagation(t, "b3", python, "python/propagation.py")
}

// A service traced by Datadog's library calls one of the OpenTelemetry SDK that uses ddcontext, which calls the first again: one trace, right
// parents, one decision, in every style and for ids of either width.
func testPropagation(t *testing.T, b3Single string, command ...string) {
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "{}")
	}))
	defer agent.Close()
	for _, tc := range []struct {
		style string // as Datadog's library calls it
		ours  []ddcontext.Style
		bits  int
	}{
		{"datadog", []ddcontext.Style{ddcontext.Datadog}, 128},
		{"datadog", []ddcontext.Style{ddcontext.Datadog}, 64},
		{"tracecontext", []ddcontext.Style{ddcontext.TraceContext}, 128},
		{"datadog,tracecontext", []ddcontext.Style{ddcontext.Datadog, ddcontext.TraceContext}, 128},
		{"datadog,tracecontext", []ddcontext.Style{ddcontext.Datadog, ddcontext.TraceContext}, 64},
		{"b3multi", []ddcontext.Style{ddcontext.B3Multi}, 128},
		{b3Single, []ddcontext.Style{ddcontext.B3}, 128},
	} {
		t.Run(fmt.Sprintf("%s %d", tc.style, tc.bits), func(t *testing.T) {
			addr := collector.FreePorts(t, 1)[0]
			_, port := hostPort(t, addr)
			app := start(t, []string{
				"DD_TRACE_AGENT_URL=" + agent.URL, "DD_TRACE_PROPAGATION_STYLE=" + tc.style,
				fmt.Sprintf("DD_TRACE_128_BIT_TRACEID_GENERATION_ENABLED=%t", tc.bits == 128),
				"DD_REMOTE_CONFIGURATION_ENABLED=false", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false",
			}, command[0], append(command[1:], port)...)
			service := "http://" + addr + "/"
			propagator := ddcontext.New(ddcontext.WithStyles(tc.ours...))
			hop := httptest.NewServer(hopService(t, propagator, service))
			defer hop.Close()
			viaHop := service + "?next=" + url.QueryEscape(hop.URL)

			t.Run("the trace begins there", func(t *testing.T) {
				var answer serviceAnswer
				require.NoError(t, json.Unmarshal(app.get(t, viaHop), &answer))
				require.Equal(t, tc.bits == 64, strings.HasPrefix(answer.Trace, "0000000000000000"), answer.Trace)
				requireOneTrace(t, answer)
				require.True(t, answer.Next.Sampled)
				for header, style := range map[string]string{"x-datadog-trace-id": "datadog", "traceparent": "tracecontext", "x-b3-traceid": "b3multi", "b3": b3Single} {
					require.Equal(t, slices.Contains(strings.Split(tc.style, ","), style), answer.Injected[header] != "", header)
				}
			})
			tags, elsewhere := "_dd.p.dm=-4", "0000000000000000123456789abcdef0"
			if tc.bits == 128 { // Python's library reads no upper half when it is told to make none
				tags, elsewhere = tags+",_dd.p.tid=640cfd8d00000000", "640cfd8d00000000123456789abcdef0"
			}
			for _, priority := range []string{"2", "1", "0", "-1"} {
				t.Run("the trace comes from elsewhere with priority "+priority, func(t *testing.T) {
					ctx := ddcontext.New().Extract(t.Context(), propagation.MapCarrier{"x-datadog-trace-id": "1311768467463790320", "x-datadog-parent-id": "81985529216486895",
						"x-datadog-sampling-priority": priority, "x-datadog-origin": "synthetics", "x-datadog-tags": tags})
					request, err := http.NewRequestWithContext(ctx, http.MethodGet, viaHop, nil)
					require.NoError(t, err)
					propagator.Inject(ctx, propagation.HeaderCarrier(request.Header))
					answer := ask(t, request)
					require.Equal(t, elsewhere, answer.Trace)
					require.Equal(t, "0123456789abcdef", answer.Parent)
					requireOneTrace(t, answer)
					require.Equal(t, priority == "1" || priority == "2", answer.Next.Sampled)
					if strings.HasPrefix(tc.style, "b3") {
						return // has room for a flag only
					}
					require.Equal(t, priority, fmt.Sprint(answer.Next.Data.Priority))
					require.Equal(t, "synthetics", answer.Next.Data.Origin)
					if answer.Next.Sampled {
						require.Equal(t, "-4", answer.Next.Maker)
					}
					if tc.style != "tracecontext" {
						require.Equal(t, priority, answer.Next.Called.Injected["x-datadog-sampling-priority"])
						require.Equal(t, "synthetics", answer.Next.Called.Injected["x-datadog-origin"])
					}
				})
			}
		})
	}
}

func requireOneTrace(t *testing.T, answer serviceAnswer) {
	t.Helper()
	require.NotNil(t, answer.Next)
	require.Equal(t, answer.Trace, answer.Next.Trace)
	require.Equal(t, answer.Trace, answer.Next.Called.Trace)
	require.NotEqual(t, answer.Span, answer.Next.Parent, "the service's client span lies in between")
	require.NotEqual(t, strings.Repeat("0", 16), answer.Next.Parent)
	require.Equal(t, answer.Next.Span, answer.Next.Called.Parent)
}

func ask(t *testing.T, request *http.Request) (answer serviceAnswer) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, string(body))
	require.NoError(t, json.Unmarshal(body, &answer), string(body))
	return answer
}

// hopService continues a caller's trace and calls next.
func hopService(t *testing.T, propagator propagation.TextMapPropagator, next string) http.Handler {
	otelTracer := sdktrace.NewTracerProvider().Tracer("hop")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		answer := hopAnswer{Parent: trace.SpanContextFromContext(ctx).SpanID().String()}
		answer.Data, _ = ddcontext.FromContext(ctx)
		answer.Maker, _ = answer.Data.Tags.Get("_dd.p.dm")
		ctx, span := otelTracer.Start(ctx, "hop")
		defer span.End()
		answer.Trace, answer.Span, answer.Sampled = span.SpanContext().TraceID().String(), span.SpanContext().SpanID().String(), span.SpanContext().IsSampled()

		request, err := http.NewRequestWithContext(ctx, http.MethodGet, next, nil)
		if err != nil {
			t.Error(err)
			return
		}
		propagator.Inject(ctx, propagation.HeaderCarrier(request.Header))
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		if err := json.NewDecoder(response.Body).Decode(&answer.Called); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})
}
