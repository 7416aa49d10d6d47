package datadogexporter

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

// hits are the spans that statistics have counted, by resource.
func (in *intakeServer) hits() map[string]uint64 {
	got := map[string]uint64{}
	for _, p := range in.stats {
		for _, c := range p.Stats {
			for _, b := range c.Stats {
				for _, g := range b.Stats {
					got[g.Resource] += g.Hits
				}
			}
		}
	}
	return got
}

func TestStatisticsCountEverySpanOnceThroughRefusalsOfTheIntake(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"stats": map[string]any{"bucket_interval": "1s", "agent_hostname": "pod-1"}})
	var calls atomic.Int32
	k.answer = func(r *http.Request, _ []byte) answer {
		if r.URL.Path == "/api/v0.2/stats" && calls.Add(1) < 4 {
			return answer{status: 503}
		}
		return answer{}
	}
	exp := k.startTraces(t)
	for range 10 {
		td := someTraces(0, 100)
		for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
			s.SetEndTimestamp(pcommon.NewTimestampFromTime(time.Now()))
			s.SetStartTimestamp(s.EndTimestamp() - 1000)
		}
		require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	}
	k.waitFor(t, "statistics", func() bool { return k.hits()["GET /"] >= 1000 })
	require.Equal(t, map[string]uint64{"GET /": 1000}, k.hits())
	require.Equal(t, "pod-1", k.stats[0].AgentHostname)
	require.Equal(t, "otelcol-obs-1.2.3", k.stats[0].AgentVersion)
	require.Equal(t, "host-1", k.stats[0].Stats[0].Hostname)
}

func TestShutdownHandsOnWhatIsCounted(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	exp := k.startTraces(t)
	require.NoError(t, exp.ConsumeTraces(t.Context(), someTraces(0, 7)))
	k.stop(exp)
	require.EqualValues(t, 7, k.hits()["GET /"])
}

func TestSpansATracerHasCountedAreNotCountedAgain(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	exp := k.startTraces(t)
	td := someTraces(0, 7)
	td.ResourceSpans().At(0).Resource().Attributes().PutStr("_dd.stats_computed", "true")
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	require.NoError(t, exp.ConsumeTraces(t.Context(), someTraces(0, 2)))
	k.stop(exp)
	require.EqualValues(t, 2, k.hits()["GET /"])
}

func TestABatchTheQueueRefusesIsNotCounted(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"sending_queue": map[string]any{"sizer": "items", "queue_size": 10, "num_consumers": 1, "batch": map[string]any{"min_size": 1}}})
	k.answer = func(r *http.Request, _ []byte) answer { return answer{hang: r.URL.Path == tracesPath} }
	exp := k.startTraces(t)
	taken := 0
	for range 20 {
		if exp.ConsumeTraces(t.Context(), someTraces(0, 5)) == nil {
			taken += 5
		}
	}
	require.Less(t, taken, 100)
	k.stop(exp)
	require.EqualValues(t, taken, k.hits()["GET /"])
}

func TestOpenStatisticsSurviveAKill(t *testing.T) {
	t.Parallel()
	disk := journaltest.NewDisk()
	k := newKit(t, map[string]any{
		"stats":         map[string]any{"journal_interval": "0s"},
		"sending_queue": map[string]any{"storage": journaltest.ID.String()},
	})
	start := func(d *journaltest.Disk) *tracesExporter {
		exp, err := newTraces(t.Context(), k.set, k.cfg)
		require.NoError(t, err)
		require.NoError(t, exp.Start(t.Context(), hostWith{keeperID: k.keeper, journaltest.ID: component.Component(d)}))
		return exp
	}
	first := start(disk)
	require.NoError(t, first.ConsumeTraces(t.Context(), someTraces(0, 7)))
	crashed := disk.Crash()
	k.answerWith(func(*http.Request, []byte) answer { return answer{status: 503} })
	_ = first.Shutdown(context.Background())
	k.answerWith(nil)
	second := start(crashed)
	_ = second.Shutdown(context.Background()) // into the queue on disk
	third := start(crashed)
	k.waitFor(t, "statistics", func() bool { return k.hits()["GET /"] >= 7 })
	require.NoError(t, third.Shutdown(context.Background()))
	require.EqualValues(t, 7, k.hits()["GET /"])
}

func TestHalvesOfStatisticsHoldAllGroups(t *testing.T) {
	t.Parallel()
	groups := func(n int) (list []*pb.ClientGroupedStats) {
		for range n {
			list = append(list, &pb.ClientGroupedStats{Hits: 1})
		}
		return list
	}
	p := &pb.StatsPayload{Stats: []*pb.ClientStatsPayload{
		{Stats: []*pb.ClientStatsBucket{{Start: 1, Stats: groups(3)}, {Start: 2, Stats: groups(5)}}},
		{Stats: []*pb.ClientStatsBucket{{Start: 1, Stats: groups(1)}}},
	}}
	queue, leaves, total := []*pb.StatsPayload{p}, 0, 0
	for len(queue) > 0 {
		a, b, ok := halveStats(queue[0])
		if ok {
			queue = append(queue[1:], a, b)
			continue
		}
		leaves++
		total += groupsOf(queue[:1])
		queue = queue[1:]
	}
	require.Equal(t, 9, leaves)
	require.Equal(t, 9, total)
}
