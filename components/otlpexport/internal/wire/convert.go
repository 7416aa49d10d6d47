package wire

import (
	"context"
	"errors"

	"go.opentelemetry.io/collector/exporter/exporterhelper/xexporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	xrequest "go.opentelemetry.io/collector/pdata/xpdata/request"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelcol-obs/otelcol-obs/internal/otlpwire"
)

// Converter makes requests of what the pipeline hands over.
type Converter struct {
	// KeepClient stores the client's address and metadata beside the request, for
	// an exporter that needs them when it sends. They may hold tokens, and a queue
	// may be a file.
	KeepClient bool
}

// Traces encodes spans.
func (c Converter) Traces(ctx context.Context, td ptrace.Traces) (xexporterhelper.Request, error) {
	envelope, err := xrequest.MarshalTraces(c.stored(ctx), td)
	return fromEnvelope(otlpwire.Traces, envelope, td.SpanCount(), err)
}

// Logs encodes log records.
func (c Converter) Logs(ctx context.Context, ld plog.Logs) (xexporterhelper.Request, error) {
	envelope, err := xrequest.MarshalLogs(c.stored(ctx), ld)
	return fromEnvelope(otlpwire.Logs, envelope, ld.LogRecordCount(), err)
}

// Metrics encodes data points.
func (c Converter) Metrics(ctx context.Context, md pmetric.Metrics) (xexporterhelper.Request, error) {
	envelope, err := xrequest.MarshalMetrics(c.stored(ctx), md)
	return fromEnvelope(otlpwire.Metrics, envelope, md.DataPointCount(), err)
}

// stored is the part of a context that is stored with a request.
func (c Converter) stored(ctx context.Context) context.Context {
	if c.KeepClient {
		return ctx
	}
	return trace.ContextWithSpanContext(context.Background(), trace.SpanContextFromContext(ctx))
}

func fromEnvelope(s *otlpwire.Signal, envelope []byte, items int, err error) (xexporterhelper.Request, error) {
	if err != nil {
		return nil, err
	}
	data, _, ok := otlpwire.OpenEnvelope(envelope)
	if !ok {
		return nil, errors.New("envelope of another version")
	}
	return newRequest(s, data, envelope, items), nil
}
