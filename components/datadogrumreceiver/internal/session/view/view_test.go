package view

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func viewVersion(v int, more string) string {
	return fmt.Sprintf(`{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":true,"action":{"count":%d}},"_dd":{"document_version":%d}%s}`, v, v, more)
}

func updateVersion(v int, view, more string) string {
	return fmt.Sprintf(`{"type":"view_update","date":1795168790000,"application":{"id":"a"},"view":{"id":"v"%s},"_dd":{"document_version":%d}%s}`, view, v, more)
}

func viewOf(t *testing.T, lines ...string) *View {
	t.Helper()
	v := new(View)
	for _, line := range lines {
		var doc struct {
			Type string
			DD   struct {
				Version int64 `json:"document_version"`
			} `json:"_dd"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &doc))
		v.Add(Part{doc.DD.Version, line}, doc.Type == "view")
	}
	return v
}

func TestUpdatesMergeAsTheSDKMeansThem(t *testing.T) {
	base := `{"type":"view","date":1,"application":{"id":"a"},"context":{"old":1},"usr":{"id":"u","plan":"x"},"view":{"id":"v","custom_timings":{"a":1},"action":{"count":1,"kept":true},"gone":1,"list":[1,2]},"_dd":{"document_version":1,"page_states":[{"state":"active"}]}}`
	merged := merge(base, []Part{
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
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		order := append(slices.Clone(lines), lines[rng.IntN(len(lines))])
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		v := viewOf(t, order...)
		got := merge(v.Base.Line, v.Updates)
		if want == "" {
			want = got
		}
		require.Equal(t, want, got)
		require.EqualValues(t, 17, v.Version())
		require.EqualValues(t, 10, v.Base.Version)
	}
	require.JSONEq(t, `{"type":"view","date":1795168790000,"application":{"id":"a"},"context":{"x":1},"view":{"id":"v","is_active":true,"action":{"count":10},"d":17},"_dd":{"document_version":17}}`, want)
}

func TestUpdatesAreBounded(t *testing.T) {
	v := viewOf(t, viewVersion(1, ""))
	for i := range 1000 {
		require.True(t, v.Add(Part{int64(i + 2), updateVersion(i+2, fmt.Sprintf(`,"k%d":1`, i%3), "")}, false))
		require.LessOrEqual(t, len(v.Updates), maxUpdates)
	}
	require.Contains(t, merge(v.Base.Line, v.Updates), `"k2":1`)
}
