package rates

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func answered(t *testing.T, table *Table) map[string]float64 {
	t.Helper()
	var body struct {
		Rates map[string]float64 `json:"rate_by_service"`
	}
	require.NoError(t, json.Unmarshal(table.Answer().Body, &body))
	return body.Rates
}

var start = time.Unix(1_800_000_000, 0)

func TestTheMostExactEntryCountsForEveryPairSeen(t *testing.T) {
	t.Parallel()
	table := New(Options{Entries: []Entry{{Env: "prod", Rate: 0.1}, {Service: "shop", Rate: 0.2}, {Service: "shop", Env: "prod", Rate: 0.3}, {Rate: 0.4}}, DefaultEnv: "none", MaxPairs: 10})
	table.Learn([]Root{{"shop", "prod", 1}, {"shop", "test", 1}, {"cart", "prod", 1}, {"cart", "", 1}}, 0, start)
	require.Equal(t, map[string]float64{
		"service:,env:": 0.4, "service:,env:prod": 0.1, "service:shop,env:": 0.2, "service:shop,env:prod": 0.3, // the entries
		"service:shop,env:test": 0.2, "service:cart,env:prod": 0.1, "service:cart,env:": 0.4, "service:cart,env:none": 0.4,
	}, answered(t, table))
}

func TestTheDefaultEnvIsTheEnvOfThoseThatNameNone(t *testing.T) {
	t.Parallel()
	table := New(Options{Entries: []Entry{{Env: "none", Rate: 0.5}}, DefaultEnv: "none", MaxPairs: 10})
	table.Learn([]Root{{"shop", "", 1}, {"cart", "none", 1}}, 0, start)
	rates := answered(t, table)
	for _, key := range []string{"service:shop,env:", "service:shop,env:none", "service:cart,env:", "service:cart,env:none"} {
		require.Equal(t, 0.5, rates[key], key)
	}
	require.Equal(t, 1.0, rates["service:,env:"])
}

// A tracer for Python finds its rate only under the service as it sends it, and others look for what the agent makes of it.
func TestNamesAreAnsweredAsSentAndAsTheAgentSpellsThem(t *testing.T) {
	t.Parallel()
	table := New(Options{Entries: []Entry{{Env: "Prod EU", Rate: 0.1}}, DefaultEnv: "none", MaxPairs: 10})
	table.Learn([]Root{{"Shop Front", "Prod EU", 1}}, 0, start)
	rates := answered(t, table)
	require.Equal(t, 0.1, rates["service:Shop Front,env:Prod EU"])
	require.Equal(t, 0.1, rates["service:shop_front,env:prod_eu"])
}

func TestWithoutRatesEverythingIsKept(t *testing.T) {
	t.Parallel()
	table := New(Options{DefaultEnv: "none", MaxPairs: 10})
	require.False(t, table.Learns())
	table.Learn([]Root{{"shop", "prod", 1}}, 0, start)
	require.Equal(t, `{"rate_by_service":{"service:,env:":1}}`, string(table.Answer().Body))
}

// The numbers are those of the Datadog agent.
func TestTheBudgetIsSharedAsTheAgentDoes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ loads, rates []float64 }{
		{[]float64{5, 20}, []float64{1, 0.25}},
		{[]float64{1, 1, 1, 1, 100}, []float64{1, 1, 1, 1, 0.06}},
		{[]float64{3, 300, 3000}, []float64{1, 0.01167, 0.00117}},
		{[]float64{0.2, 0.4, 50}, []float64{1, 1, 0.188}},
		{[]float64{1, 2}, []float64{1, 1}},
		{[]float64{100}, []float64{0.1}},
	} {
		share := shareOf(10, tc.loads)
		for i, l := range tc.loads {
			require.InDelta(t, tc.rates[i], rateFor(share, l), 1e-5, "%v", tc.loads)
		}
	}
}

// run lets pairs send for a number of buckets and returns what is answered then.
func run(t *testing.T, table *Table, from time.Time, buckets int, perSecond map[string]float64) (map[string]float64, time.Time) {
	t.Helper()
	for range buckets {
		for range int(bucket / time.Second) {
			var roots []Root
			for service, n := range perSecond {
				roots = append(roots, Root{service, "prod", n})
			}
			table.Learn(roots, 0, from)
			from = from.Add(time.Second)
		}
	}
	return answered(t, table), from
}

func TestRatesFollowTheLoad(t *testing.T) {
	t.Parallel()
	table := New(Options{Budget: 10, DefaultEnv: "none", MaxPairs: 10})
	rates, now := run(t, table, start, 2, map[string]float64{"a": 5, "b": 20})
	require.InDelta(t, 1, rates["service:a,env:prod"], 1e-9)
	require.InDelta(t, 0.25, rates["service:b,env:prod"], 1e-9)
	require.InDelta(t, 0.25, rates["service:,env:"], 1e-9, "the lowest")

	// Less traffic: the fullest of six buckets still counts, then the rate rises by a fifth each.
	rates, now = run(t, table, now, 6, map[string]float64{"a": 5, "b": 1})
	require.InDelta(t, 0.25, rates["service:b,env:prod"], 0.06)
	before := rates["service:b,env:prod"]
	rates, now = run(t, table, now, 1, map[string]float64{"a": 5, "b": 1})
	require.InDelta(t, min(1, before*maxRise), rates["service:b,env:prod"], 1e-9)
	rates, now = run(t, table, now, 20, map[string]float64{"a": 5, "b": 1})
	require.InDelta(t, 1, rates["service:b,env:prod"], 1e-9)

	// One that is gone leaves its share to the others.
	rates, _ = run(t, table, now, 10, map[string]float64{"b": 40})
	require.InDelta(t, 0.25, rates["service:b,env:prod"], 1e-9)
}

func TestTracesATracerDroppedCountToo(t *testing.T) {
	t.Parallel()
	table := New(Options{Budget: 10, DefaultEnv: "none", MaxPairs: 10})
	for i := range 11 {
		table.Learn([]Root{{"a", "prod", 10}}, 90, start.Add(time.Duration(i)*time.Second))
	}
	require.InDelta(t, 0.1, answered(t, table)["service:a,env:prod"], 1e-9)
}

func TestAnEntryFixesItsPairsAndTheRestSharesTheBudget(t *testing.T) {
	t.Parallel()
	table := New(Options{Budget: 10, Entries: []Entry{{Service: "a", Rate: 0.5}}, DefaultEnv: "none", MaxPairs: 10})
	rates, _ := run(t, table, start, 3, map[string]float64{"a": 1000, "b": 20})
	require.InDelta(t, 0.5, rates["service:a,env:prod"], 1e-9)
	require.InDelta(t, 0.5, rates["service:b,env:prod"], 1e-9)
}

func TestOnlyTracesARateDecidesAboutCount(t *testing.T) {
	t.Parallel()
	table := New(Options{Budget: 10, DefaultEnv: "none", MaxPairs: 10})
	rates, _ := run(t, table, start, 3, map[string]float64{"a": 0})
	require.InDelta(t, 1, rates["service:a,env:prod"], 1e-9)
}

func TestABurstOfNewPairsBuildsOneAnswer(t *testing.T) {
	t.Parallel()
	table := New(Options{Entries: []Entry{{Env: "prod", Rate: 0.1}}, DefaultEnv: "none", MaxPairs: 1000})
	table.Learn([]Root{{"first", "prod", 1}}, 0, start)
	answer := table.Answer()
	require.Contains(t, string(answer.Body), "service:first,env:prod", "the first is answered at once")
	for i := range 500 {
		table.Learn([]Root{{fmt.Sprint("s", i), "prod", 1}}, 0, start.Add(time.Millisecond*time.Duration(i)))
	}
	require.Same(t, answer, table.Answer())
	table.Learn([]Root{{"s0", "prod", 1}}, 0, start.Add(patience))
	require.Len(t, answered(t, table), 503)
	require.NotEqual(t, answer.Version, table.Answer().Version)
}

func TestMemoryAndBodyAreBounded(t *testing.T) {
	t.Parallel()
	table := New(Options{Entries: []Entry{{Env: "prod", Rate: 0.1}}, Budget: 3, DefaultEnv: "none", MaxPairs: 2000})
	now, forgotten := start, int64(0)
	for i := range 5000 {
		now = now.Add(10 * time.Millisecond)
		forgotten += table.Learn([]Root{{fmt.Sprintf("%s-%d", strings.Repeat("S", 150), i), "prod", 1}}, math.MaxInt64, now)
	}
	require.Equal(t, 2000, table.Size())
	require.EqualValues(t, 3000, forgotten)
	require.EqualValues(t, 1, table.Learn([]Root{{"last", "prod", 1}}, 0, now.Add(time.Second)))
	require.Contains(t, string(table.Answer().Body), "service:last,env:prod", "those seen last are answered")
	require.LessOrEqual(t, len(table.Answer().Body), maxBody+1024)
	for _, name := range []string{strings.Repeat("x", maxName+1), "a\nb", "a\x7f"} {
		require.Zero(t, table.Learn([]Root{{name, "prod", 1}, {"ok", name, 1}}, 0, now), "such names are not remembered")
	}
}

func BenchmarkLearn(b *testing.B) {
	table := New(Options{Budget: 10, DefaultEnv: "none", MaxPairs: 2000})
	roots := []Root{{"shop", "prod", 3}, {"cart", "prod", 1}}
	b.ReportAllocs()
	for b.Loop() {
		table.Learn(roots, 0, start)
	}
}
