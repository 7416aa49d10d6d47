package fluentreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/lanes"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/server"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// fluentReceiver serves one configuration.
type fluentReceiver struct {
	cfg   *Config
	set   receiver.Settings
	next  consumer.Logs
	pools *admission.Pools

	obs       *receiverhelper.ObsReport
	telemetry *telemetry
	decoders  sync.Pool

	server *server.Server
	lanes  *lanes.Lanes
	pieces *held // nil: nothing is joined
	bound  bound
	stop   sync.Once
}

// bound is where the receiver listens.
type bound struct {
	address net.Addr
	udp     net.PacketConn // nil without heartbeats
}

func newReceiver(set receiver.Settings, cfg *Config, next consumer.Logs, pools *admission.Pools) (*fluentReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: cfg.transport(), ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	r := &fluentReceiver{cfg: cfg, set: set, next: next, pools: pools, obs: obs}
	r.decoders.New = func() any { return decode.New(cfg.sources()) }
	if r.telemetry, err = newTelemetry(set, r.open); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *fluentReceiver) open() int64 {
	if r.server == nil {
		return 0
	}
	return int64(r.server.Open())
}

// Start listens.
func (r *fluentReceiver) Start(ctx context.Context, host component.Host) error {
	set := server.Settings{
		Name: r.set.ID.String(), MaxConnections: r.cfg.MaxConnections, MaxMessageBytes: r.cfg.MaxMessageBytes,
		ReadTimeout: r.cfg.ReadTimeout, MessageTimeout: r.cfg.MessageTimeout, IdleTimeout: r.cfg.IdleTimeout,
		MaxWait: r.cfg.MaxWait, Pools: r.pools,
	}
	var err error
	if r.cfg.TLS.HasValue() {
		if set.TLS, err = r.cfg.TLS.Get().LoadTLSConfig(ctx); err != nil {
			return fmt.Errorf("load tls: %w", err)
		}
	}
	if r.cfg.Security.HasValue() {
		if set.Policy, err = r.cfg.Security.Get().policies(); err != nil {
			return err
		}
	}
	listener, err := r.listen(ctx)
	if err != nil {
		return err
	}
	r.bound.address = listener.Addr()
	if err := r.listenUDP(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := r.openPieces(ctx, host); err != nil {
		return errors.Join(err, r.closeListeners(listener))
	}
	r.lanes = lanes.Start(runtime.GOMAXPROCS(0), r.next)
	r.server = server.New(set, r)
	r.server.Serve(listener, func(err error) {
		r.set.Logger.Error("stopped listening for Fluent senders", zap.Stringer("address", r.bound.address), zap.Error(err))
		componentstatus.ReportStatus(host, componentstatus.NewPermanentErrorEvent(err))
	})
	if r.bound.udp != nil {
		r.server.ServeHeartbeats(r.bound.udp)
	}
	if r.pieces != nil {
		r.pieces.run(func(now time.Time) { r.flush(context.Background(), now, false) })
	}
	r.set.Logger.Info("listening for Fluent senders", zap.Stringer("address", r.bound.address), zap.String("transport", r.cfg.transport()))
	return nil
}

// closeListeners undoes what Start did so far.
func (r *fluentReceiver) closeListeners(l net.Listener) error {
	err := l.Close()
	if r.bound.udp != nil {
		err = errors.Join(err, r.bound.udp.Close())
	}
	return err
}

func (r *fluentReceiver) listen(ctx context.Context) (net.Listener, error) {
	path := r.cfg.socket()
	if path == "" {
		listener, err := r.cfg.Listen(ctx)
		if err != nil {
			return nil, fmt.Errorf("listen on %s: %w", r.cfg.Endpoint, err)
		}
		return listener, nil
	}
	listener, served, err := server.ListenUnix(path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if served {
		r.set.Logger.Warn("took over a socket another process still serves: on a rollout that is due, else two collectors share endpoint", zap.String("path", path))
	}
	return listener, nil
}

// listenUDP listens for heartbeats on the port that listens for connections.
func (r *fluentReceiver) listenUDP(ctx context.Context) error {
	tcp, ok := r.bound.address.(*net.TCPAddr)
	if !ok || !r.cfg.Heartbeat {
		return nil
	}
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", tcp.String())
	if err != nil {
		return fmt.Errorf("listen on UDP %s for heartbeats, which heartbeat: false leaves out: %w", tcp, err)
	}
	r.bound.udp = conn
	return nil
}

// Shutdown stops listening, finishes what has arrived whole and closes the connections.
func (r *fluentReceiver) Shutdown(ctx context.Context) (err error) {
	if r.server == nil {
		return nil
	}
	r.stop.Do(func() {
		if r.bound.udp != nil {
			err = r.bound.udp.Close()
		}
		stop := context.AfterFunc(ctx, r.lanes.Abort)
		defer stop()
		err = errors.Join(err, r.server.Shutdown(ctx))
		r.lanes.Stop()
		err = errors.Join(err, r.closePieces(ctx))
		r.telemetry.shutdown()
	})
	return err
}
