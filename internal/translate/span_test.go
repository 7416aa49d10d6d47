package translate

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

var now = time.Unix(1_800_000_000, 0)

// one translates one span that fill fills.
func one(t *Translator, fill func()) ptrace.Span {
	t.Begin()
	t.Span.SpanID, t.Span.Start = 1, uint64(now.UnixNano())
	fill()
	out := ptrace.NewSpan()
	t.Write(out, func() time.Time { return now }, 0)
	return out
}

func addText(t *Translator, key, value string) {
	t.Add(StringAttr(t.Values.Text(key), t.Values.Text(value)))
}

func TestTimesThatCanNotBeAreRepaired(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	for _, tc := range []struct {
		start    uint64
		duration int64
		from, to time.Duration // from now
	}{
		{uint64(now.UnixNano()), 5, 0, 5},
		{uint64(now.UnixNano()), -5, 0, 0},
		{uint64(now.UnixNano()), math.MaxInt64, 0, 0},
		{5, 1000, -1000, 0},
		{5, math.MaxInt64, 0, 0},
	} {
		span := one(tr, func() { tr.Span.Start, tr.Span.Duration = tc.start, tc.duration })
		require.Equal(t, tc.from, span.StartTimestamp().AsTime().Sub(now), "%+v", tc)
		require.Equal(t, tc.to, span.EndTimestamp().AsTime().Sub(now), "%+v", tc)
	}
}

func TestOnlyAFailedSpanHasAnExceptionEvent(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	for failed, events := range map[bool]int{true: 1, false: 0} {
		span := one(tr, func() {
			tr.Span.Failed = failed
			addText(tr, "error.type", "E")
		})
		require.Equal(t, events, span.Events().Len())
	}
	require.Zero(t, one(tr, func() { tr.Span.Failed = true }).Events().Len(), "of which nothing is known")
}

func TestATextThatWouldComeBackAsAnotherStaysAText(t *testing.T) {
	t.Parallel()
	tr := New(Options{Mode: Semantic})
	for text, want := range map[string]any{"200": int64(200), "0": int64(0), "-1": int64(-1), "007": "007", "+1": "+1", "2.0": "2.0", "": ""} {
		span := one(tr, func() { addText(tr, "http.status_code", text) })
		attrs := span.Attributes().AsRaw()
		if number, ok := want.(int64); ok {
			require.Equal(t, map[string]any{"http.response.status_code": number}, attrs)
			continue
		}
		require.Equal(t, map[string]any{"http.status_code": want}, attrs)
	}
}

func TestASpanThatSaysSomethingElseOfItsProcessKeepsIt(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	require.Empty(t, one(tr, func() { addText(tr, "language", "go") }).Attributes().AsRaw())
	require.Empty(t, one(tr, func() { addText(tr, "language", "go") }).Attributes().AsRaw())
	require.Equal(t, map[string]any{"language": "c"}, one(tr, func() { addText(tr, "language", "c") }).Attributes().AsRaw())
	require.Equal(t, "go", tr.Values.String(tr.Process.Language))
	tr.Reset(0)
	require.Equal(t, Process{}, tr.Process)
}

func TestTheUpperHalfOfALinkMayComeBeforeTheLower(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	for _, text := range []string{`[{"trace_id_high":9,"trace_id":7,"span_id":5}]`, `[{"trace_id":7,"trace_id_high":9,"span_id":5}]`} {
		span := one(tr, func() { addText(tr, "_dd.span_links", text) })
		require.Equal(t, "00000000000000090000000000000007", span.Links().At(0).TraceID().String())
	}
}

func TestTheLastOfManyAttributesOfALinkCounts(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	for _, n := range []int{3, 40} {
		span := one(tr, func() {
			for i := range n {
				tr.Related.Attr(IntAttr(tr.Values.Text(fmt.Sprint("k", i%(n-1))), int64(i)))
			}
			require.True(t, tr.Related.Link(Link{Low: 1, SpanID: 1}))
		})
		attrs := span.Links().At(0).Attributes()
		require.Equal(t, n-1, attrs.Len())
		require.EqualValues(t, n-1, attrs.AsRaw()["k0"])
	}
}

// In v0.5 and v1.0 any number of spans can refer to one text.
func TestWhatIsReadOfTextsIsInProportionToThePayload(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	tr.Reset(100)
	text := `[{"trace_id":7,"span_id":5,"x":"` + strings.Repeat("x", 40<<10) + `"}]`
	y := tr.Values.Text(text)
	add := func() { tr.Add(StringAttr(kLinks, y)) }
	require.Equal(t, 1, one(tr, add).Links().Len())
	second := one(tr, add)
	require.Zero(t, second.Links().Len())
	require.Equal(t, map[string]any{"_dd.span_links": text}, second.Attributes().AsRaw(), "the rest stays text")
	require.Equal(t, 1, tr.BadLinks)
}

func TestKeepLastKeepsTheLast(t *testing.T) {
	t.Parallel()
	tr := New(Options{})
	span := one(tr, func() { addText(tr, "events", `[{"name":"e","attributes":{"o":{"a":1,"b":2,"a":3}}}]`) })
	require.Equal(t, map[string]any{"o": map[string]any{"a": int64(3), "b": int64(2)}}, span.Events().At(0).Attributes().AsRaw())
	o, _ := span.Events().At(0).Attributes().Get("o")
	require.Equal(t, 2, o.Map().Len())
}

func TestNamesOfTheTableAreThoseOfTheSwitch(t *testing.T) {
	t.Parallel()
	values := NewValues()
	for y := intern.Sym(1); y < numKnown; y++ {
		require.NotEmpty(t, values.String(y), y)
		found, ok := values.Name(values.String(y))
		require.True(t, ok)
		require.Equal(t, y, found, "two names are spelled %q", values.String(y))
	}
}
