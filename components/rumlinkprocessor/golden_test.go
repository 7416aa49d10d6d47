package rumlinkprocessor

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/parking"
	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// clock is a monotonic clock that stands still until it is moved.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() int64              { return c.ns.Load() }
func (c *clock) advance(d time.Duration) { c.ns.Add(int64(d)) }

// linker is one rum_link with a traces and a logs pipeline.
type linker struct {
	t      testing.TB
	cfg    *Config
	clock  *clock
	next   flaky
	spans  *consumertest.TracesSink
	logs   *consumertest.LogsSink
	traces processor.Traces
	log    processor.Logs
	queues []*parking.Queue
	killed bool // its storage is gone, and its shutdown says so
}

// flaky accepts what the sink accepts, unless it is set to refuse.
type flaky struct {
	err   atomic.Pointer[error]
	never string // a log with this body is never taken
}

func (f *flaky) refuse(err error) {
	if err == nil {
		f.err.Store(nil)
		return
	}
	f.err.Store(&err)
}

func (f *flaky) check() error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	return nil
}

func newLinker(t testing.TB, cfg *Config) *linker {
	return newLinkerWith(t, cfg, processortest.NewNopSettings(metadata.Type), componenttest.NewNopHost())
}

func newLinkerWith(t testing.TB, cfg *Config, set processor.Settings, host component.Host) *linker {
	l := makeLinker(t, cfg, set)
	require.NoError(t, l.traces.Start(t.Context(), host))
	require.NoError(t, l.log.Start(t.Context(), host))
	t.Cleanup(l.stop)
	return l
}

func makeLinker(t testing.TB, cfg *Config, set processor.Settings) *linker {
	require.NoError(t, cfg.Validate())
	l := &linker{t: t, cfg: cfg, clock: new(clock), spans: new(consumertest.TracesSink), logs: new(consumertest.LogsSink)}
	_, err := instances.Get(cfg, func() (*shared, error) { return newShared(set, cfg, l.clock.now), nil })
	require.NoError(t, err)

	nextTraces, err := consumer.NewTraces(func(ctx context.Context, td ptrace.Traces) error {
		if err := l.next.check(); err != nil {
			return err
		}
		return l.spans.ConsumeTraces(ctx, td)
	})
	require.NoError(t, err)
	spans, err := newSpanProcessor(set, cfg, nextTraces)
	require.NoError(t, err)
	l.traces, err = spans.processor(t.Context())
	require.NoError(t, err)

	nextLogs, err := consumer.NewLogs(func(ctx context.Context, ld plog.Logs) error {
		if err := l.next.check(); err != nil {
			return err
		}
		for _, rl := range ld.ResourceLogs().All() {
			for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
				if l.next.never != "" && lr.Body().AsString() == l.next.never {
					return errors.New("not this one")
				}
			}
		}
		return l.logs.ConsumeLogs(ctx, ld)
	})
	require.NoError(t, err)
	logs, err := newLogProcessor(set, cfg, nextLogs)
	require.NoError(t, err)
	l.log, err = logs.processor(t.Context())
	require.NoError(t, err)

	for _, w := range []*waiting{spans.wait, logs.wait} {
		if w != nil {
			l.queues = append(l.queues, w.queue)
		}
	}
	return l
}

// advance moves the clock and has the queues look at it.
func (l *linker) advance(d time.Duration) {
	l.clock.advance(d)
	for _, r := range l.queues {
		r.Poke()
	}
}

func (l *linker) stop() { l.stopWithin(time.Minute) }

func (l *linker) stopWithin(patience time.Duration) {
	if l.traces == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := l.traces.Shutdown(ctx); !l.killed {
		require.NoError(l.t, err)
	}
	if err := l.log.Shutdown(ctx); !l.killed {
		require.NoError(l.t, err)
	}
	l.traces = nil
}

func (l *linker) putTraces(td ptrace.Traces) ptrace.Traces {
	before := len(l.spans.AllTraces())
	require.NoError(l.t, l.traces.ConsumeTraces(l.t.Context(), td))
	if out := l.spans.AllTraces(); len(out) > before {
		return out[before]
	}
	return ptrace.NewTraces()
}

func (l *linker) putLogs(ld plog.Logs) plog.Logs {
	before := len(l.logs.AllLogs())
	require.NoError(l.t, l.log.ConsumeLogs(l.t.Context(), ld))
	if out := l.logs.AllLogs(); len(out) > before {
		return out[before]
	}
	return plog.NewLogs()
}

// step is one file of a case: N_logs.in.yaml or N_traces.in.yaml, in order of
// N; N_after_6m_logs.in.yaml comes when the clock has advanced.
type step struct {
	in, out string
	logs    bool
	after   time.Duration
}

func steps(t *testing.T, dir string) (all []step) {
	files, err := filepath.Glob(filepath.Join(dir, "*.in.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	slices.Sort(files)
	for _, in := range files {
		base := strings.TrimSuffix(in, ".in.yaml")
		s := step{in: in, out: base + ".out.yaml", logs: strings.HasSuffix(base, "_logs")}
		if _, rest, ok := strings.Cut(filepath.Base(base), "_after_"); ok {
			after, _, _ := strings.Cut(rest, "_")
			s.after, err = time.ParseDuration(after)
			require.NoError(t, err)
		}
		all = append(all, s)
	}
	return all
}

func loadConfig(t testing.TB, dir string) *Config {
	cfg := createDefaultConfig().(*Config)
	goldentest.Config(t, dir, cfg)
	return cfg
}

// Every folder of testdata is one behaviour: a config, and batches of spans and
// logs with what each became.
func TestGolden(t *testing.T) {
	goldentest.Cases(t, "testdata/*", func(t *testing.T, dir string) {
		l := newLinker(t, loadConfig(t, dir))
		for _, s := range steps(t, dir) {
			l.advance(s.after)
			if s.logs {
				goldentest.EqualLogs(t, s.out, l.putLogs(goldentest.Logs(t, s.in)))
			} else {
				goldentest.EqualTraces(t, s.out, l.putTraces(goldentest.Traces(t, s.in)))
			}
		}
	})
}

// An agent and a gateway may both run rum_link: the second changes nothing of
// what the first wrote.
func TestTwoHopsSayWhatOneSays(t *testing.T) {
	goldentest.Cases(t, "testdata/*", func(t *testing.T, dir string) {
		first, second := newLinker(t, loadConfig(t, dir)), newLinker(t, loadConfig(t, dir))
		for _, s := range steps(t, dir) {
			first.advance(s.after)
			second.advance(s.after)
			if s.logs {
				goldentest.EqualLogs(t, s.out, second.putLogs(first.putLogs(goldentest.Logs(t, s.in))))
			} else {
				goldentest.EqualTraces(t, s.out, second.putTraces(first.putTraces(goldentest.Traces(t, s.in))))
			}
		}
	})
}
