package ddstats

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/DataDog/sketches-go/ddsketch"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Names of the metrics, those the datadog receiver makes of what tracers counted themselves.
const (
	metricHits     = "datadog.trace.hits"
	metricErrors   = "datadog.trace.errors"
	metricTopLevel = "datadog.trace.top_level_hits"
	metricTime     = "datadog.trace.time"
	metricDuration = "datadog.trace.duration"
)

// The finest scale of durations, and how many buckets they have at most. A sketch is accurate to 1 %, a bucket of scale 5 is 2 % wide.
const (
	finestScale = 5
	mostBuckets = 160
)

// Metrics are a bucket as OTLP: sums of spans and a histogram of their durations, by service and what else tells groups apart.
func (b *Bucket) Metrics(interval time.Duration) pmetric.Metrics {
	md := pmetric.NewMetrics()
	keys := slices.SortedFunc(maps.Keys(b.groups), func(x, y Key) int { return cmp.Or(cmp.Compare(x.Service, y.Service), x.compare(y)) })
	var w *metricsWriter
	var last Key
	for _, k := range keys {
		if of := k.resource(); w == nil || of != last {
			last = of
			w = newMetricsWriter(md, of, b.Start, b.Start+int64(interval))
		}
		w.group(k, b.groups[k])
	}
	return md
}

// resource is the part of a key that is of the resource.
func (k Key) resource() Key {
	return Key{Service: k.Service, Env: k.Env, Version: k.Version, Host: k.Host, ContainerID: k.ContainerID, Language: k.Language}
}

// metricsWriter writes the groups of one resource.
type metricsWriter struct {
	start, end pcommon.Timestamp
	sums       map[string]pmetric.NumberDataPointSlice
	durations  pmetric.ExponentialHistogramDataPointSlice
}

func newMetricsWriter(md pmetric.Metrics, k Key, start, end int64) *metricsWriter {
	rm := md.ResourceMetrics().AppendEmpty()
	attrs := rm.Resource().Attributes()
	put := func(key, value string) {
		if value != "" {
			attrs.PutStr(key, value)
		}
	}
	put("service.name", k.Service)
	put("deployment.environment.name", k.Env)
	put("service.version", k.Version)
	put("host.name", k.Host)
	put("container.id", k.ContainerID)
	put("telemetry.sdk.language", k.Language)
	metrics := rm.ScopeMetrics().AppendEmpty().Metrics()
	w := &metricsWriter{start: pcommon.Timestamp(start), end: pcommon.Timestamp(end), sums: map[string]pmetric.NumberDataPointSlice{}}
	for _, m := range [...]struct{ name, unit string }{{metricHits, "{span}"}, {metricErrors, "{span}"}, {metricTopLevel, "{span}"}, {metricTime, "ns"}} {
		metric := metrics.AppendEmpty()
		metric.SetName(m.name)
		metric.SetUnit(m.unit)
		sum := metric.SetEmptySum()
		sum.SetIsMonotonic(true)
		sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
		w.sums[m.name] = sum.DataPoints()
	}
	metric := metrics.AppendEmpty()
	metric.SetName(metricDuration)
	metric.SetUnit("s")
	h := metric.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	w.durations = h.DataPoints()
	return w
}

func (w *metricsWriter) group(k Key, g *group) {
	for name, value := range map[string]float64{metricHits: g.hits, metricErrors: g.errors, metricTopLevel: g.topLevel, metricTime: g.duration} {
		p := w.sums[name].AppendEmpty()
		p.SetStartTimestamp(w.start)
		p.SetTimestamp(w.end)
		p.SetIntValue(int64(round(value)))
		k.attributes(p.Attributes())
	}
	for _, d := range [...]struct {
		failed bool
		sketch *ddsketch.DDSketch
	}{{false, g.ok}, {true, g.failed}} {
		if d.sketch == nil || d.sketch.IsEmpty() {
			continue
		}
		p := w.durations.AppendEmpty()
		p.SetStartTimestamp(w.start)
		p.SetTimestamp(w.end)
		k.attributes(p.Attributes())
		p.Attributes().PutBool("error", d.failed)
		histogram(p, d.sketch)
	}
}

func (k Key) attributes(attrs pcommon.Map) {
	put := func(key, value string) {
		if value != "" {
			attrs.PutStr(key, value)
		}
	}
	put("operation.name", k.Name)
	put("resource.name", k.Resource)
	put("span.type", k.Type)
	put("span.kind", k.Kind)
	put("rpc.grpc.status_code", k.GRPCStatus)
	if k.HTTPStatus != 0 {
		attrs.PutInt("http.response.status_code", int64(k.HTTPStatus))
	}
	if k.Synthetics {
		attrs.PutBool("synthetics", true)
	}
	attrs.PutBool("trace_root", k.Root)
	if k.PeerTags == "" {
		return
	}
	for tag := range strings.SplitSeq(k.PeerTags, peerSeparator) {
		key, value, _ := strings.Cut(tag, ":")
		put(key, value)
	}
}

// histogram writes a sketch of nanoseconds as a histogram of seconds.
func histogram(p pmetric.ExponentialHistogramDataPoint, sketch *ddsketch.DDSketch) {
	counts := map[int]float64{}
	zero, sum := 0.0, 0.0
	sketch.ForEach(func(ns, count float64) bool {
		if ns <= 0 {
			zero += count
			return false
		}
		counts[int(math.Ceil(math.Log2(ns/1e9)*(1<<finestScale)))-1] += count
		return false
	})
	sum = sketch.GetSum() / 1e9
	scale := finestScale
	low, high := bounds(counts)
	for high-low >= mostBuckets {
		coarse := make(map[int]float64, len(counts)/2)
		for i, n := range counts {
			coarse[i>>1] += n
		}
		counts, scale = coarse, scale-1
		low, high = bounds(counts)
	}
	p.SetScale(int32(scale))
	p.SetZeroCount(round(zero))
	p.SetSum(sum)
	total := round(zero)
	if len(counts) > 0 {
		buckets := make([]uint64, high-low+1)
		for i, n := range counts {
			buckets[i-low] = round(n)
			total += round(n)
		}
		p.Positive().SetOffset(int32(low))
		p.Positive().BucketCounts().FromRaw(buckets)
	}
	p.SetCount(total)
}

func bounds(counts map[int]float64) (low, high int) {
	first := true
	for i := range counts {
		if first {
			low, high, first = i, i, false
		}
		low, high = min(low, i), max(high, i)
	}
	return low, high
}
