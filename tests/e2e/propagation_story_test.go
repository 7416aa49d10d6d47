package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	httptrace "github.com/DataDog/dd-trace-go/contrib/net/http/v2"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/ext"
	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// A request goes from a dd-trace-go service through one of the OpenTelemetry SDK, which uses ddcontext, to a dd-trace-go service: one trace in the
// backend, each span under the one that called it, and one decision.
func TestPropagationMakesOneTraceOfThreeServices(t *testing.T) {
	for _, tc := range []struct {
		name, style, decision string
		priority              int
	}{
		{"Datadog headers, kept by hand", "datadog", ext.ManualKeep, ext.PriorityUserKeep},
		{"W3C headers, kept by hand", "tracecontext", ext.ManualKeep, ext.PriorityUserKeep},
		{"both, kept by the sampler", "datadog,tracecontext", "", ext.PriorityAutoKeep},
		{"both, dropped by hand", "datadog,tracecontext", ext.ManualDrop, ext.PriorityUserReject},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("DD_TRACE_PROPAGATION_STYLE", tc.style)
			backend := sink.Start(t)
			c := toSink(t, backend, "")
			played := playThreeServices(t, c, tc.style, tc.decision)
			require.Equal(t, tc.priority, played.lastPriority)

			if tc.priority <= 0 {
				// The SDK does not record what it does not sample; dd-trace-go leaves that to the collector, where dd_sampler drops it.
				dropped := regexp.MustCompile(`otelcol_processor_dd_sampler_spans_?[a-z_]*\{[^}]*outcome="dropped"[^}]*\} ([2-9]|\d\d+)`)
				backend.WaitFor(t, "the tracers' spans to be dropped", func() bool { return dropped.MatchString(c.Scrape()) })
				require.Empty(t, backend.Spans())
				return
			}
			wanted := []string{"front", "back", "middle"}
			spans := map[pcommon.SpanID]sink.Span{}
			backend.WaitFor(t, "the spans", func() bool {
				services := map[string]int{}
				for _, span := range backend.Spans() {
					if span.TraceID() == pcommon.TraceID(played.traceID) {
						spans[span.SpanID()] = span
						services[span.Service()]++
					}
				}
				for _, service := range wanted {
					if services[service] == 0 {
						return false
					}
				}
				return services["middle"] == 0 || services["middle"] == 2
			})
			for _, span := range backend.Spans() {
				require.Equal(t, pcommon.TraceID(played.traceID), span.TraceID(), "%s is in another trace", span.Service())
			}
			// Up from the last service: back, the SDK's client span, the SDK's server span, front.
			var path []string
			for span, ok := lastServerSpan(spans, "back"); ok; span, ok = spans[span.ParentSpanID()] {
				path = append(path, span.Service())
			}
			require.Equal(t, []string{"back", "middle", "middle", "front"}, path)
		})
	}
}

func lastServerSpan(spans map[pcommon.SpanID]sink.Span, service string) (sink.Span, bool) {
	for _, span := range spans {
		if span.Service() == service && span.Kind() == ptrace.SpanKindServer {
			return span, true
		}
	}
	return sink.Span{}, false
}

type threeServices struct {
	traceID      [16]byte
	lastPriority int // as the last service saw it
}

func playThreeServices(t *testing.T, c *collector.Collector, style, decision string) (played threeServices) {
	t.Helper()
	require.NoError(t, tracer.Start(tracer.WithAgentAddr(c.Datadog), tracer.WithService("front"), tracer.WithLogStartup(false)))
	defer tracer.Stop()

	backMux := httptrace.NewServeMux(httptrace.WithService("back"))
	priorities := make(chan int, 1)
	backMux.HandleFunc("GET /", func(_ http.ResponseWriter, r *http.Request) {
		if span, ok := tracer.SpanFromContext(r.Context()); ok {
			priority, _ := span.Context().SamplingPriority()
			priorities <- priority
		}
	})
	back := httptest.NewServer(backMux)
	defer back.Close()

	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(c.OTLPGRPC), otlptracegrpc.WithInsecure())
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "middle"))))
	middle := httptest.NewServer(middleService(t, provider.Tracer("middle"), back.URL))
	defer middle.Close()

	root := tracer.StartSpan("front.request")
	if decision != "" {
		root.SetTag(decision, true)
	}
	played.traceID = root.Context().TraceIDBytes()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, middle.URL, nil)
	require.NoError(t, err)
	require.NoError(t, tracer.Inject(root.Context(), tracer.HTTPHeadersCarrier(request.Header)))
	require.Equal(t, strings.Contains(style, "datadog"), request.Header.Get("x-datadog-trace-id") != "")
	require.Equal(t, strings.Contains(style, "tracecontext"), request.Header.Get("traceparent") != "")
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	select {
	case played.lastPriority = <-priorities:
	default:
		t.Fatal("the last service has no span")
	}
	root.Finish()
	tracer.Flush()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, provider.Shutdown(ctx))
	return played
}

// middleService continues the caller's trace with a server and a client span.
func middleService(t *testing.T, otelTracer trace.Tracer, next string) http.Handler {
	propagator := ddcontext.New()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, server := otelTracer.Start(ctx, "GET /", trace.WithSpanKind(trace.SpanKindServer), trace.WithLinks(ddcontext.LinksFromContext(ctx)...))
		defer server.End()
		ctx, client := otelTracer.Start(ctx, "GET", trace.WithSpanKind(trace.SpanKindClient))
		defer client.End()
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
		response.Body.Close()
	})
}
