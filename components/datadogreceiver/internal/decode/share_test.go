package decode

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/boxshare/boxsharetest"
)

// Spans share the values they repeat. Whoever changes one span must not change the others, whether pdata pools or not.
func TestSharedValuesAreNotSeenThrough(t *testing.T) {
	body := "[["
	for id := 2; id <= 6; id++ {
		body += fmt.Sprintf(`{"trace_id":1,"span_id":%d,"service":"s","name":"n","resource":"r","type":"web",`+
			`"meta":{"component":"c"},"metrics":{"_dd.measured":1,"http.status_code":200}},`, id)
	}
	body = strings.TrimSuffix(body, ",") + "]]"
	for _, pooling := range []bool{false, true} {
		boxsharetest.SetPooling(t, pooling)
		for name, change := range boxsharetest.Changes {
			t.Run(fmt.Sprintf("%s, pooling %t", name, pooling), func(t *testing.T) {
				spans, td, _ := decodeJSON(t, Both, body)
				want := spans[6].Attributes().AsRaw()
				require.Len(t, want, 6)
				change(spans[2], spans[3])
				change(spans[4], spans[3])
				// What pooling emptied is used again by whoever comes next.
				for range 10 {
					pcommon.NewMap().PutStr("next", "payload")
				}
				require.Equal(t, want, spans[6].Attributes().AsRaw())
				require.Equal(t, want, spans[5].Attributes().AsRaw())
				td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().RemoveIf(func(s ptrace.Span) bool { return s.SpanID() != spanID(6) })
				require.Equal(t, want, td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw())
			})
		}
	}
}

// Events and links share as spans do; their lists do not.
func TestSharedValuesOfEventsAndLinksAreNotSeenThrough(t *testing.T) {
	body := "[["
	for id := 2; id <= 6; id++ {
		body += fmt.Sprintf(`{"trace_id":1,"span_id":%d,"service":"s","name":"n","error":1,"meta":{"error.type":"E","error.message":"m",`+
			`"events":"[{\"name\":\"e\",\"attributes\":{\"n\":1,\"a\":\"x\",\"a\":\"y\",\"list\":[1,2]}}]",`+
			`"_dd.span_links":"[{\"trace_id\":\"7\",\"span_id\":\"8\",\"attributes\":{\"k\":\"v\"}}]"}},`, id)
	}
	spans, _, _ := decodeJSON(t, Both, strings.TrimSuffix(body, ",")+"]]")
	maps := func(span ptrace.Span) []pcommon.Map {
		return []pcommon.Map{span.Events().At(0).Attributes(), span.Events().At(1).Attributes(), span.Links().At(0).Attributes()}
	}
	want := []map[string]any{
		{"n": int64(1), "a": "y", "list": []any{int64(1), int64(2)}},
		{"exception.type": "E", "exception.message": "m"},
		{"k": "v"},
	}
	for i, m := range maps(spans[5]) {
		require.Equal(t, want[i], m.AsRaw())
		for _, v := range m.All() {
			if v.Type() == pcommon.ValueTypeSlice {
				v.Slice().At(0).SetStr("changed")
			} else {
				v.SetStr("changed")
			}
		}
		m.PutStr("new", "x")
	}
	for _, id := range []uint64{2, 3, 4, 6} {
		for i, m := range maps(spans[id]) {
			require.Equal(t, want[i], m.AsRaw())
		}
	}
}

func TestNothingIsSharedWhenPdataPools(t *testing.T) {
	require.True(t, newShared().on, "the gate is known and off")
	boxsharetest.SetPooling(t, true)
	require.False(t, newShared().on)
}

func spanID(n byte) pcommon.SpanID { return pcommon.SpanID{7: n} }
