package datadogrumreceiver

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// page is a version of a living view with more members.
func page(version int, more string) string {
	return fmt.Sprintf(`{"type":"view","date":1795168790000,"source":"browser","application":{"id":%q},"session":{"id":"s1"},`+
		`"view":{"id":"v1","url":"https://shop.example/product/4711/reviews?x=1"%s},"_dd":{"document_version":%d}}`, appID, more, version)
}

// names lists the records that reached the sink: a view's version, a vital's value and delta.
func (g *rig) pages() (list []string) {
	for _, lr := range g.records() {
		attrs := lr.Attributes().AsRaw()
		switch lr.EventName() {
		case "rum.view":
			list = append(list, fmt.Sprint("view ", attrs["rum.view.version"]))
		case "browser.web_vital":
			list = append(list, fmt.Sprint(attrs["browser.web_vital.id"], " ", attrs["browser.web_vital.value"], " +", attrs["browser.web_vital.delta"]))
		}
	}
	return list
}

func TestAPageIsSeenWhileItLives(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(page(1, ""))
	g.flush(0)
	require.Empty(t, g.pages())
	g.flush(time.Second)
	require.Equal(t, []string{"view 1"}, g.pages())
	g.flush(time.Minute)
	require.Len(t, g.pages(), 1, "nothing changed")

	g.post(page(2, `,"largest_contentful_paint":1500000000`))
	g.flush(0)
	require.Equal(t, []string{"view 1", "view 2", "v1-lcp 1.5 +1.5"}, g.pages())
	g.post(page(3, `,"largest_contentful_paint":1500000000,"cumulative_layout_shift":0.25`))
	g.flush(g.cfg.Views.Coalesce - time.Second)
	require.Len(t, g.pages(), 3, "changes are gathered")
	g.post(page(4, `,"largest_contentful_paint":2000000000,"cumulative_layout_shift":0.25`))
	g.flush(time.Second)
	require.Equal(t, []string{"view 4", "v1-lcp 2 +0.5", "v1-cls 0.25 +0.25"}, g.pages()[3:])
	require.Empty(t, g.metrics.AllMetrics(), "a page that lives has not been measured to its end")

	// A difference is merged with what left before.
	g.post(`{"type":"view_update","date":1795168790000,"application":{"id":"` + appID + `"},"view":{"id":"v1","name":"Reviews","is_active":false},"_dd":{"document_version":5}}`)
	g.flush(g.cfg.Views.Idle)
	last := g.records()[len(g.records())-1].Attributes().AsRaw()
	require.Equal(t, "Reviews", last["rum.view.name"])
	require.NotContains(t, last, "rum.view.incomplete")
	require.Len(t, g.pages(), 7)

	counted := map[string]float64{}
	for _, m := range g.metrics.AllMetrics()[0].ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().All() {
		require.Equal(t, pmetric.AggregationTemporalityCumulative, m.Histogram().AggregationTemporality())
		dp := m.Histogram().DataPoints().At(0)
		require.EqualValues(t, 1, dp.Count())
		require.Equal(t, "/product/?/reviews", dp.Attributes().AsRaw()["url.template"])
		counted[m.Name()] = dp.Sum()
	}
	require.Equal(t, map[string]float64{"browser.web_vital.lcp": 2, "browser.web_vital.cls": 0.25}, counted, "the last values")
	g.flush(time.Second)
	require.Len(t, g.metrics.AllMetrics(), 1, "what did not change is not sent again")
	g.flush(g.cfg.Views.Idle + g.cfg.Views.Settle)
	require.Zero(t, g.sizes().Views)
}

func TestHistogramsAddUpOrBeginAnew(t *testing.T) {
	for temporality, want := range map[string][]uint64{vitals.Cumulative: {1, 2}, vitals.Delta: {1, 1}} {
		g := newRig(t, func(cfg *Config) { cfg.Vitals.Temporality = temporality }).start(nil)
		for i := range 2 {
			g.post(strings.Replace(page(1, `,"first_byte":50000000`), `"v1"`, fmt.Sprintf(`"v%d"`, i), 1))
			g.flush(g.cfg.Views.Idle)
		}
		var counts []uint64
		for _, md := range g.metrics.AllMetrics() {
			counts = append(counts, md.ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics().At(0).Histogram().DataPoints().At(0).Count())
		}
		require.Equal(t, want, counts, temporality)
	}
}

// What a page reports without a trace of its own is in the trace of its load.
func TestTheLoadOfAPageIsTheRootOfWhatItReports(t *testing.T) {
	g := newRig(t, nil).start(nil)
	image := strings.Replace(unanswered(1, "", 500), `"status_code":0,`, "", 1)
	g.post(joinLines(image, thrown("e1", "", 700), unanswered(2, "", 800), page(1, "")))
	g.flush(time.Second)
	require.Empty(t, g.spans(), "it has not loaded")
	g.post(page(2, `,"loading_type":"initial_load","first_byte":100000000,"dom_interactive":300000000,"load_event":900000000,"loading_time":850000000`))
	g.flush(g.cfg.Views.Coalesce)
	require.Len(t, g.spans(), 1)
	load := g.spans()[0]
	require.Equal(t, "browser.document_load", load.Name())
	require.Equal(t, 900*time.Millisecond, load.EndTimestamp().AsTime().Sub(load.StartTimestamp().AsTime()))
	var moments []string
	for _, moment := range load.Events().All() {
		moments = append(moments, fmt.Sprint(moment.Name(), " ", moment.Timestamp().AsTime().Sub(load.StartTimestamp().AsTime())))
	}
	require.Equal(t, []string{"first_byte 100ms", "dom_interactive 300ms", "load_event 900ms"}, moments)
	require.NotEmpty(t, g.records())
	for _, lr := range g.records() {
		require.Equal(t, load.TraceID(), lr.TraceID(), lr.EventName())
		require.Equal(t, load.SpanID(), lr.SpanID(), lr.EventName())
	}
	require.Equal(t, event.ViewSpan(appID, "v1").Trace, load.TraceID())
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.spans(), 1, "it loads once")
}

func TestAPageThatNeverSaysHowItLoadedHasItsSpanAtTheEnd(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(strings.Replace(page(1, `,"loading_type":"route_change"`), `"browser"`, `"ios"`, 1))
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.spans(), 1)
	require.Equal(t, "screen.load", g.spans()[0].Name())
}

func TestFeatureFlagsAreEvaluations(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(strings.Replace(page(1, ""), `"session"`, `"feature_flags":{"new_ui":true,"color":"red","token_flow":false},"session"`, 1))
	g.flush(g.cfg.Views.Idle)
	flags := map[string]any{}
	for _, lr := range g.records() {
		if lr.EventName() == "feature_flag.evaluation" {
			attrs := lr.Attributes().AsRaw()
			flags[attrs["feature_flag.key"].(string)] = attrs["feature_flag.result.value"]
			require.Equal(t, "v1", attrs["rum.view.id"])
		}
	}
	require.Equal(t, map[string]any{"new_ui": true, "color": "red"}, flags, "privacy::context_deny holds for flags too")
	g.post(page(2, ""))
	n := len(g.records())
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.records(), n+1, "once for a view")
}

// The trace of a request is known to its server: it cannot become the page's, so the two are linked.
func TestARequestThatNoActionBeganIsLinkedWithTheLoadOfItsPage(t *testing.T) {
	g := newRig(t, nil).start(nil)
	native := strings.Replace(request(3, "", 300), `"span_id"`, `"parent_span_id":"77","span_id"`, 1)
	nowhere := strings.Replace(request(4, "", 300), `"view":{"id":"v1","url":"/"},`, "", 1)
	g.post(joinLines(request(1, "", 300), act("a1", "click", "x", 5000), request(2, "a1", 5000), native, nowhere, page(1, `,"loading_time":850000000`)))
	g.flush(time.Second)
	links := map[string][]event.Link{}
	for _, span := range g.spans() {
		if url, ok := span.Attributes().Get("url.full"); ok {
			links[url.Str()] = nil
			for _, l := range span.Links().All() {
				links[url.Str()] = append(links[url.Str()], event.Link{Trace: l.TraceID(), Span: l.SpanID()})
			}
		}
	}
	require.Equal(t, map[string][]event.Link{
		"https://x.example/1": {event.ViewSpan(appID, "v1")},
		"https://x.example/2": nil, // its click is its parent
		"https://x.example/3": nil, // a native span is
		"https://x.example/4": nil, // it names no view
	}, links)
	require.True(t, slices.ContainsFunc(g.spans(), func(span ptrace.Span) bool {
		return span.SpanID() == event.ViewSpan(appID, "v1").Span && span.Name() == "browser.document_load"
	}), "the link leads somewhere")
}
