package datadogrumreceiver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/receiver"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/sourcemaps"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// flushEvery is how often the held items are looked through for what is due.
const flushEvery = time.Second

// rum is one listener. The traces, logs and metrics pipelines of one component
// id share it.
type rum struct {
	cfg     *Config
	set     receiver.Settings
	tel     *telemetry
	out     *pipelines
	now     func() time.Time
	privacy event.Privacy

	intake   *intake.Handler
	sessions *session.Sessions
	maps     *sourcemaps.Store
	ingests  sync.Pool
	flusher  *flusher
	listener listener
}

// listener is what runs between Start and Shutdown.
type listener struct {
	server *http.Server
	addr   net.Addr // where it listens
	wake   chan struct{}
	stop   context.CancelFunc
	work   sync.WaitGroup
}

func newRUM(set receiver.Settings, cfg *Config) (*rum, error) {
	r := &rum{cfg: cfg, set: set, now: time.Now, maps: sourcemaps.New(&cfg.SourceMaps), listener: listener{wake: make(chan struct{}, 1)}}
	var errs [5]error
	r.tel, errs[0] = newTelemetry(set)
	r.out, errs[1] = newPipelines(set)
	r.privacy, errs[2] = event.NewPrivacy(&cfg.Privacy)
	r.sessions, errs[3] = session.New(r.sessionConfig())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	r.intake, errs[4] = intake.New(intake.Settings{
		Paths: cfg.Paths, MaxBodyBytes: cfg.MaxRequestBodySize, Pools: admission.Default(),
		Tokens: cfg.ClientTokens, TrustedProxies: cfg.TrustedProxies, RateLimit: &cfg.RateLimit, Skew: &cfg.Skew,
		Passthrough: &cfg.Passthrough, MaxBodies: cfg.Dedupe.MaxBodies, RememberBodies: cfg.Dedupe.TTL,
	}, &r.privacy, r.convert, func() time.Time { return r.now() }, r.tel.TelemetryBuilder, r.tel.id)
	r.flusher = newFlusher(r)
	r.ingests.New = func() any { return r.newIngest() }
	return r, errs[4]
}

func (r *rum) sessionConfig() session.Config {
	cfg := r.cfg
	return session.Config{
		Actions: &cfg.Actions, Infer: &cfg.InferActions, Views: &cfg.Views, Sessions: &cfg.Sessions, Dedupe: &cfg.Dedupe,
		MaxEventAge: cfg.MaxEventAge, Ahead: cfg.Skew.Threshold,
	}
}

func (r *rum) newWriter() *convert.Writer {
	return convert.NewWriter(&r.privacy, convert.Config{Resources: &r.cfg.Resources, Raw: r.cfg.Raw, ReplayURL: r.cfg.SessionReplayURL})
}

func (r *rum) newIngest() *ingest {
	return &ingest{writer: r.newWriter(), sessions: r.sessions, maps: r.maps, out: r.out, maxEvent: r.cfg.MaxEventBytes}
}

// convert takes in the events of one body and counts what became of them.
func (r *rum) convert(ctx context.Context, body string, from *event.Origin) intake.Verdict {
	in := r.ingests.Get().(*ingest)
	in.batch.Now = r.now()
	v := in.run(ctx, body, from)
	r.tel.batch(ctx, in)
	if in.batch.Held {
		r.kick()
	}
	if in.forget() {
		r.ingests.Put(in)
	}
	return v
}

// Start listens.
func (r *rum) Start(ctx context.Context, host component.Host) error {
	err := r.tel.observe(func() held { return held{r.sessions.Sizes(), r.intake.Bodies(), r.intake.Queued()} })
	if err != nil {
		return err
	}
	if err := r.maps.Open(); err != nil {
		return err
	}
	if err := r.load(ctx, host); err != nil {
		return errors.Join(err, r.maps.Close())
	}
	server, listener, err := r.listen(ctx, host)
	if err != nil {
		return errors.Join(err, r.sessions.CloseJournal(ctx), r.maps.Close())
	}
	l := &r.listener
	l.server, l.addr = server, listener.Addr()
	background, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	r.intake.Start()
	l.work.Go(func() { r.flushLoop(background) })
	l.work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	})
	return nil
}

// load takes in what an earlier run held and did not hand on.
func (r *rum) load(ctx context.Context, host component.Host) error {
	if r.cfg.Storage == nil {
		return nil
	}
	j, err := journal.Open(ctx, host, journal.Config{Storage: *r.cfg.Storage, Kind: component.KindReceiver, Owner: r.set.ID, Name: "held"})
	if err != nil {
		return err
	}
	bad, err := r.sessions.Load(ctx, j)
	if err != nil {
		return errors.Join(err, j.Close(ctx))
	}
	if bad > 0 {
		r.tel.ReceiverDatadogRumStorageErrors.Add(ctx, bad, r.tel.self)
		r.set.Logger.Warn("Held actions, views and sessions could not be read from storage; they are lost.", zap.Int64("items", bad))
	}
	return nil
}

func (r *rum) listen(ctx context.Context, host component.Host) (*http.Server, net.Listener, error) {
	cfg := r.cfg.ServerConfig
	// The body is decoded here: what passes through must stay as it came, and
	// browsers name their encoding in the query.
	cfg.CompressionAlgorithms = []string{}
	server, err := cfg.ToServer(ctx, host.GetExtensions(), r.set.TelemetrySettings, r.intake)
	if err != nil {
		return nil, nil, err
	}
	admission.Default().Watch(server, r.set.ID.String())
	listener, err := cfg.ToListener(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", cfg.NetAddr.Endpoint, err)
	}
	return server, listener, nil
}

// Shutdown answers the requests that are running, hands on what is held and stops.
func (r *rum) Shutdown(ctx context.Context) error {
	defer r.tel.Shutdown()
	l := &r.listener
	if l.server == nil { // never started
		return nil
	}
	errs := []error{l.server.Shutdown(ctx)}
	l.stop()
	l.work.Wait()
	r.sessions.Close()
	errs = append(errs, r.flusher.flush(ctx, r.now(), session.All))
	if rest := r.sessions.Sizes(); rest.Actions+rest.Views+rest.Sessions > 0 && r.cfg.Storage == nil {
		r.set.Logger.Warn("The pipelines refused held actions, views and sessions at shutdown; they are lost.")
		r.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(rest.Actions), r.tel.heldAction)
		r.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(rest.Views), r.tel.heldView)
		r.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(rest.Sessions), r.tel.heldSession)
	}
	return errors.Join(append(errs, r.intake.Shutdown(ctx), r.sessions.CloseJournal(ctx), r.maps.Close())...)
}

// kick makes the flush look at what has just changed.
func (r *rum) kick() {
	select {
	case r.listener.wake <- struct{}{}:
	default:
	}
}

func (r *rum) flushLoop(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		mode := session.Changed
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			mode = session.Due
		case <-r.listener.wake:
		}
		if err := r.flusher.flush(ctx, r.now(), mode); err != nil {
			r.set.Logger.Debug("A pipeline refused held data for now; it stays held.", zap.Error(err))
		}
	}
}
