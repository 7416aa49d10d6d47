package datadogrumreceiver

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
)

func viewVersion(v int, more string) string {
	return fmt.Sprintf(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":true,"action":{"count":%d}},"_dd":{"document_version":%d}%s}`, v, v, more)
}

func updateVersion(v int, view, more string) string {
	return fmt.Sprintf(`{"type":"view_update","date":1795168790000,"application":{"id":"a"},"view":{"id":"v"%s},"_dd":{"document_version":%d}%s}`, view, v, more)
}

func TestAViewSentFortyTimesIsOneRecord(t *testing.T) {
	g := newRig(t, nil).start(nil)
	for i := range 40 {
		g.post(viewVersion(i+1, ""))
	}
	g.post(viewVersion(7, `,"stale":true`))
	g.post(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":false},"_dd":{"document_version":41}}`)
	g.flush(g.cfg.Views.Settle - time.Second)
	require.Empty(t, g.records())
	g.flush(time.Second)
	require.Len(t, g.records(), 1)
	version, _ := g.records()[0].Attributes().Get("rum.view.version")
	require.EqualValues(t, 41, version.Int())
	require.EqualValues(t, 1, g.count(t, "events", "type", "view", "outcome", "stale"))

	g.post(viewVersion(41, ""))
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.records(), 1, "what left does not leave again")
	g.post(viewVersion(44, ""))
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.records(), 2, "but what is new does")
	g.flush(time.Hour)
	require.Zero(t, g.sizes().Views)
	require.Zero(t, g.sizes().ViewBytes)
}

func TestAnUpdateWithoutItsViewSaysSo(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(updateVersion(5, `,"action":{"count":1}`, ""))
	g.flush(g.cfg.Views.Idle)
	partial, ok := g.records()[0].Attributes().Get(attr.ViewPartial)
	require.True(t, ok && partial.Bool())
}

func TestAViewWithoutAVersionIsBad(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v"}}`)
	require.EqualValues(t, 1, g.count(t, "events", "type", "view", "outcome", "bad"))
}

// A view that lives on after its record left is one view: each of its vitals is counted once.
func TestAViewThatIsSentAgainIsCountedOnce(t *testing.T) {
	g := newRig(t, nil).start(nil)
	version := func(n int, vitals string) string {
		return fmt.Sprintf(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":true,%s},"_dd":{"document_version":%d}}`, vitals, n)
	}
	g.post(version(1, `"largest_contentful_paint":1000000000`))
	g.flush(g.cfg.Views.Idle)
	g.post(version(2, `"largest_contentful_paint":1000000000,"interaction_to_next_paint":80000000`))
	g.flush(g.cfg.Views.Idle)
	counted := map[string]uint64{}
	for _, md := range g.metrics.AllMetrics() {
		for _, rm := range md.ResourceMetrics().All() {
			for _, m := range rm.ScopeMetrics().At(0).Metrics().All() {
				counted[m.Name()] += m.Histogram().DataPoints().At(0).Count()
			}
		}
	}
	require.Equal(t, map[string]uint64{"browser.web_vital.lcp": 1, "browser.web_vital.inp": 1}, counted)
}
