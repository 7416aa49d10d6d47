package story

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// newLedger is a service traced by the OpenTelemetry SDK that continues the
// W3C context dd-trace-go sends. flush hands its spans to the collector.
func newLedger(ctx context.Context, to Endpoints) (handler http.Handler, flush func(context.Context) error, err error) {
	var exporter *otlptrace.Exporter
	if to.OverHTTP {
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(to.OTLPHTTP), otlptracehttp.WithInsecure())
	} else {
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(to.OTLPGRPC), otlptracegrpc.WithInsecure())
	}
	if err != nil {
		return nil, nil, err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", Ledger))))
	propagator := propagation.TraceContext{}
	tracer := provider.Tracer("story")
	handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "POST /entry", trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", "POST"), attribute.String("http.route", "/entry")))
		defer span.End()
		_, child := tracer.Start(ctx, "append entry")
		child.End()
	})
	return handler, provider.Shutdown, nil
}
