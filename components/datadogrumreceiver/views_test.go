package datadogrumreceiver

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func viewVersion(v int, more string) string {
	return fmt.Sprintf(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":true,"action":{"count":%d}},"_dd":{"document_version":%d}%s}`, v, v, more)
}

func updateVersion(v int, view, more string) string {
	return fmt.Sprintf(`{"type":"view_update","date":1795168790000,"application":{"id":"a"},"view":{"id":"v"%s},"_dd":{"document_version":%d}%s}`, view, v, more)
}

func heldViewOf(t *testing.T, lines ...string) *heldView {
	t.Helper()
	v := new(heldView)
	for _, line := range lines {
		var doc struct {
			Type string
			DD   struct {
				Version int64 `json:"document_version"`
			} `json:"_dd"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		v.add(viewPart{doc.DD.Version, line}, doc.Type == "view")
	}
	return v
}

func TestUpdatesMergeAsTheSDKMeansThem(t *testing.T) {
	base := `{"type":"view","date":1,"application":{"id":"a"},"context":{"old":1},"usr":{"id":"u","plan":"x"},"view":{"id":"v","custom_timings":{"a":1},"action":{"count":1,"kept":true},"gone":1,"list":[1,2]},"_dd":{"document_version":1,"page_states":[{"state":"active"}]}}`
	merged := mergeView(base, []viewPart{
		{2, `{"type":"view_update","view":{"custom_timings":{"b":2},"action":{"count":2},"gone":null,"list":[3]},"context":{"new":1},"_dd":{"document_version":2,"page_states":[{"state":"hidden"}]}}`},
		{3, `{"type":"view_update","usr":{"id":"w"},"view":{"time_spent":9007199254740993,"url":"/a?b&c<d>"},"_dd":{"document_version":3,"page_states":[{"state":"frozen"}]}}`},
	})
	require.JSONEq(t, `{"type":"view","date":1,"application":{"id":"a"},"context":{"new":1},"usr":{"id":"w"},"view":{"id":"v","custom_timings":{"b":2},"action":{"count":2,"kept":true},"list":[3],
		"time_spent":9007199254740993,"url":"/a?b&c<d>"},"_dd":{"document_version":3,"page_states":[{"state":"active"},{"state":"hidden"},{"state":"frozen"}]}}`, merged)
	require.Contains(t, merged, "9007199254740993")
	require.Contains(t, merged, "/a?b&c<d>")
}

func TestVersionsInAnyOrderMakeTheSameView(t *testing.T) {
	lines := []string{
		viewVersion(1, ""), updateVersion(4, `,"a":4`, ""), updateVersion(9, `,"a":9,"b":9`, ""), viewVersion(10, `,"context":{"x":1}`),
		updateVersion(15, `,"c":15`, ""), updateVersion(17, `,"c":null,"d":17`, ""), viewVersion(3, ""),
	}
	want := ""
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	for range 200 {
		order := append(slices.Clone(lines), lines[rng.IntN(len(lines))])
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		v := heldViewOf(t, order...)
		got := mergeView(v.base.line, v.updates)
		if want == "" {
			want = got
		}
		require.Equal(t, want, got)
		require.EqualValues(t, 17, v.version())
		require.EqualValues(t, 10, v.base.version)
	}
	require.JSONEq(t, `{"type":"view","date":1795168790000,"application":{"id":"a"},"context":{"x":1},"view":{"id":"v","is_active":true,"action":{"count":10},"d":17},"_dd":{"document_version":17}}`, want)
}

func TestUpdatesAreBounded(t *testing.T) {
	v := heldViewOf(t, viewVersion(1, ""))
	for i := range 1000 {
		require.True(t, v.add(viewPart{int64(i + 2), updateVersion(i+2, fmt.Sprintf(`,"k%d":1`, i%3), "")}, false))
		require.LessOrEqual(t, len(v.updates), maxViewUpdates)
	}
	require.Contains(t, mergeView(v.base.line, v.updates), `"k2":1`)
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
	version, _ := g.records()[0].Attributes().Get("datadog._dd.document_version")
	require.EqualValues(t, 41, version.Int())
	require.EqualValues(t, 1, g.count(t, "events", "type", "view", "outcome", "stale"))

	g.post(viewVersion(41, ""))
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.records(), 1, "what left does not leave again")
	g.post(viewVersion(44, ""))
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.records(), 2, "but what is new does")
	g.flush(time.Hour)
	require.Zero(t, g.held.sizes().views)
	require.Zero(t, g.held.sizes().viewBytes)
}

func TestAnUpdateWithoutItsViewSaysSo(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(updateVersion(5, `,"action":{"count":1}`, ""))
	g.flush(g.cfg.Views.Idle)
	partial, ok := g.records()[0].Attributes().Get(attrViewPartial)
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
