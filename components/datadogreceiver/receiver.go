package datadogreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/config/confighttp"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"
	"golang.org/x/sync/semaphore"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/rates"
)

// datadogReceiver serves one configuration, on one or two listeners, for a traces pipeline, a metrics pipeline or both.
type datadogReceiver struct {
	cfg     *Config
	set     receiver.Settings
	traces  consumer.Traces
	metrics consumer.Metrics
	forget  func()

	obs       *receiverhelper.ObsReport
	telemetry *telemetry
	info      discovery
	rates     *rates.Table
	slots     chan struct{}
	room      *semaphore.Weighted // see body
	decoders  sync.Pool
	bodies    sync.Pool

	start, stop sync.Once
	startErr    error
	stopErr     error
	running     sync.WaitGroup // servers and requests the pipeline still has
	servers     []*http.Server
	addresses   []net.Addr
}

func newReceiver(set receiver.Settings, cfg *Config) (*datadogReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	tel, err := newTelemetry(set)
	if err != nil {
		return nil, err
	}
	r := &datadogReceiver{
		cfg: cfg, set: set, obs: obs, telemetry: tel,
		rates: newRates(cfg.Sampling),
		slots: make(chan struct{}, cfg.MaxConcurrentRequests),
		room:  newRoom(cfg),
	}
	r.decoders.New = func() any {
		return decode.New(decode.Options{Mode: cfg.Translation, KeepEncoding: cfg.KeepEncoding, MaxSpans: cfg.MaxSpansPerRequest, Roots: r.rates.Learns()})
	}
	return r, nil
}

// Start listens. The second pipeline's call does nothing.
func (r *datadogReceiver) Start(ctx context.Context, host component.Host) error {
	r.start.Do(func() {
		if r.startErr = r.listen(ctx, host); r.startErr != nil {
			for _, server := range r.servers {
				r.startErr = errors.Join(r.startErr, server.Close())
			}
		}
	})
	return r.startErr
}

func (r *datadogReceiver) listen(ctx context.Context, host component.Host) error {
	if r.cfg.ClientDropP0s && r.metrics == nil {
		return errors.New("client_drop_p0s needs this receiver in a metrics pipeline, or the statistics that replace the dropped traces are lost")
	}
	r.info = newDiscovery(r)
	handler := r.handler()
	if r.cfg.NetAddr.Endpoint != "" {
		listener, err := r.cfg.ToListener(ctx)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", r.cfg.NetAddr.Endpoint, err)
		}
		if err := r.serve(ctx, host, r.cfg.ServerConfig, listener, handler); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	if r.cfg.UnixSocket.Path == "" {
		return nil
	}
	listener, replaced, err := listenUnix(r.cfg.UnixSocket.Path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", r.cfg.UnixSocket.Path, err)
	}
	if replaced {
		r.set.Logger.Warn("took over a socket another process still serves: on a rollout that is due, else two collectors share unix_socket::path",
			zap.String("path", r.cfg.UnixSocket.Path))
	}
	// Who may open the file is who may send: tracers can neither speak TLS nor authenticate on a socket.
	local := confighttp.NewDefaultServerConfig()
	local.NetAddr = confignet.AddrConfig{Endpoint: r.cfg.UnixSocket.Path, Transport: confignet.TransportTypeUnix}
	local.MaxRequestBodySize = r.cfg.MaxRequestBodySize
	local.CompressionAlgorithms = r.cfg.CompressionAlgorithms
	local.ReadTimeout, local.ReadHeaderTimeout = r.cfg.ReadTimeout, r.cfg.ReadHeaderTimeout
	local.WriteTimeout, local.IdleTimeout = r.cfg.WriteTimeout, r.cfg.IdleTimeout
	local.IncludeMetadata = r.cfg.IncludeMetadata
	if err := r.serve(ctx, host, local, listener, handler); err != nil {
		return errors.Join(err, listener.Close())
	}
	return nil
}

func (r *datadogReceiver) serve(ctx context.Context, host component.Host, cfg confighttp.ServerConfig, listener net.Listener, handler http.Handler) error {
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, handler, confighttp.WithErrorHandler(r.refuseEarly))
	if err != nil {
		return err
	}
	server.ConnContext = withPeerContainer
	r.servers = append(r.servers, server)
	r.addresses = append(r.addresses, listener.Addr())
	r.set.Logger.Info("listening for Datadog tracers", zap.Stringer("address", listener.Addr()))
	r.running.Add(1)
	go func() {
		defer r.running.Done()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			r.set.Logger.Error("stopped listening for Datadog tracers", zap.Stringer("address", listener.Addr()), zap.Error(err))
			componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
		}
	}()
	return nil
}

// Shutdown stops listening and waits until the pipeline has answered for every request, or ctx ends.
func (r *datadogReceiver) Shutdown(ctx context.Context) error {
	r.stop.Do(func() {
		if r.forget != nil {
			r.forget()
		}
		for _, server := range r.servers {
			r.stopErr = errors.Join(r.stopErr, server.Shutdown(ctx))
		}
		done := make(chan struct{})
		go func() {
			r.running.Wait()
			close(done)
		}()
		select {
		case <-done:
		case <-ctx.Done():
			r.stopErr = errors.Join(r.stopErr, fmt.Errorf("wait for requests in the pipeline: %w", ctx.Err()))
		}
	})
	return r.stopErr
}
