package enrich

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

func attrsOf(t *testing.T, raw map[string]any) pcommon.Map {
	t.Helper()
	attrs := pcommon.NewMap()
	require.NoError(t, attrs.FromRaw(raw))
	return attrs
}

// An agent links by the log's own id, a gateway knows the span: that is said. What
// an agent knew for certain stands.
func TestALaterHopSaysMoreButNeverLess(t *testing.T) {
	t.Parallel()
	byID := map[string]any{AttrLinked: true, AttrMethod: "id"}
	bySpan := map[string]any{AttrLinked: true, AttrMethod: "span"}
	for _, c := range []struct {
		had  map[string]any
		now  index.Method
		want map[string]any
	}{
		{nil, index.MethodID, byID},
		{byID, index.MethodSpan, bySpan},
		{bySpan, index.MethodID, bySpan},
		{bySpan, index.MethodTrace, bySpan},
		{map[string]any{AttrLinked: false, AttrMissReason: "not_found"}, index.MethodSpan, bySpan},
		{map[string]any{AttrLinked: "false"}, index.MethodSpan, bySpan},
		{map[string]any{AttrLinked: "TRUE"}, index.MethodSpan, map[string]any{AttrLinked: true}},
	} {
		attrs := attrsOf(t, c.had)
		MarkLinked(attrs, &index.Found{Method: c.now})
		require.Equal(t, c.want, attrs.AsRaw(), "%v", c.had)
	}
}

func TestAMissIsSaidUnlessSomethingWasSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ had, want map[string]any }{
		{nil, map[string]any{AttrLinked: false, AttrMissReason: "expired"}},
		{map[string]any{AttrLinked: true}, map[string]any{AttrLinked: true}},
		{map[string]any{AttrLinked: "False"}, map[string]any{AttrLinked: false}},
		{map[string]any{AttrLinked: 7}, map[string]any{AttrLinked: false, AttrMissReason: "expired"}},
	} {
		attrs := attrsOf(t, c.had)
		MarkMissed(attrs, index.Expired)
		require.Equal(t, c.want, attrs.AsRaw(), "%v", c.had)
	}
}

func TestConfirmedIsWhatAnEarlierHopKnew(t *testing.T) {
	t.Parallel()
	require.True(t, Confirmed(attrsOf(t, map[string]any{AttrLinked: true, AttrMethod: "span"})))
	require.True(t, Confirmed(attrsOf(t, map[string]any{AttrLinked: "true"})), "the application itself")
	require.False(t, Confirmed(attrsOf(t, map[string]any{AttrLinked: true, AttrMethod: "id"})))
	require.False(t, Confirmed(attrsOf(t, map[string]any{AttrLinked: false})))
	require.False(t, Confirmed(attrsOf(t, nil)))
}

func TestOnlyABooleanSaysNotSampled(t *testing.T) {
	t.Parallel()
	require.True(t, SampledOut(attrsOf(t, map[string]any{AttrSampled: false})))
	require.False(t, SampledOut(attrsOf(t, map[string]any{AttrSampled: true})))
	require.False(t, SampledOut(attrsOf(t, map[string]any{AttrSampled: "false"})))
	require.False(t, SampledOut(attrsOf(t, nil)))
}
