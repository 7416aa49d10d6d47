package decode

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbersInJSONTags(t *testing.T) {
	for text, want := range map[string]any{
		"0": int64(0), "-0": int64(0), "-7": int64(-7), "1795165421275000000": int64(1795165421275000000),
		"9223372036854775807": int64(math.MaxInt64), "-9223372036854775808": int64(math.MinInt64),
		"9223372036854775808": float64(1 << 63), "-9223372036854775809": -float64(1 << 63), "9999999999999999999": 1e19,
		"18446744073709551615": float64(math.MaxUint64), "100000000000000000000": 1e20,
		"1.5": 1.5, "-1.5e-3": -0.0015, "1E3": 1000.0, "1e400": nil, "-": nil, "1-": nil, ".": nil, "+1": nil,
	} {
		spans, _, stats := decodeJSON(t, Lossless, `[[{"trace_id":1,"span_id":2,"meta":{"events":"[{\"name\":\"e\",\"attributes\":{\"n\":`+text+`}}]"}}]]`)
		if want == nil {
			require.Equal(t, 1, stats.BadEvents, text)
			require.Contains(t, spans[2].Attributes().AsRaw(), "events", text)
			continue
		}
		require.Equal(t, map[string]any{"n": want}, spans[2].Events().At(0).Attributes().AsRaw(), text)
	}
}

func TestIDsInJSONTags(t *testing.T) {
	for text, want := range map[string]string{
		"7": "0000000000000007", "18446744073709551615": "ffffffffffffffff", `\"18446744073709551615\"`: "ffffffffffffffff",
		`\"66d41929008a21a9\"`: "66d41929008a21a9", "9999999999999999999": "8ac7230489e7ffff",
		"-7": "", "18446744073709551616": "", "7.0": "", "null": "", "[7]": "",
	} {
		spans, _, stats := decodeJSON(t, Lossless, `[[{"trace_id":1,"span_id":2,"meta":{"_dd.span_links":"[{\"trace_id\":\"7\",\"span_id\":`+text+`}]"}}]]`)
		if want == "" {
			require.Equal(t, 1, stats.BadLinks, text)
			continue
		}
		require.Equal(t, want, spans[2].Links().At(0).SpanID().String(), text)
	}
}
