package datadogrumreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"
)

// flushEvery is how often the held items are looked through for what is due.
const flushEvery = time.Second

// rum is one listener. The traces, logs and metrics pipelines of one component
// id share it.
type rum struct {
	cfg *Config
	set receiver.Settings
	tel *telemetry
	obs *receiverhelper.ObsReport
	now func() time.Time

	traces  consumer.Traces
	logs    consumer.Logs
	metrics consumer.Metrics

	router  *router
	gate    *gate
	privacy privacy
	noise   *noise
	seen    *seenTable
	bodies  *seenTable
	held    *held
	vitals  *vitals
	pass    *passthrough
	budget  atomic.Int64 // bytes that bodies may still take
	owners  atomic.Uint64
	ingests sync.Pool

	flusher  *flusher
	flushing sync.Mutex // held while flusher works
	wake     chan struct{}
	stop     context.CancelFunc
	work     sync.WaitGroup
	server   *http.Server
	addr     net.Addr // where it listens
	gauges   metric.Registration
	starting sync.Once
	stopping sync.Once
	startErr error
	stopErr  error
}

func newRUM(set receiver.Settings, cfg *Config) (*rum, error) {
	r := &rum{cfg: cfg, set: set, now: time.Now, wake: make(chan struct{}, 1)}
	var errs [6]error
	r.tel, errs[0] = newTelemetry(set)
	r.obs, errs[1] = receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	})
	r.privacy, errs[2] = newPrivacy(&cfg.Privacy)
	r.noise, errs[3] = newNoise(&cfg.Actions)
	r.gate, errs[4] = newGate(cfg)
	r.pass, errs[5] = newPassthrough(&cfg.Passthrough, r)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	r.router = newRouter(cfg.Paths)
	r.seen = newSeenTable(cfg.Dedupe.MaxEvents, cfg.Dedupe.TTL)
	r.bodies = newSeenTable(cfg.Dedupe.MaxBodies, cfg.Dedupe.TTL)
	r.held = newHeld(cfg)
	r.vitals = newVitals(r.now())
	r.budget.Store(cfg.MaxInFlightBytes)
	r.flusher = &flusher{r: r, w: r.newWriter()}
	r.ingests.New = func() any { return &ingest{r: r, w: r.newWriter()} }
	return r, nil
}

func (r *rum) newWriter() *writer {
	return newWriter(newFieldTable(&r.cfg.Privacy, r.privacy.deny), &r.privacy)
}

// Start listens. Every pipeline that shares the receiver calls it; one does the work.
func (r *rum) Start(ctx context.Context, host component.Host) error {
	r.starting.Do(func() { r.startErr = r.start(ctx, host) })
	return r.startErr
}

func (r *rum) start(ctx context.Context, host component.Host) (err error) {
	if r.gauges, err = r.tel.gauges(r.set, r); err != nil {
		return err
	}
	if err := r.held.open(ctx, host, r); err != nil {
		return err
	}
	server, listener, err := r.listen(ctx, host)
	if err != nil {
		return errors.Join(err, r.held.closeStore(ctx))
	}
	r.server, r.addr = server, listener.Addr()
	background, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.pass.start()
	r.work.Go(func() { r.flushLoop(background) })
	r.work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

func (r *rum) listen(ctx context.Context, host component.Host) (*http.Server, net.Listener, error) {
	cfg := r.cfg.ServerConfig
	// The body is decoded here: what passes through must stay as it came, and
	// browsers name their encoding in the query.
	cfg.CompressionAlgorithms = []string{}
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, r)
	if err != nil {
		return nil, nil, err
	}
	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", cfg.NetAddr.Endpoint, err)
	}
	return server, listener, nil
}

// Shutdown answers the requests that are running, hands on what is held and stops.
func (r *rum) Shutdown(ctx context.Context) error {
	r.stopping.Do(func() { r.stopErr = r.shutdown(ctx) })
	return r.stopErr
}

func (r *rum) shutdown(ctx context.Context) error {
	shared.Delete(r.cfg)
	if r.server == nil { // never started
		if r.gauges != nil {
			return r.gauges.Unregister()
		}
		return nil
	}
	errs := []error{r.server.Shutdown(ctx)}
	r.stop()
	r.work.Wait()
	r.flushing.Lock()
	defer r.flushing.Unlock()
	r.held.close()
	errs = append(errs, r.flusher.flush(ctx, r.now(), flushAll))
	if left := r.held.sizes(); left.actions+left.views > 0 && r.held.store == nil {
		r.set.Logger.Warn("The pipelines refused held actions and views at shutdown; they are lost.")
		r.tel.heldRefused.Add(ctx, int64(left.actions), r.tel.heldAction)
		r.tel.heldRefused.Add(ctx, int64(left.views), r.tel.heldView)
	}
	errs = append(errs, r.pass.shutdown(ctx), r.held.closeStore(ctx), r.gauges.Unregister())
	return errors.Join(errs...)
}

// kick makes the flush look at what has just changed.
func (r *rum) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *rum) flushLoop(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		mode := flushChanged
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			mode = flushDue
		case <-r.wake:
		}
		r.flushing.Lock()
		if err := r.flusher.flush(ctx, r.now(), mode); err != nil {
			r.set.Logger.Debug("A pipeline refused held data for now; it stays held.", zap.Error(err))
		}
		r.flushing.Unlock()
	}
}

func (r *rum) infers(source string) bool { return slices.Contains(r.cfg.InferActions.Sources, source) }

func (r *rum) hasMetrics() bool { return r.metrics != nil }

// consumeTraces hands spans to the traces pipeline; without one they go nowhere, by configuration.
func (r *rum) consumeTraces(ctx context.Context, td ptrace.Traces, n int) error {
	if r.traces == nil {
		return nil
	}
	ctx = r.obs.StartTracesOp(ctx)
	err := r.traces.ConsumeTraces(ctx, td)
	r.obs.EndTracesOp(ctx, format, n, err)
	return err
}

func (r *rum) consumeLogs(ctx context.Context, ld plog.Logs, n int) error {
	if r.logs == nil {
		return nil
	}
	ctx = r.obs.StartLogsOp(ctx)
	err := r.logs.ConsumeLogs(ctx, ld)
	r.obs.EndLogsOp(ctx, format, n, err)
	return err
}

func (r *rum) consumeMetrics(ctx context.Context, md pmetric.Metrics, n int) error {
	ctx = r.obs.StartMetricsOp(ctx)
	err := r.metrics.ConsumeMetrics(ctx, md)
	r.obs.EndMetricsOp(ctx, format, n, err)
	return err
}

const format = "datadog_rum"

func (r *rum) evicted(item metric.AddOption, n int64) {
	r.tel.evictions.Add(context.Background(), n, item)
}

func (r *rum) droppedAction() {
	r.tel.dropped.Add(context.Background(), 1, r.tel.self)
}
