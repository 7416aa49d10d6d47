package admission

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/grpcguard"
	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/httpguard"
	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/listeners"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

var (
	_ extensionmiddleware.HTTPServer              = (*admissionExtension)(nil)
	_ extensionmiddleware.GRPCServer              = (*admissionExtension)(nil)
	_ extensioncapabilities.ConfigSnapshotWatcher = (*admissionExtension)(nil)
)

type admissionExtension struct {
	cfg       *Config
	set       extension.Settings
	pools     *admission.Pools
	telemetry *telemetry
	readiness *readiness
	found     *listeners.Found // what the configuration says about listeners; nil before it is known
	done      []func()
}

func newExtension(set extension.Settings, cfg *Config, pools *admission.Pools) (*admissionExtension, error) {
	t, err := newTelemetry(set, pools)
	if err != nil {
		return nil, err
	}
	return &admissionExtension{cfg: cfg, set: set, pools: pools, telemetry: t}, nil
}

// Start sizes the pools and serves readiness. Extensions start before receivers.
func (e *admissionExtension) Start(context.Context, component.Host) error {
	memory := admission.FollowMemoryLimit()
	limits := e.cfg.limits().WithDefaults()
	if !e.cfg.fits(limits.MaxBytes) {
		return errors.New(e.cfg.tooSmall(limits.MaxBytes))
	}
	done, err := e.pools.Configure(e.cfg.limits())
	if err != nil {
		return err
	}
	e.done = append(e.done, done, e.pools.Observe(e.telemetry.refused))
	files, err := e.limitFiles()
	if err != nil {
		return err
	}
	log := e.set.Logger.With(zap.Int64("max_bytes", limits.MaxBytes), zap.Int64("max_request_cost", limits.MaxRequestCost),
		zap.Int64("max_connection_bytes", limits.MaxConnectionBytes), zap.Uint64("max_open_files", files))
	if memory.Bytes == math.MaxInt64 {
		log.Warn("nothing limits the memory of this process: the pools are sized for 512 MiB; set GOMEMLIMIT")
	} else {
		log.Info("requests wait when they would hold more", zap.Int64("memory_limit", memory.Bytes), zap.String("memory_limit_from", memory.Source))
	}
	if e.cfg.Readiness.Endpoint != "" {
		e.readiness, err = startReadiness(e.cfg.Readiness.Endpoint, e.pools, e.set.Logger)
		if err != nil {
			return err
		}
	}
	return nil
}

// Shutdown gives back what Start took.
func (e *admissionExtension) Shutdown(ctx context.Context) error {
	var err error
	if e.readiness != nil {
		err = e.readiness.shutdown(ctx)
	}
	for _, done := range e.done {
		done()
	}
	e.telemetry.shutdown()
	return err
}

// NotifyConfigSnapshot learns which listeners name this extension. It comes before receivers start.
func (e *admissionExtension) NotifyConfigSnapshot(_ context.Context, snapshot extensioncapabilities.ConfigSnapshot) error {
	if snapshot == nil || snapshot.Effective() == nil {
		return nil
	}
	found, err := listeners.Find(snapshot.Effective().ToStringMap(), e.set.ID)
	if err != nil {
		return err
	}
	for _, name := range found.Decompressing {
		e.set.Logger.Warn("decompresses before it is asked: set compression_algorithms to [] there, so that windows and ratios are bounded", zap.String("listener", name))
	}
	for _, name := range found.Unguarded {
		e.set.Logger.Warn("listens without admission: one request can end the process", zap.String("listener", name))
	}
	e.found = found
	e.telemetry.start(found.Names())
	return nil
}

func (e *admissionExtension) body() httpbody.Limits {
	return httpbody.Limits{
		MaxBytes: e.cfg.MaxBodyBytes, MaxRatio: e.cfg.MaxRatio, MinBytesPerSecond: e.cfg.MinBytesPerSecond, Grace: e.cfg.Grace,
	}
}

func (e *admissionExtension) nameOf(a net.Addr) string {
	if e.found == nil {
		return listeners.Port(a.String())
	}
	return e.found.NameOf(a)
}

// GetHTTPHandler implements extensionmiddleware.HTTPServer.
func (e *admissionExtension) GetHTTPHandler(context.Context) (extensionmiddleware.WrapHTTPHandlerFunc, error) {
	g := httpguard.New(httpguard.Options{
		Pools: e.pools, Body: e.body(), MaxDepth: e.cfg.MaxDepth, Paths: httpguard.DefaultPaths(), Listener: e.nameOf,
	})
	if e.found != nil {
		for path, root := range e.found.Paths {
			g.AddPath(path, root)
		}
	}
	return func(_ context.Context, next http.Handler) (http.Handler, error) { return g.Wrap(next), nil }, nil
}

// GetGRPCServerOptions implements extensionmiddleware.GRPCServer. Its credentials replace the server's, so they must be made
// of the server's own tls; without knowing it, this is an error and never plain text.
func (e *admissionExtension) GetGRPCServerOptions(ctx context.Context) ([]grpc.ServerOption, error) {
	if e.found == nil {
		return nil, fmt.Errorf("%s does not know the configuration, so it cannot tell whether the gRPC server has tls", e.set.ID)
	}
	if !grpcguard.Registered() {
		return nil, fmt.Errorf("another package took the place of %s's gRPC compressors, so that what is compressed would not be bounded", e.set.ID)
	}
	base, err := e.found.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	return grpcguard.New(grpcguard.Options{
		Pools: e.pools, Body: e.body(), MaxReceive: e.cfg.MaxReceive, MaxDepth: e.cfg.MaxDepth, MaxStreams: e.cfg.MaxStreamsPerConnection,
		Base: base, Listener: e.nameOf,
	}).ServerOptions(), nil
}
