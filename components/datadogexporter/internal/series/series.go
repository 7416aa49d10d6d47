// Package series turns metrics into Datadog's series and distributions, and cuts them into requests that the intake takes.
//
// Its input is delta: nothing is remembered from one batch to the next, so a batch that is sent again is what it was.
//
// Libraries: datadog-agent's opentelemetry-mapping-go/otlp/metrics for names and tags, agent-payload for the messages.
package series

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/DataDog/agent-payload/v5/gogen"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes/source"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/metrics"
	"github.com/DataDog/datadog-agent/pkg/util/quantile"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// Options say what becomes of metrics, with the meaning they have for Datadog's own exporter.
type Options struct {
	Host                string
	Tags                []string
	HistogramMode       string
	HistogramAggregates bool
	Quantiles           bool
	RawSums             bool
	ResourceTags        bool
	ScopeTags           bool
}

// Translator makes series. It is safe for concurrent use.
type Translator struct {
	lib  metrics.Provider
	tags []string
	// resourceTags makes every resource attribute a tag.
	resourceTags bool
}

// New returns a translator.
func New(set component.TelemetrySettings, o Options) (*Translator, error) {
	attrs, err := attributes.NewTranslator(set)
	if err != nil {
		return nil, fmt.Errorf("create attributes translator: %w", err)
	}
	options := []metrics.TranslatorOption{
		metrics.WithFallbackSourceProvider(host(o.Host)),
		metrics.WithHistogramMode(metrics.HistogramMode(o.HistogramMode)),
		metrics.WithNumberMode(metrics.NumberModeCumulativeToDelta),
	}
	if o.RawSums {
		options = append(options, metrics.WithNumberMode(metrics.NumberModeRawValue))
	}
	if o.HistogramAggregates {
		options = append(options, metrics.WithHistogramAggregations())
	}
	if o.Quantiles {
		options = append(options, metrics.WithQuantiles())
	}
	if o.ScopeTags {
		options = append(options, metrics.WithInstrumentationScopeMetadataAsTags())
	}
	lib, err := metrics.NewDefaultTranslator(set, attrs, options...)
	if err != nil {
		return nil, fmt.Errorf("create metrics translator: %w", err)
	}
	return &Translator{lib: lib, tags: o.Tags, resourceTags: o.ResourceTags}, nil
}

// host is the source of what has none.
type host string

// Source implements source.Provider.
func (h host) Source(context.Context) (source.Source, error) {
	return source.Source{Kind: source.HostnameKind, Identifier: string(h)}, nil
}

// Ref says where in a batch a metric is.
type Ref struct{ Resource, Scope, Metric int32 }

// Batch is what a batch of metrics becomes.
type Batch struct {
	Series   []*Part
	Sketches []*Part
	Late     int
}

// maxAge is the age above which Datadog ignores points, unless somebody has asked it not to.
const maxAge = time.Hour

// Translate makes the series of the metrics that wanted accepts.
func (t *Translator) Translate(ctx context.Context, md pmetric.Metrics, now time.Time, wanted func(scope pmetric.ScopeMetrics, m pmetric.Metric) bool) (Batch, error) {
	var out Batch
	var series, sketches []unit
	// One metric at a time, so that what is not delivered can be told.
	one := pmetric.NewMetrics()
	rm := one.ResourceMetrics().AppendEmpty()
	sm := rm.ScopeMetrics().AppendEmpty()
	for i, from := range md.ResourceMetrics().All() {
		from.Resource().CopyTo(rm.Resource())
		tags := t.tags
		if t.resourceTags {
			tags = slices.Clone(t.tags)
			for k, v := range from.Resource().Attributes().All() {
				tags = append(tags, k+":"+v.AsString())
			}
		}
		for j, scope := range from.ScopeMetrics().All() {
			scope.Scope().CopyTo(sm.Scope())
			for k, m := range scope.Metrics().All() {
				if !wanted(scope, m) {
					continue
				}
				sm.Metrics().RemoveIf(func(pmetric.Metric) bool { return true })
				m.CopyTo(sm.Metrics().AppendEmpty())
				c := &collector{tags: tags, index: map[string]int{}, oldest: now.Add(-maxAge).Unix()}
				if _, err := t.lib.MapMetrics(ctx, one, c, nil); err != nil {
					return out, fmt.Errorf("translate metric %s: %w", m.Name(), err)
				}
				ref := Ref{int32(i), int32(j), int32(k)}
				out.Late += c.late
				for _, s := range c.series {
					series = append(series, unit{ref: ref, series: s, size: s.Size()})
				}
				for _, s := range c.sketches {
					sketches = append(sketches, unit{ref: ref, sketch: s, size: s.Size()})
				}
			}
		}
	}
	out.Series = cut(series, maxSeriesRaw)
	out.Sketches = cut(sketches, maxSketchesRaw)
	return out, nil
}

// collector collects what one metric becomes.
type collector struct {
	tags     []string
	series   []*gogen.MetricPayload_MetricSeries
	sketches []*gogen.SketchPayload_Sketch
	index    map[string]int // of series, by key and second
	oldest   int64
	late     int
}

var _ metrics.Consumer = (*collector)(nil)

// ConsumeTimeSeries implements metrics.TimeSeriesConsumer. Of several values with one key and second Datadog would keep the last:
// counts are summed.
func (c *collector) ConsumeTimeSeries(_ context.Context, d *metrics.Dimensions, typ metrics.DataType, ts uint64, interval int64, value float64) {
	second := int64(ts / 1e9)
	if second < c.oldest {
		c.late++
	}
	kind := gogen.MetricPayload_GAUGE
	switch typ {
	case metrics.Count:
		kind = gogen.MetricPayload_COUNT
	case metrics.Rate:
		kind = gogen.MetricPayload_RATE
	}
	tags := c.allTags(d)
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%d\x00%d", d.Name(), d.Host(), strings.Join(tags, "\x00"), kind, second)
	if i, ok := c.index[key]; ok {
		point := c.series[i].Points[0]
		if kind == gogen.MetricPayload_COUNT {
			value += point.Value
		}
		point.Value = value
		return
	}
	c.index[key] = len(c.series)
	s := &gogen.MetricPayload_MetricSeries{
		Metric: d.Name(), Tags: tags, Type: kind, Interval: interval,
		Points: []*gogen.MetricPayload_MetricPoint{{Timestamp: second, Value: value}},
	}
	if d.Host() != "" {
		s.Resources = []*gogen.MetricPayload_Resource{{Type: "host", Name: d.Host()}}
	}
	c.series = append(c.series, s)
}

// ConsumeSketch implements metrics.SketchConsumer.
func (c *collector) ConsumeSketch(_ context.Context, d *metrics.Dimensions, ts uint64, _ int64, sketch *quantile.Sketch) {
	second := int64(ts / 1e9)
	if second < c.oldest {
		c.late++
	}
	k, n := sketch.Cols()
	b := sketch.Basic
	c.sketches = append(c.sketches, &gogen.SketchPayload_Sketch{
		Metric: d.Name(), Host: d.Host(), Tags: c.allTags(d),
		Dogsketches: []gogen.SketchPayload_Sketch_Dogsketch{{Ts: second, Cnt: b.Cnt, Min: b.Min, Max: b.Max, Avg: b.Avg, Sum: b.Sum, K: k, N: n}},
	})
}

// ConsumeExplicitBoundHistogram implements metrics.ExplicitBoundHistogramConsumer: the default translator makes sketches of them.
func (c *collector) ConsumeExplicitBoundHistogram(context.Context, *metrics.Dimensions, pmetric.HistogramDataPointSlice) {
}

// ConsumeExponentialHistogram implements metrics.ExponentialHistogramConsumer: the default translator makes sketches of them.
func (c *collector) ConsumeExponentialHistogram(context.Context, *metrics.Dimensions, pmetric.ExponentialHistogramDataPointSlice) {
}

func (c *collector) allTags(d *metrics.Dimensions) []string {
	tags := append(slices.Clone(c.tags), d.Tags()...)
	for i, tag := range tags {
		tags[i] = strings.ToValidUTF8(tag, "\uFFFD")
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// Pick returns some metrics of a batch, as a batch in the same order.
func Pick(md pmetric.Metrics, refs []Ref) pmetric.Metrics {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Metric, b.Metric))
	})
	out := pmetric.NewMetrics()
	var rm pmetric.ResourceMetrics
	var sm pmetric.ScopeMetrics
	last := Ref{-1, -1, -1}
	for _, ref := range slices.Compact(refs) {
		from := md.ResourceMetrics().At(int(ref.Resource))
		if ref.Resource != last.Resource {
			rm = out.ResourceMetrics().AppendEmpty()
			from.Resource().CopyTo(rm.Resource())
			rm.SetSchemaUrl(from.SchemaUrl())
			last.Scope = -1
		}
		scope := from.ScopeMetrics().At(int(ref.Scope))
		if ref.Scope != last.Scope {
			sm = rm.ScopeMetrics().AppendEmpty()
			scope.Scope().CopyTo(sm.Scope())
			sm.SetSchemaUrl(scope.SchemaUrl())
		}
		scope.Metrics().At(int(ref.Metric)).CopyTo(sm.Metrics().AppendEmpty())
		last = ref
	}
	return out
}
