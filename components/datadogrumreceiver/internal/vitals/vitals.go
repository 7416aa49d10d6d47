package datadogrumreceiver

import (
	"context"
	"sort"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// vitalKind is one of the numbers by which a page is judged, the member of view
// that carries it, and the bounds of its histogram: the thresholds of web.dev
// and the steps around them.
type vitalKind struct {
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

	vitalKinds = []vitalKind{
		{"lcp", "largest_contentful_paint", "browser.web_vital.lcp", "s", perSecond, loadBounds},
		{"inp", "interaction_to_next_paint", "browser.web_vital.inp", "s", perSecond, inputBounds},
		{"cls", "cumulative_layout_shift", "browser.web_vital.cls", "1", 1, shiftBounds},
		{"fcp", "first_contentful_paint", "browser.web_vital.fcp", "s", perSecond, loadBounds},
		{"ttfb", "first_byte", "browser.web_vital.ttfb", "s", perSecond, loadBounds},
	}
)

// vital is one measurement of one view.
type vital struct {
	kind   int
	value  float64
	series vitalSeries
}

// vitalSeries is what a histogram is kept for. The view's name is one the
// application chose; its URL has too many values.
type vitalSeries struct {
	kind                                     int
	tenant, service, version, env, app, view string
}

// maxVitalSeries bounds them; what would be one too many is counted under otel.metric.overflow.
const maxVitalSeries = 2000

type histogram struct {
	counts   []uint64
	count    uint64
	sum      float64
	min, max float64
}

// vitals gathers histograms between two flushes. Only the flusher uses it.
type vitals struct {
	series map[vitalSeries]*histogram
	since  time.Time
}

func newVitals(now time.Time) *vitals {
	return &vitals{series: map[vitalSeries]*histogram{}, since: now}
}

// read writes a record for each web vital of the view e and returns what the
// histograms need of them.
func (v *vitals) read(f *flusher, d *dueView, e *event) []vital {
	view := e.doc.at("view")
	var found []vital
	for i := range vitalKinds {
		kind := &vitalKinds[i]
		value, ok := e.doc.float(e.doc.child(view, kind.member))
		if !ok || value < 0 {
			continue
		}
		value /= kind.per
		lr := f.w.record(e, d.from)
		lr.SetEventName("browser.web_vital")
		lr.SetSeverityNumber(plog.SeverityNumberInfo)
		attrs := lr.Attributes()
		attrs.EnsureCapacity(7)
		attrs.PutStr("browser.web_vital.name", kind.name)
		attrs.PutDouble("browser.web_vital.value", value)
		attrs.PutStr(attrApplicationID, e.app)
		attrs.PutStr(attrSessionID, e.session)
		attrs.PutStr(attrViewID, e.view)
		if name := e.text("view", "name"); name != "" {
			attrs.PutStr(attrViewName, name)
		}
		attrs.PutStr(attrViewURL, f.r.privacy.url(e.text("view", "url")))
		found = append(found, vital{kind: i, value: value, series: vitalSeries{
			kind: i, tenant: d.from.tenant, service: e.text("service"), version: e.text("version"),
			env: environment(e.text("ddtags")), app: e.app, view: e.text("view", "name"),
		}})
	}
	return found
}

// observe adds one measurement.
func (v *vitals) observe(m vital, now time.Time) {
	if len(v.series) == 0 {
		v.since = now
	}
	h := v.series[m.series]
	if h == nil {
		key := m.series
		if len(v.series) >= maxVitalSeries {
			key = vitalSeries{kind: m.kind, view: "otel.metric.overflow"}
			h = v.series[key]
		}
		if h == nil {
			h = &histogram{counts: make([]uint64, len(vitalKinds[m.kind].bounds)+1), min: m.value, max: m.value}
			v.series[key] = h
		}
	}
	h.counts[sort.SearchFloat64s(vitalKinds[m.kind].bounds, m.value)]++
	h.count++
	h.sum += m.value
	h.min, h.max = min(h.min, m.value), max(h.max, m.value)
}

// flush hands the histograms on as deltas. What a pipeline refuses for now goes
// on being added to.
func (v *vitals) flush(ctx context.Context, r *rum, now time.Time) error {
	if len(v.series) == 0 || !r.hasMetrics() {
		clear(v.series)
		return nil
	}
	md := pmetric.NewMetrics()
	points := v.write(md, now)
	if err := r.consumeMetrics(ctx, md, points); err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	clear(v.series)
	return nil
}

func (v *vitals) write(md pmetric.Metrics, now time.Time) (points int) {
	keys := make([]vitalSeries, 0, len(v.series))
	for key := range v.series {
		keys = append(keys, key)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].less(keys[j]) })
	var scope pmetric.ScopeMetrics
	var last vitalSeries
	metrics := map[int]pmetric.Histogram{}
	for i, key := range keys {
		if i == 0 || !last.sameResource(key) {
			rm := md.ResourceMetrics().AppendEmpty()
			key.resource(rm.Resource().Attributes())
			scope = rm.ScopeMetrics().AppendEmpty()
			scope.Scope().SetName(scopeName)
			scope.Scope().SetVersion(mapVersion)
			clear(metrics)
			last = key
		}
		hist, ok := metrics[key.kind]
		if !ok {
			kind := &vitalKinds[key.kind]
			m := scope.Metrics().AppendEmpty()
			m.SetName(kind.metric)
			m.SetUnit(kind.unit)
			hist = m.SetEmptyHistogram()
			hist.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			metrics[key.kind] = hist
		}
		v.series[key].point(hist.DataPoints().AppendEmpty(), key, v.since, now)
		points++
	}
	return points
}

func (h *histogram) point(dp pmetric.HistogramDataPoint, key vitalSeries, since, now time.Time) {
	dp.SetStartTimestamp(pcommon.NewTimestampFromTime(since))
	dp.SetTimestamp(pcommon.NewTimestampFromTime(now))
	dp.SetCount(h.count)
	dp.SetSum(h.sum)
	dp.SetMin(h.min)
	dp.SetMax(h.max)
	dp.BucketCounts().FromRaw(h.counts)
	dp.ExplicitBounds().FromRaw(vitalKinds[key.kind].bounds)
	if key.view == "otel.metric.overflow" {
		dp.Attributes().PutBool(key.view, true)
		return
	}
	dp.Attributes().PutStr(attrApplicationID, key.app)
	if key.view != "" {
		dp.Attributes().PutStr(attrViewName, key.view)
	}
}

func (s vitalSeries) resource(attrs pcommon.Map) {
	service := s.service
	if service == "" {
		service = serviceName
	}
	attrs.PutStr("service.name", service)
	if s.version != "" {
		attrs.PutStr("service.version", s.version)
	}
	if s.env != "" {
		attrs.PutStr("deployment.environment.name", s.env)
	}
	if s.tenant != "" {
		attrs.PutStr(attrTenantID, s.tenant)
	}
	attrs.PutStr("telemetry.sdk.name", sdkName)
}

func (s vitalSeries) sameResource(o vitalSeries) bool {
	return s.tenant == o.tenant && s.service == o.service && s.version == o.version && s.env == o.env
}

func (s vitalSeries) less(o vitalSeries) bool {
	a := [...]string{s.tenant, s.service, s.version, s.env, vitalKinds[s.kind].metric, s.app, s.view}
	b := [...]string{o.tenant, o.service, o.version, o.env, vitalKinds[o.kind].metric, o.app, o.view}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}
