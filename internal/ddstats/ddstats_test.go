package ddstats

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/stats"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const interval = 10 * time.Second

var epoch = time.Unix(1_800_000_000, 0) // the beginning of a bucket

func counter(t testing.TB) *Counter {
	t.Helper()
	m, err := ddspan.NewMapper(ddspan.Options{})
	require.NoError(t, err)
	return NewCounter(m, "host", nil, func() time.Time { return epoch })
}

// randomTraces are spans of many services, kinds and statuses that end within one bucket.
func randomTraces(r *rand.Rand, n int, end time.Time) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range n {
		rs := td.ResourceSpans().AppendEmpty()
		a := rs.Resource().Attributes()
		a.PutStr("service.name", fmt.Sprint("service-", r.IntN(3)))
		a.PutStr("deployment.environment.name", []string{"prod", "test"}[r.IntN(2)])
		if r.IntN(2) == 0 {
			a.PutStr("container.id", "abc")
			a.PutStr("container.image.tag", "v1")
		}
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 14: byte(i >> 8), 15: byte(i)})
		s.SetSpanID(pcommon.SpanID{1, 6: byte(i >> 8), 7: byte(i)})
		if r.IntN(3) == 0 {
			s.SetParentSpanID(pcommon.SpanID{9})
		}
		s.SetKind(ptrace.SpanKind(r.IntN(6)))
		s.SetName(fmt.Sprint("GET /", r.IntN(4)))
		duration := time.Duration(r.Int64N(int64(5 * time.Second)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end.Add(time.Duration(r.Int64N(int64(9 * time.Second))))))
		s.SetStartTimestamp(s.EndTimestamp() - pcommon.Timestamp(duration))
		if r.IntN(4) == 0 {
			s.Status().SetCode(ptrace.StatusCodeError)
		}
		switch r.IntN(4) {
		case 0:
			s.Attributes().PutInt("http.response.status_code", int64(200+100*r.IntN(4)))
		case 1:
			s.Attributes().PutStr("peer.service", "other")
			s.Attributes().PutStr("server.address", "10.0.0.1")
		case 2:
			s.Attributes().PutStr("rpc.grpc.status_code", "NotFound")
		}
		if r.IntN(5) == 0 {
			s.Attributes().PutDouble("_sample_rate", 0.5)
		}
	}
	return td
}

// line is what a group says, without what its encoding may vary in.
func line(p *pb.ClientStatsPayload, b *pb.ClientStatsBucket, g *pb.ClientGroupedStats) string {
	tags := slices.Clone(p.Tags)
	slices.Sort(tags)
	q := func(raw []byte) string {
		s, err := sketchOf(raw)
		if err != nil || s.IsEmpty() {
			return "-"
		}
		v, err := s.GetValuesAtQuantiles([]float64{0.5, 0.95, 0.99})
		return fmt.Sprintf("%.6g %.0f %v", v, s.GetCount(), err)
	}
	return fmt.Sprint(b.Start, "|", p.Env, "|", p.Hostname, "|", p.Version, "|", p.ContainerID, "|", p.ImageTag, "|", p.Lang, "|", "|",
		g.Service, "|", g.Name, "|", g.Resource, "|", g.Type, "|", g.SpanKind, "|", g.HTTPStatusCode, "|", g.GRPCStatusCode, "|", g.PeerTags, "|", g.IsTraceRoot,
		"|", g.Hits, "|", g.Errors, "|", g.TopLevelHits, "|", g.Duration, "|", q(g.OkSummary), "|", q(g.ErrorSummary))
}

func lines(payloads []*pb.ClientStatsPayload) (out []string) {
	for _, p := range payloads {
		for _, b := range p.Stats {
			for _, g := range b.Stats {
				out = append(out, line(p, b, g))
			}
		}
	}
	slices.Sort(out)
	return out
}

func ofBucket(t testing.TB, b *Bucket) (out []*pb.ClientStatsPayload) {
	t.Helper()
	payloads, err := Sender{Hostname: "host", Env: "none"}.Payloads(b, int64(interval))
	require.NoError(t, err)
	for _, p := range payloads {
		out = append(out, p.Stats...)
	}
	return out
}

// The Agent's own concentrator, given the same spans, gives the same groups.
func TestGroupsAreThoseOfTheAgent(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		td := randomTraces(r, 300, epoch.Add(2*interval))
		c := counter(t)
		ours := NewBuckets(interval, DefaultLimits, epoch)
		require.Zero(t, ours.Add(c.Count(td), epoch.Add(2*interval)))
		agent := stats.NewSpanConcentrator(&stats.SpanConcentratorConfig{ComputeStatsBySpanKind: true, BucketInterval: int64(interval)}, epoch)
		hits := map[string]float64{}
		for _, chunk := range c.mapper.Group(td, "host", c.now).Chunks {
			k := payloadKey(chunk)
			for _, s := range chunk.Spans {
				span, ok := agent.NewStatSpanFromPB(s, c.peerTags)
				require.Equal(t, ok, counts(s))
				if !ok {
					continue
				}
				// AddSpan weighs every span alike; the weight is compared below.
				agent.AddSpan(span, stats.PayloadAggregationKey{Env: k.Env, Hostname: k.Host, Version: k.Version, ContainerID: k.ContainerID, ImageTag: k.ImageTag, Lang: k.Language}, k.ContainerID, nil, "")
				hits[s.Service] += weightOf(chunk.Root)
			}
		}
		unweighted := NewBuckets(interval, DefaultLimits, epoch)
		d := c.Count(td)
		for i := range d.hits {
			d.hits[i].weight = 1
		}
		unweighted.Add(d, epoch.Add(2*interval))
		var got []*pb.ClientStatsPayload
		for _, b := range unweighted.Close(epoch.Add(time.Hour), true) {
			got = append(got, ofBucket(t, b)...)
		}
		require.Equal(t, lines(agent.Flush(epoch.Add(time.Hour).UnixNano(), true)), lines(got))
		weighted := map[string]float64{}
		for _, b := range ours.Close(epoch.Add(time.Hour), true) {
			for k, g := range b.groups {
				weighted[k.Service] += g.hits
			}
		}
		require.Equal(t, hits, weighted)
	}
}

// runner is one that counts what it hands on.
type runner struct {
	*Runner
	mu   sync.Mutex
	now  time.Time
	fail error
	sent []*pb.ClientStatsPayload
	t    testing.TB
}

func start(t testing.TB, disk *journaltest.Disk, at time.Time, journalInterval time.Duration) *runner {
	t.Helper()
	r := &runner{now: at, t: t}
	cfg := Config{Interval: interval, JournalInterval: journalInterval, Limits: DefaultLimits, Log: zap.NewNop(), Now: r.time, Send: r.send}
	var host component.Host
	if disk != nil {
		cfg.Storage, host = &journaltest.ID, disk.Host()
	}
	r.Runner = NewRunner(cfg)
	require.NoError(t, r.Start(t.Context(), host))
	return r
}

func (r *runner) time() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *runner) at(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = now
}

func (r *runner) send(_ context.Context, b *Bucket) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.sent = append(r.sent, ofBucket(r.t, b)...)
	return nil
}

func (r *runner) hits() (n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.sent {
		for _, b := range p.Stats {
			for _, g := range b.Stats {
				n += g.Hits
			}
		}
	}
	return n
}

func batch(t testing.TB, n int, end time.Time) Delta {
	t.Helper()
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "shop")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	for i := range n {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 14: byte(i >> 8), 15: byte(i)})
		s.SetSpanID(pcommon.SpanID{1, 6: byte(i >> 8), 7: byte(i)})
		s.SetKind(ptrace.SpanKindServer)
		s.SetName("GET /")
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(end.Add(-time.Millisecond)))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(end))
	}
	d := counter(t).Count(td)
	require.Equal(t, n, d.Spans())
	return d
}

func TestABucketIsHandedOnTwentySecondsAfterItsEnd(t *testing.T) {
	t.Parallel()
	r := start(t, nil, epoch, 0)
	_, err := r.Add(t.Context(), batch(t, 5, epoch.Add(12*time.Second)))
	require.NoError(t, err)
	r.at(epoch.Add(39 * time.Second))
	require.NoError(t, r.flush(t.Context(), false))
	require.Zero(t, r.hits())
	r.at(epoch.Add(40 * time.Second))
	require.NoError(t, r.flush(t.Context(), false))
	require.EqualValues(t, 5, r.hits())
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestWhatTheQueueRefusesIsOfferedAgain(t *testing.T) {
	t.Parallel()
	r := start(t, nil, epoch, 0)
	_, err := r.Add(t.Context(), batch(t, 5, epoch.Add(12*time.Second)))
	require.NoError(t, err)
	r.mu.Lock()
	r.fail = errors.New("full")
	r.mu.Unlock()
	r.at(epoch.Add(time.Minute))
	require.Error(t, r.flush(t.Context(), false))
	require.Equal(t, 1, r.buckets.Groups())
	r.mu.Lock()
	r.fail = nil
	r.mu.Unlock()
	require.NoError(t, r.flush(t.Context(), false))
	require.EqualValues(t, 5, r.hits())
	require.Zero(t, r.buckets.Groups())
	require.NoError(t, r.Shutdown(t.Context()))
	require.EqualValues(t, 5, r.hits())
}

func TestLateSpansGetSecondsOfTheirOwnAndNoneIsUsedTwice(t *testing.T) {
	t.Parallel()
	r := start(t, nil, epoch, 0)
	total, starts := uint64(0), map[uint64]int{}
	for i := range 8 {
		r.at(epoch.Add(time.Duration(60+40*i) * time.Second))
		require.NoError(t, r.flush(t.Context(), false))
		c, err := r.Add(t.Context(), batch(t, 3, epoch.Add(12*time.Second)))
		require.NoError(t, err)
		require.Equal(t, Counts{Late: 3}, c)
		total += 3
	}
	require.NoError(t, r.Shutdown(t.Context()))
	require.Equal(t, total, r.hits())
	for _, p := range r.sent {
		for _, b := range p.Stats {
			starts[b.Start]++
		}
	}
	for s, times := range starts {
		require.Equal(t, 1, times, "second %d", s)
	}
	require.Len(t, starts, 8)
}

func TestAKillCostsNothingThatWasWritten(t *testing.T) {
	t.Parallel()
	disk := journaltest.NewDisk()
	r := start(t, disk, epoch, 0)
	for range 3 {
		_, err := r.Add(t.Context(), batch(t, 10, epoch.Add(12*time.Second)))
		require.NoError(t, err)
	}
	after := start(t, disk.Crash(), epoch.Add(15*time.Second), 0)
	_, err := after.Add(t.Context(), batch(t, 7, epoch.Add(16*time.Second)))
	require.NoError(t, err)
	require.NoError(t, after.Shutdown(t.Context()))
	require.EqualValues(t, 37, after.hits())
	starts := map[uint64]bool{}
	for _, p := range after.sent {
		require.False(t, starts[p.Stats[0].Start], "two payloads for one second")
		starts[p.Stats[0].Start] = true
	}
	require.NoError(t, r.Shutdown(t.Context()))
	again := start(t, disk, epoch.Add(time.Minute), 0)
	require.NoError(t, again.Shutdown(t.Context()))
	require.Zero(t, again.hits(), "what was handed on is forgotten")
}

func TestABucketThatIsSentAgainAfterAKillIsTheSame(t *testing.T) {
	t.Parallel()
	disk := journaltest.NewDisk()
	r := start(t, disk, epoch, time.Hour)
	_, err := r.Add(t.Context(), batch(t, 10, epoch.Add(12*time.Second)))
	require.NoError(t, err)
	var crashed *journaltest.Disk
	r.at(epoch.Add(time.Minute))
	r.cfg.Send = func(_ context.Context, b *Bucket) error {
		crashed = disk.Crash()
		return r.send(t.Context(), b)
	}
	require.NoError(t, r.flush(t.Context(), false))
	after := start(t, crashed, epoch.Add(time.Minute), 0)
	require.NoError(t, after.Shutdown(t.Context()))
	require.Equal(t, lines(r.sent), lines(after.sent))
	require.NoError(t, r.Shutdown(t.Context()))
}

func TestStrangersCannotMakeGroupsWithoutEnd(t *testing.T) {
	t.Parallel()
	b := NewBuckets(interval, Limits{Groups: 100, Resources: 10, Open: 4}, epoch)
	overflow := 0
	for i := range 5000 {
		d := Delta{keys: []Key{{Service: fmt.Sprint("s", i%50), Resource: fmt.Sprint(i), PeerTags: fmt.Sprint(i)}}, hits: []hit{{end: epoch.Add(time.Duration(i) * time.Second).UnixNano(), weight: 1}}}
		overflow += b.Add(d, epoch.Add(15*time.Second)).Overflow
	}
	require.LessOrEqual(t, b.Groups(), 2*100+4)
	require.LessOrEqual(t, len(b.open), 4)
	require.Positive(t, overflow)
	total := 0.0
	for _, bucket := range b.Close(epoch, true) {
		for _, g := range bucket.groups {
			total += g.hits
		}
	}
	require.EqualValues(t, 5000, total)
}

func TestALargeBucketIsSplit(t *testing.T) {
	t.Parallel()
	b := NewBuckets(interval, DefaultLimits, epoch)
	var d Delta
	for i := range 9000 {
		d.keys = append(d.keys, Key{Env: fmt.Sprint(i % 3), Service: fmt.Sprint(i % 20), Resource: fmt.Sprint(i)})
		d.hits = append(d.hits, hit{key: i, end: epoch.Add(15 * time.Second).UnixNano(), weight: 1})
	}
	b.Add(d, epoch)
	payloads, err := Sender{Hostname: "h"}.Payloads(b.Close(epoch, true)[0], int64(interval))
	require.NoError(t, err)
	require.Len(t, payloads, 3)
	n := 0
	for _, p := range payloads {
		require.True(t, p.SplitPayload)
		of := 0
		for _, c := range p.Stats {
			of += len(c.Stats[0].Stats)
		}
		require.LessOrEqual(t, of, MaxGroups)
		n += of
	}
	require.Equal(t, 9000, n)
}

func FuzzJournalItems(f *testing.F) {
	b := NewBuckets(interval, DefaultLimits, epoch)
	b.Add(Delta{keys: []Key{{Service: "s"}}, hits: []hit{{end: epoch.Add(12 * time.Second).UnixNano(), weight: 1}}}, epoch)
	for _, bucket := range b.Close(epoch, true) {
		for k, g := range bucket.groups {
			raw, err := encodeItem(bucket, k, g)
			require.NoError(f, err)
			f.Add(raw)
		}
	}
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _, _, _, _ = decodeItem(raw) })
}
