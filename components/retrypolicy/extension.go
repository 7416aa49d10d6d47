package retrypolicy

import (
	"context"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"

	"github.com/otelcol-obs/otelcol-obs/components/retrypolicy/internal/outage"
)

var (
	_ extensionmiddleware.HTTPClient = (*policy)(nil)
	_ extensionmiddleware.GRPCClient = (*policy)(nil)

	_ extensioncapabilities.PipelineWatcher = (*policy)(nil)

	_ answers.Policy = (*policy)(nil)
)

type policy struct {
	cfg            *Config
	quarantineGRPC []codes.Code
	logger         *zap.Logger
	tel            *telemetry
	quarantine     *quarantine
	halt           *halt
	outages        *outage.Log
}

func newExtension(set extension.Settings, cfg *Config) (*policy, error) {
	p := &policy{cfg: cfg, logger: set.Logger, halt: newHalt(cfg.ShutdownGrace), outages: outage.New(set.Logger)}
	for _, name := range cfg.GRPC.Quarantine {
		code, err := parseCode(name)
		if err != nil {
			return nil, err
		}
		p.quarantineGRPC = append(p.quarantineGRPC, code)
	}
	p.quarantine = newQuarantine(cfg.Quarantine, set.Logger)
	var err error
	if p.tel, err = newTelemetry(set, p.quarantine); err != nil {
		return nil, err
	}
	p.quarantine.tel = p.tel
	return p, nil
}

// Start makes the quarantine directory and counts what is in it.
func (p *policy) Start(context.Context, component.Host) error { return p.quarantine.start() }

// Ready implements extensioncapabilities.PipelineWatcher.
func (p *policy) Ready() error { return nil }

// NotReady is called when the collector begins to stop, before receivers and
// exporters do.
func (p *policy) NotReady() error {
	p.halt.soon()
	return nil
}

// Shutdown implements component.Component.
func (p *policy) Shutdown(context.Context) error {
	p.halt.stop()
	p.quarantine.stop()
	p.tel.Shutdown()
	return nil
}

// GetHTTPRoundTripper implements extensionmiddleware.HTTPClient.
func (p *policy) GetHTTPRoundTripper(context.Context) (extensionmiddleware.WrapHTTPRoundTripperFunc, error) {
	return func(_ context.Context, next http.RoundTripper) (http.RoundTripper, error) {
		return &roundTripper{policy: p, next: next, sent: newSentParts()}, nil
	}, nil
}

// GetGRPCClientOptions implements extensionmiddleware.GRPCClient.
func (p *policy) GetGRPCClientOptions(context.Context) ([]grpc.DialOption, error) {
	i := &interceptor{policy: p, sent: newSentParts()}
	return []grpc.DialOption{grpc.WithChainUnaryInterceptor(i.intercept)}, nil
}

// Action implements answers.Policy.
func (p *policy) Action(status int) answers.Action { return p.httpAction(status) }

// Keep implements answers.Policy.
func (p *policy) Keep(_ context.Context, signal, reason string, otlp []byte) error {
	return p.keep(request{signal: signal, contentType: protobuf, body: otlp}, reason, nil)
}

// Halt implements answers.Policy.
func (p *policy) Halt(ctx context.Context) (context.Context, context.CancelFunc) {
	return p.halt.bind(ctx)
}
