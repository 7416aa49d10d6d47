package otlpgrpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlpexporter"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/wire"
)

type grpcExporter struct {
	cfg       *otlpexporter.Config
	set       component.TelemetrySettings
	signal    signal
	userAgent string
	conn      *grpc.ClientConn // from start on
}

func newExporter(config component.Config, set exporter.Settings, s signal) *grpcExporter {
	agent := fmt.Sprintf("%s/%s (%s/%s)", set.BuildInfo.Description, set.BuildInfo.Version, runtime.GOOS, runtime.GOARCH)
	return &grpcExporter{cfg: config.(*otlpexporter.Config), set: set.TelemetrySettings, signal: s, userAgent: agent}
}

func (e *grpcExporter) start(ctx context.Context, host component.Host) (err error) {
	e.conn, err = e.cfg.ClientConfig.ToClientConn(ctx, host.GetExtensions(), e.set,
		configgrpc.WithGrpcDialOption(grpc.WithUserAgent(e.userAgent)))
	return err
}

func (e *grpcExporter) shutdown(context.Context) error {
	if e.conn == nil {
		return nil
	}
	return e.conn.Close()
}

func (e *grpcExporter) send(ctx context.Context, r *wire.Request) error {
	if e.conn == nil {
		return errors.New("otlp exporter not started")
	}
	var answer message
	err := e.conn.Invoke(ctx, e.signal.method, &message{chunks: r.Chunks(), size: r.BytesSize()}, &answer,
		grpc.WaitForReady(e.cfg.ClientConfig.WaitForReady))
	if err != nil {
		return refused(err)
	}
	n, text, err := e.signal.rejected(answer.bytes())
	if err != nil {
		return consumererror.NewPermanent(fmt.Errorf("parse response: %w", err))
	}
	if n != 0 || text != "" {
		e.set.Logger.Warn("Partial success response", zap.String("message", text), zap.Int64(e.signal.dropped, n))
	}
	return nil
}
