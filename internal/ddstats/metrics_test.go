package ddstats

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

func TestABucketBecomesMetricsThatSayTheSame(t *testing.T) {
	t.Parallel()
	b := NewBuckets(interval, DefaultLimits, epoch)
	var d Delta
	d.keys = []Key{{Service: "shop", Env: "prod", Name: "web.request", Resource: "GET /", Kind: "server", HTTPStatus: 200, Root: true, PeerTags: "peer.service:x" + peerSeparator + "db.name:y"}}
	for i := range 1000 {
		d.hits = append(d.hits, hit{end: epoch.Add(15 * time.Second).UnixNano(), duration: int64(i+1) * int64(time.Millisecond), weight: 1, failed: i%10 == 0, topLevel: true})
	}
	b.Add(d, epoch)
	md := b.Close(epoch, true)[0].Metrics(interval)
	require.Equal(t, 1, md.ResourceMetrics().Len())
	attrs := md.ResourceMetrics().At(0).Resource().Attributes()
	require.Equal(t, map[string]any{"service.name": "shop", "deployment.environment.name": "prod"}, attrs.AsRaw())
	values := map[string]int64{}
	count, sum := uint64(0), 0.0
	for _, m := range md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		if m.Type() == pmetric.MetricTypeSum {
			p := m.Sum().DataPoints().At(0)
			values[m.Name()] = p.IntValue()
			require.Equal(t, map[string]any{"operation.name": "web.request", "resource.name": "GET /", "span.kind": "server", "http.response.status_code": int64(200), "trace_root": true, "peer.service": "x", "db.name": "y"}, p.Attributes().AsRaw())
			continue
		}
		for _, p := range m.ExponentialHistogram().DataPoints().All() {
			count += p.Count()
			sum += p.Sum()
			total := p.ZeroCount()
			for _, n := range p.Positive().BucketCounts().AsRaw() {
				total += n
			}
			require.Equal(t, p.Count(), total)
			require.LessOrEqual(t, p.Positive().BucketCounts().Len(), mostBuckets)
		}
	}
	require.Equal(t, map[string]int64{metricHits: 1000, metricErrors: 100, metricTopLevel: 1000, metricTime: 500_500 * int64(time.Millisecond)}, values)
	require.EqualValues(t, 1000, count)
	require.Less(t, math.Abs(sum-500.5)/500.5, 0.02)
}
