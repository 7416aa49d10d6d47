// Package vitals reads the web vitals of views and gathers them in histograms.
package vitals

import (
	"sort"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// kind is one of the numbers by which a page is judged, the member of view
// that carries it, and the bounds of its histogram: the thresholds of web.dev
// and the steps around them.
type kind struct {
	name   string // browser.web_vital's name
	member string // of view
	metric string
	unit   string
	per    float64 // how many of what the SDK sends make one unit
	bounds []float64
}

const perSecond = 1e9

var (
	loadBounds  = []float64{0.1, 0.25, 0.5, 0.8, 1, 1.8, 2.5, 3, 4, 6, 10, 30}
	inputBounds = []float64{0.016, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1, 2, 5}
	shiftBounds = []float64{0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1}

	kinds = []kind{
		{"lcp", "largest_contentful_paint", "browser.web_vital.lcp", "s", perSecond, loadBounds},
		{"inp", "interaction_to_next_paint", "browser.web_vital.inp", "s", perSecond, inputBounds},
		{"cls", "cumulative_layout_shift", "browser.web_vital.cls", "1", 1, shiftBounds},
		{"fcp", "first_contentful_paint", "browser.web_vital.fcp", "s", perSecond, loadBounds},
		{"ttfb", "first_byte", "browser.web_vital.ttfb", "s", perSecond, loadBounds},
	}
)

// Vital is one measurement of one view.
type Vital struct {
	Value  float64
	Delta  float64 // to the value that was reported before
	series series
}

// Config says how web vitals are reported as metrics.
type Config struct {
	// Temporality is cumulative or delta.
	Temporality string `mapstructure:"temporality"`
}

// The values of Config.Temporality.
const (
	Cumulative = "cumulative"
	Delta      = "delta"
)

// Name is browser.web_vital's name.
func (v *Vital) Name() string { return kinds[v.series.kind].name }

// Index tells the kinds of measurements apart.
func (v *Vital) Index() int { return v.series.kind }

// Bit stands for the kind of the measurement in a set of them.
func (v *Vital) Bit() uint8 { return 1 << v.series.kind }

// Target is the selector of the element that decided the value, "" when the SDK does not say.
func (v *Vital) Target(e *event.Event) string {
	return e.Text("view", "performance", v.Name(), "target_selector")
}

// series is what a histogram is kept for. The view's name is one the
// application chose; its URL has too many values, so its template stands for it.
type series struct {
	kind                                               int
	tenant, service, version, env, app, view, template string
}

// seriesLife is how long a series that nothing is added to is kept.
const seriesLife = time.Hour

// maxSeries bounds them; what would be one too many is counted under otel.metric.overflow.
const maxSeries = 2000

type histogram struct {
	counts   []uint64
	count    uint64
	sum      float64
	min, max float64
	since    time.Time // when it was empty
	touched  time.Time
	changed  bool // since it was last handed on
}

// Histograms gathers measurements. It is not safe for concurrent use.
type Histograms struct {
	cumulative bool
	series     map[series]*histogram
}

// New returns histograms without a measurement.
func New(cfg *Config) *Histograms {
	return &Histograms{cumulative: cfg.Temporality == Cumulative, series: map[series]*histogram{}}
}

// Read returns what the view e measured.
func Read(e *event.Event, from *event.Origin) (found []Vital) {
	doc := &e.Doc
	view := doc.At("view")
	for i := range kinds {
		value, ok := doc.Float(doc.Child(view, kinds[i].member))
		if !ok || value < 0 {
			continue
		}
		found = append(found, Vital{Value: value / kinds[i].per, series: series{
			kind: i, tenant: from.Tenant, service: e.Text("service"), version: e.Text("version"),
			env: e.Environment(), app: e.App, view: e.Text("view", "name"), template: Template(e.Text("view", "url")),
		}})
	}
	return found
}

// Observe adds one measurement.
func (v *Histograms) Observe(m Vital, now time.Time) {
	h := v.series[m.series]
	if h == nil {
		key := m.series
		if len(v.series) >= maxSeries {
			key = series{kind: m.series.kind, view: "otel.metric.overflow"}
			h = v.series[key]
		}
		if h == nil {
			h = &histogram{counts: make([]uint64, len(kinds[m.series.kind].bounds)+1), min: m.Value, max: m.Value, since: now}
			v.series[key] = h
		}
	}
	h.counts[sort.SearchFloat64s(kinds[m.series.kind].bounds, m.Value)]++
	h.touched, h.changed = now, true
	h.count++
	h.sum += m.Value
	h.min, h.max = min(h.min, m.Value), max(h.max, m.Value)
}

// MarkSent notes that what Metrics returned was sent, and forgets what was for that
// one hand-over, or what nothing was added to for long.
func (v *Histograms) MarkSent(now time.Time) {
	for key, h := range v.series {
		if h.changed = false; !v.cumulative || now.Sub(h.touched) >= seriesLife {
			delete(v.series, key)
		}
	}
}

// Metrics returns what changed since the last hand-over, and the number of points.
func (v *Histograms) Metrics(now time.Time) (md pmetric.Metrics, points int) {
	md = pmetric.NewMetrics()
	keys := make([]series, 0, len(v.series))
	for key, h := range v.series {
		if h.changed {
			keys = append(keys, key)
		}
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].less(keys[j]) })
	var scope pmetric.ScopeMetrics
	var last series
	metrics := map[int]pmetric.Histogram{}
	for i, key := range keys {
		if i == 0 || !last.sameResource(key) {
			rm := md.ResourceMetrics().AppendEmpty()
			key.resource(rm.Resource().Attributes())
			scope = rm.ScopeMetrics().AppendEmpty()
			scope.Scope().SetName(attr.ScopeName)
			scope.Scope().SetVersion(attr.MapVersion)
			clear(metrics)
			last = key
		}
		hist, ok := metrics[key.kind]
		if !ok {
			kind := &kinds[key.kind]
			m := scope.Metrics().AppendEmpty()
			m.SetName(kind.metric)
			m.SetUnit(kind.unit)
			hist = m.SetEmptyHistogram()
			hist.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			if v.cumulative {
				hist.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			}
			metrics[key.kind] = hist
		}
		v.series[key].point(hist.DataPoints().AppendEmpty(), key, now)
		points++
	}
	return md, points
}

func (h *histogram) point(dp pmetric.HistogramDataPoint, key series, now time.Time) {
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(h.since))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
	dp.SetCount(h.count)
	dp.SetSum(h.sum)
	dp.SetMin(h.min)
	dp.SetMax(h.max)
	dp.BucketCounts().FromRaw(h.counts)
	dp.ExplicitBounds().FromRaw(kinds[key.kind].bounds)
	if key.view == "otel.metric.overflow" {
		dp.Attributes().PutBool(key.view, true)
		return
	}
	dp.Attributes().PutStr(attr.ApplicationID, key.app)
	if key.template != "" {
		dp.Attributes().PutStr("url.template", key.template)
	}
	if key.view != "" {
		dp.Attributes().PutStr(attr.ViewName, key.view)
	}
}

func (s series) resource(attrs pcommon.Map) {
	service := s.service
	if service == "" {
		service = attr.ServiceName
	}
	attrs.PutStr("service.name", service)
	if s.version != "" {
		attrs.PutStr("service.version", s.version)
	}
	if s.env != "" {
		attrs.PutStr("deployment.environment.name", s.env)
	}
	if s.tenant != "" {
		attrs.PutStr(attr.TenantID, s.tenant)
	}
	attrs.PutStr("telemetry.sdk.name", attr.SDKName)
}

func (s series) sameResource(o series) bool {
	return s.tenant == o.tenant && s.service == o.service && s.version == o.version && s.env == o.env
}

func (s series) less(o series) bool {
	a := [...]string{s.tenant, s.service, s.version, s.env, kinds[s.kind].metric, s.app, s.view, s.template}
	b := [...]string{o.tenant, o.service, o.version, o.env, kinds[o.kind].metric, o.app, o.view, o.template}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
