package ddpropagation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
)

func label(key, value string) attribute.KeyValue { return attribute.String(key, value) }

func TestLaterBatchesKnowWhatEarlierOnesSaid(t *testing.T) {
	c := newCollector(t, createDefaultConfig().(*Config))
	p := c.traces(t)
	require.Equal(t, traceIDOf(t, tidA+low1), send(t, p, zeros+low1, tidA))
	require.Equal(t, traceIDOf(t, tidA+low1), send(t, p, zeros+low1, ""))
	require.Equal(t, traceIDOf(t, zeros+low2), send(t, p, zeros+low2, ""))

	require.Equal(t, counts{{"traces", "_dd.p.tid", "mapped"}: 1, {"traces", "cache", "mapped"}: 1, {"traces", "none", "absent"}: 1}, c.ids(t))
	require.EqualValues(t, 1, c.value(t, "cache_hits"))
	require.EqualValues(t, 1, c.value(t, "cache_size"))
}

// A lower half that two tids claim is nobody's, whichever batches they came in.
func TestContradictionsAreNotPassedOn(t *testing.T) {
	for _, inOneBatch := range []bool{true, false} {
		c := newCollector(t, createDefaultConfig().(*Config))
		p := c.traces(t)
		if inOneBatch {
			td := ptrace.NewTraces()
			addSpan(t, td, zeros+low1, tidA)
			addSpan(t, td, zeros+low1, tidB)
			require.NoError(t, p.ConsumeTraces(t.Context(), td))
		} else {
			send(t, p, zeros+low1, tidA)
			send(t, p, zeros+low1, tidB)
		}
		require.Equal(t, traceIDOf(t, zeros+low1), send(t, p, zeros+low1, ""))
		require.Equal(t, traceIDOf(t, tidA+low1), send(t, p, zeros+low1, tidA), "an own tid is its own")
		require.EqualValues(t, 2, c.value(t, "ids", label("source", "cache"), label("outcome", "tid_collision")))
		require.Zero(t, c.value(t, "cache_hits"))
	}
}

func TestCacheForgetsWhatIsOldOrTooMuch(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.TraceIDCache.MaxEntries = 2
	cfg.TraceIDCache.TTL = time.Minute
	c := newCollector(t, cfg)
	cache, release, err := (&sharedCaches{caches: map[*Config]*sharedCache{}}).acquire(c.set, cfg)
	require.NoError(t, err)
	defer func() { require.NoError(t, release()) }()
	now := time.Unix(1_800_000_000, 0)
	cache.now = func() time.Time { return now }
	knows := func(lower, want uint64) {
		t.Helper()
		got, _ := cache.get(lower, 0)
		require.Equal(t, want, got)
	}

	cache.learn([]note{{1, 11}, {2, 12}})
	knows(1, 11) // 2 is now the one seen least recently
	cache.learn([]note{{3, 13}})
	knows(2, 0)
	knows(1, 11)
	knows(3, 13)
	require.EqualValues(t, 1, c.value(t, "cache_evictions", label("reason", "full")))
	require.EqualValues(t, 2, c.value(t, "cache_size"))

	now = now.Add(40 * time.Second)
	knows(1, 11) // seen again, so it lives on
	now = now.Add(40 * time.Second)
	knows(3, 0)
	knows(1, 11)
	now = now.Add(time.Minute)
	require.EqualValues(t, 0, c.value(t, "cache_size"), "what is old is forgotten without traffic, too")
	require.EqualValues(t, 2, c.value(t, "cache_evictions", label("reason", "expired")))
}

// What dd-trace sends in practice: whole ids on spans, decimals in logs.
func TestLogsShareTheCacheOfTheirComponent(t *testing.T) {
	for _, share := range []bool{true, false} {
		cfg := createDefaultConfig().(*Config)
		cfg.TraceIDCache.ShareWithLogs = share
		c := newCollector(t, cfg)
		traces, logs := c.traces(t), c.logs(t)
		send(t, traces, zeros+low1, tidA)
		send(t, traces, tidB+low2, "")

		want := map[string]string{"4824683054857705695": tidA + low1, "6854966818031905235": tidB + low2, "7": zeros + "0000000000000007"}
		for decimal, id := range want {
			if !share {
				id = zeros + id[16:]
			}
			ld, record := oneRecord()
			record.Attributes().PutStr("dd.trace_id", decimal)
			require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
			require.Equal(t, traceIDOf(t, id), record.TraceID())
		}
		mapped, absent := c.value(t, "ids", label("signal", "logs"), label("source", "cache"), label("outcome", "mapped")),
			c.value(t, "ids", label("signal", "logs"), label("source", "cache"), label("outcome", "absent"))
		if share {
			require.EqualValues(t, 2, mapped)
			require.EqualValues(t, 1, absent)
		} else {
			require.Zero(t, mapped+absent)
		}
	}
}

// A cache lives as long as one of its pipelines, and belongs to one component id.
func TestCacheIsSharedByPipelinesOfOneIDOnly(t *testing.T) {
	cfg, other := createDefaultConfig().(*Config), createDefaultConfig().(*Config)
	c := newCollector(t, cfg)
	shared := sharedCaches{caches: map[*Config]*sharedCache{}}
	first, releaseFirst, err := shared.acquire(c.set, cfg)
	require.NoError(t, err)
	second, releaseSecond, err := shared.acquire(c.set, cfg)
	require.NoError(t, err)
	stranger, releaseStranger, err := shared.acquire(c.set, other)
	require.NoError(t, err)
	require.Same(t, first, second)
	require.NotSame(t, first, stranger)

	require.NoError(t, releaseFirst())
	require.NoError(t, releaseFirst(), "shutting down twice gives back once")
	require.Len(t, shared.caches, 2)
	require.NoError(t, releaseSecond())
	require.NoError(t, releaseStranger())
	require.Empty(t, shared.caches)
}

// Without a cache a batch knows only itself.
func TestCacheCanBeTurnedOff(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.TraceIDCache.Enabled = false
	require.NoError(t, cfg.Validate())
	p := newCollector(t, cfg).traces(t)
	send(t, p, zeros+low1, tidA)
	require.Equal(t, traceIDOf(t, zeros+low1), send(t, p, zeros+low1, ""))
}

// send sends a batch of one span and returns the trace id it has now.
func send(t testing.TB, p consumer.Traces, trace, tid string) pcommon.TraceID {
	t.Helper()
	td := ptrace.NewTraces()
	span := addSpan(t, td, trace, tid)
	require.NoError(t, p.ConsumeTraces(t.Context(), td))
	return span.TraceID()
}

// One batch of very many traces leaves nothing behind but what the cache may hold.
func TestLargeBatchesAreNotHeldOnTo(t *testing.T) {
	b := &batch{halves: map[uint64]half{}}
	for lower := range uint64(keptHalves + 1) {
		b.note(lower, 1)
		b.tell(lower, 1)
	}
	b.reset()
	require.Zero(t, cap(b.notes))
	b.note(1, 1)
	b.tell(1, 1)
	b.reset()
	require.NotZero(t, cap(b.notes))
	require.Empty(t, b.halves)
}
