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
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/originid"
)

// listeners are the servers of a receiver, and how to find out who is at the other end.
type listeners struct {
	origins   *originid.Resolver
	servers   []*http.Server
	addresses []net.Addr
	running   sync.WaitGroup // servers, and requests the pipeline still has
}

// listen opens what is configured, all or nothing.
func (r *datadogReceiver) listen(ctx context.Context, host component.Host) error {
	handler := r.handler()
	err := r.listenTCP(ctx, host, handler)
	if err == nil {
		err = r.listenUnix(ctx, host, handler)
	}
	if err != nil {
		for _, server := range r.listeners.servers {
			err = errors.Join(err, server.Close())
		}
	}
	return err
}

func (r *datadogReceiver) listenTCP(ctx context.Context, host component.Host, handler http.Handler) error {
	if r.cfg.NetAddr.Endpoint == "" {
		return nil
	}
	listener, err := r.cfg.ToListener(ctx)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", r.cfg.NetAddr.Endpoint, err)
	}
	return r.serve(ctx, host, r.cfg.ServerConfig, listener, handler)
}

func (r *datadogReceiver) listenUnix(ctx context.Context, host component.Host, handler http.Handler) error {
	path := r.cfg.UnixSocket.Path
	if path == "" {
		return nil
	}
	listener, replaced, err := listenUnix(path)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", path, err)
	}
	if replaced {
		r.set.Logger.Warn("took over a socket another process still serves: on a rollout that is due, else two collectors share unix_socket::path",
			zap.String("path", path))
	}
	// Who may open the file is who may send: tracers can neither speak TLS nor authenticate on a socket.
	local := confighttp.NewDefaultServerConfig()
	local.NetAddr = confignet.AddrConfig{Endpoint: path, Transport: confignet.TransportTypeUnix}
	local.MaxRequestBodySize = r.cfg.MaxRequestBodySize
	local.CompressionAlgorithms = r.cfg.CompressionAlgorithms
	local.ReadTimeout, local.ReadHeaderTimeout = r.cfg.ReadTimeout, r.cfg.ReadHeaderTimeout
	local.WriteTimeout, local.IdleTimeout = r.cfg.WriteTimeout, r.cfg.IdleTimeout
	local.IncludeMetadata = r.cfg.IncludeMetadata
	return r.serve(ctx, host, local, listener, handler)
}

// serve serves a listener, which it closes if it can't.
func (r *datadogReceiver) serve(ctx context.Context, host component.Host, cfg confighttp.ServerConfig, listener net.Listener, handler http.Handler) error {
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, handler, confighttp.WithErrorHandler(r.refuseEarly))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server.ConnContext = withPeerContainer
	r.intake.pools.Watch(server, r.set.ID.String())
	l := &r.listeners
	l.servers = append(l.servers, server)
	l.addresses = append(l.addresses, listener.Addr())
	r.set.Logger.Info("listening for Datadog tracers", zap.Stringer("address", listener.Addr()))
	l.running.Add(1)
	go func() {
		defer l.running.Done()
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			r.set.Logger.Error("stopped listening for Datadog tracers", zap.Stringer("address", listener.Addr()), zap.Error(err))
			componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
		}
	}()
	return nil
}

// stop ends the servers and waits for the requests the pipeline has.
func (l *listeners) stop(ctx context.Context) (err error) {
	for _, server := range l.servers {
		err = errors.Join(err, server.Shutdown(ctx))
	}
	done := make(chan struct{})
	go func() {
		l.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("wait for requests in the pipeline: %w", ctx.Err()))
	}
	return err
}
