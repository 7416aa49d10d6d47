package tagtruncate

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/tagtruncate/internal/metadata"
)

func newTestTruncator(t testing.TB, change func(*Config)) *truncator {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	p, err := newTruncator(processortest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	return p
}

// Found in review: such a key was reported as cut, and its map made anew.
func TestAKeyOfManyBytesAndFewRunesFits(t *testing.T) {
	p := newTestTruncator(t, func(c *Config) { c.Span.MaxKey, c.ReportAttribute = 4, "cut" })
	span := ptrace.NewSpan()
	span.Attributes().PutStr("日本語", "x")
	var done tally
	p.limitSpan(span, &done, &keyList{name: "cut"})
	require.Equal(t, map[string]any{"日本語": "x"}, span.Attributes().AsRaw())
	require.False(t, done.dirty)
}

func TestAReportedKeyIsShortAndValid(t *testing.T) {
	p := newTestTruncator(t, func(c *Config) {
		c.ReportAttribute = "cut"
		c.Rules["x*"] = Rule{Action: actionDrop}
	})
	span := ptrace.NewSpan()
	span.Attributes().PutStr("x\xff"+strings.Repeat("y", 1<<20), "")
	p.limitSpan(span, new(tally), &keyList{name: "cut"})
	require.Equal(t, map[string]any{"cut": []any{"x\uFFFD" + strings.Repeat("y", longestNote-2)}}, span.Attributes().AsRaw())
}

func TestADeepValueOfBytesBecomesText(t *testing.T) {
	p := newTestTruncator(t, func(c *Config) { c.Span.MaxDepth, c.Span.MaxValue = 1, 8 })
	span := ptrace.NewSpan()
	inner := span.Attributes().PutEmptyMap("m").PutEmptyMap("inner")
	// The key alone is longer than what is kept; the bytes behind it must not matter.
	inner.PutEmptyBytes(strings.Repeat("k", 100)).FromRaw([]byte("abc"))
	var done tally
	p.limitSpan(span, &done, nil)
	require.Equal(t, map[string]any{"m": map[string]any{"inner": `{"kkkkkk`}}, span.Attributes().AsRaw())
}

// FuzzSpan holds a whole span, of attributes the fuzzer makes, to the promises:
// limits hold at any depth, protected attributes are untouched, what was
// removed is counted, and twice is once.
func FuzzSpan(f *testing.F) {
	f.Add([]byte("key\x00a value that is long\x01_dd.p\x00protected value\x02nested\x03\x04"), uint8(7))
	f.Add([]byte("\xff\xfe\x00\xff\x01a.very.long.key\x00x\x01a.very.long.kez\x00y"), uint8(255))
	f.Fuzz(func(t *testing.T, data []byte, flags uint8) {
		p := newTestTruncator(t, func(c *Config) {
			c.Span.Limits = Limits{MaxValue: 9, MaxKey: 7, MaxAttributes: 5, MaxElements: 3, MaxDepth: 2}
			c.Span.MaxName = 6
			c.Rules = map[string]Rule{"d*": {Action: actionDrop}, "h*": {Action: actionHash}, "q*": {StripQuery: true}, "l*": {MaxValue: 12}}
			c.InvalidUTF8 = utf8RepairAll
			if flags&1 != 0 {
				c.Unit = unitBytes
			}
			if flags&2 != 0 {
				c.Boundary = boundaryGrapheme
			}
			if flags&4 != 0 {
				c.Marker = "..."
			}
			c.MarkerInside = flags&8 == 0
			if flags&16 != 0 {
				c.ReportAttribute = "cut"
			}
		})
		span := ptrace.NewSpan()
		grow(span.Attributes(), &data, 0)
		span.SetName(string(data))
		before := ptrace.NewSpan()
		span.CopyTo(before)

		var report *keyList
		if p.reportAs != "" {
			report = &keyList{name: p.reportAs}
		}
		var done tally
		p.limitSpan(span, &done, report)

		reports := 0
		for k, v := range span.Attributes().All() {
			what := p.span.ruleSet.look(k)
			if report != nil && k == p.reportAs {
				reports = 1
				continue
			}
			if !what.protected {
				requireWithin(t, p, k, "", -1)
			}
			switch was, found := before.Attributes().Get(k); {
			case what.protected && found:
				require.Equal(t, was, v, "protected %q", k)
			case what.drop:
				require.False(t, found, "%q is dropped", k)
			case what.hash:
				require.True(t, isHash(v.Str()) || !found)
			default:
				requireValueWithin(t, p, v, max(9, what.maxValue), 0)
			}
		}
		require.LessOrEqual(t, span.Attributes().Len(), 5)
		var dropped int64
		for r := attributeCount; r < itemCount; r++ {
			dropped += done.n[inSpan][r]
		}
		gone := int64(before.Attributes().Len()) - int64(span.Attributes().Len()-reports)
		require.EqualValues(t, gone, span.DroppedAttributesCount())
		require.GreaterOrEqual(t, dropped, gone, "nested entries that met under one key are counted too")

		once := ptrace.NewSpan()
		span.CopyTo(once)
		p.limitSpan(span, new(tally), report)
		require.Equal(t, once.Attributes().AsRaw(), span.Attributes().AsRaw(), "twice is once")
		require.Equal(t, once.Name(), span.Name())
		require.Equal(t, once.DroppedAttributesCount(), span.DroppedAttributesCount())
	})
}

// grow makes attributes of data: 0 ends a key, 1 a string, 2 opens a map, 3 a
// slice, 4 closes.
func grow(m pcommon.Map, data *[]byte, depth int) {
	for len(*data) > 0 && m.Len() < 12 {
		key, kind := take(data)
		switch {
		case kind == 4 && depth > 0:
			return
		case kind == 2 && depth < 5:
			grow(m.PutEmptyMap(key), data, depth+1)
		case kind == 3:
			s := m.PutEmptySlice(key)
			for len(*data) > 0 && s.Len() < 6 {
				text, kind := take(data)
				s.AppendEmpty().SetStr(text)
				if kind == 4 {
					break
				}
			}
		default:
			text, _ := take(data)
			m.PutStr(key, text)
		}
	}
}

func take(data *[]byte) (string, byte) {
	for i, c := range *data {
		if c < 5 {
			text := string((*data)[:i])
			*data = (*data)[i+1:]
			return text, c
		}
	}
	text := string(*data)
	*data = nil
	return text, 1
}

func requireValueWithin(t *testing.T, p *truncator, v pcommon.Value, limit, depth int) {
	t.Helper()
	switch v.Type() {
	case pcommon.ValueTypeStr:
		requireWithin(t, p, "", v.Str(), limit)
	case pcommon.ValueTypeMap:
		require.Less(t, depth, 2)
		require.LessOrEqual(t, v.Map().Len(), 3)
		for k, inner := range v.Map().All() {
			if !p.span.ruleSet.look(k).protected {
				requireWithin(t, p, k, "", -1)
			}
			requireValueWithin(t, p, inner, limit, depth+1)
		}
	case pcommon.ValueTypeSlice:
		require.Less(t, depth, 2)
		require.LessOrEqual(t, v.Slice().Len(), 3)
		for _, inner := range v.Slice().All() {
			requireValueWithin(t, p, inner, limit, depth+1)
		}
	}
}

func requireWithin(t *testing.T, p *truncator, key, text string, limit int) {
	t.Helper()
	require.LessOrEqual(t, p.cutter.units(key), 7, "%q", key)
	require.True(t, utf8.ValidString(key) && utf8.ValidString(text), fmt.Sprintf("%q %q", key, text))
	if limit >= 0 {
		if p.cutter.marker != "" && !p.cutter.markerInside {
			limit += p.cutter.markerSize
		}
		require.LessOrEqual(t, p.cutter.units(text), limit, "%q", text)
	}
}

// Cut, the statistics that dd_stats puts there could not be read by the exporter.
func TestWhatComponentsHandOneAnotherIsNeverCut(t *testing.T) {
	p := newTestTruncator(t, func(c *Config) { c.Protected, c.Span.MaxValue = nil, 100 })
	span := ptrace.NewSpan()
	payload := make([]byte, 2<<20)
	span.Attributes().PutEmptyBytes("dd.internal.stats.payload").FromRaw(payload)
	span.Attributes().PutStr("dd.internal.text", strings.Repeat("x", 2<<20))
	var done tally
	p.limitSpan(span, &done, &keyList{name: "cut"})
	v, _ := span.Attributes().Get("dd.internal.stats.payload")
	require.Equal(t, len(payload), v.Bytes().Len())
	text, _ := span.Attributes().Get("dd.internal.text")
	require.Len(t, text.Str(), 2<<20)
}
