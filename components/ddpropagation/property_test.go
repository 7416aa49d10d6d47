package ddpropagation

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/valyala/fastjson"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// Few values, so that they meet, agree and contradict one another.
var (
	someUppers = []string{zeros, zeros, zeros, tidA, tidB}
	someLowers = []string{low1, low2, "0000000000000007", zeros}
	someTIDs   = []string{"", "", "", tidA, tidA, tidB, "6A70AA9500000000", zeros, "x"}
	someIDs    = []any{hexTrace, zeros + lowerHex, traceDec, trace128, otelTrace, lowerHex, "0", "", "x", int64(7), int64(-3), 7.0, 1e18, true, nil,
		map[string]any{"trace_id": hexTrace, "span_id": spanDec}, spanDec, spanHex, "1234567812345678"}
	someKeys = []string{"dd.trace_id", "dd.span_id", "trace_id", "span_id", "dd", "mdc.dd.trace_id", "mdc.dd.span_id", "mdc", "contextMap.dd", "record",
		"dd_trace_id", "dd_span_id", "", "dd.service"}
	someBodies = []string{"", "hi", "[dd.trace_id=" + traceDec + " dd.span_id=" + spanDec + "]", `{"dd":{"trace_id":"` + hexTrace + `","span_id":"` + spanDec + `"}}`,
		`{"dd.trace_id":18446744073709551615}`, "dd.trace_id=1 dd.trace_id=2"}
)

// A quarter of the seeds finds what a change breaks; all of them are for a night.
var long = flag.Bool("long", false, "run the properties over four times as many inputs")

func seeds(n uint64) uint64 {
	if *long {
		return n
	}
	return n / 4
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func traceConfigs() map[string]*Config {
	with := func(change func(*Config)) *Config {
		cfg := createDefaultConfig().(*Config)
		change(cfg)
		return cfg
	}
	return map[string]*Config{
		"default":        with(func(*Config) {}),
		"no cache":       with(func(c *Config) { c.TraceIDCache.Enabled = false }),
		"tids removed":   with(func(c *Config) { c.Traces.KeepAttributes = false }),
		"logs share":     with(func(c *Config) { c.TraceIDCache.ShareWithLogs = true }),
		"everything":     with(func(c *Config) { c.Traces.Tracestate, c.Traces.SampledFlag = tracestateUpsert, true }),
		"only the links": with(func(c *Config) { c.Traces.TraceID128 = false }),
	}
}

func randomTraces(t testing.TB, r *rand.Rand) ptrace.Traces {
	td := ptrace.NewTraces()
	for i := range 1 + r.IntN(12) {
		span := addSpan(t, td, pick(r, someUppers)+pick(r, someLowers), pick(r, someTIDs))
		span.SetName(fmt.Sprint(i)) // who is who after shuffling
		if r.IntN(3) == 0 {
			link := span.Links().AppendEmpty()
			link.SetTraceID(traceIDOf(t, pick(r, someUppers)+pick(r, someLowers)))
			link.SetSpanID(spanIDOf(t, "00000000000000aa"))
		}
		if r.IntN(3) == 0 {
			span.Attributes().PutStr(spanLinksKey, pick(r, []string{
				`[{"trace_id":"` + low1 + `","span_id":"00000000000000aa"},{"trace_id":"` + tidA + low1 + `","span_id":"00000000000000aa"}]`,
				`[{"trace_id":"` + tidB + low2 + `","span_id":"00000000000000ab","attributes":{"a":"b"}},{}]`, `{`}))
		}
		if r.IntN(3) == 0 {
			span.Attributes().PutDouble("_sampling_priority_v1", float64(r.IntN(4)-1))
			span.Attributes().PutStr("_dd.p.dm", "-4")
		}
	}
	return td
}

// Twice is once, the order in a batch does not matter, and an upper half comes from the batch or not at all.
func TestTracesProperties(t *testing.T) {
	for name, cfg := range traceConfigs() {
		t.Run(name, func(t *testing.T) {
			for seed := range seeds(400) {
				r := rand.New(rand.NewPCG(seed, 1))
				before := randomTraces(t, r)

				p := oursTraces(t, cfg)
				once := copyTraces(before)
				require.NoError(t, p.ConsumeTraces(t.Context(), once))
				twice := copyTraces(once)
				require.NoError(t, p.ConsumeTraces(t.Context(), twice))
				require.Equal(t, tracesJSON(t, once), tracesJSON(t, twice), "seed %d: the same processor again", seed)
				require.NoError(t, oursTraces(t, cfg).ConsumeTraces(t.Context(), twice))
				require.Equal(t, tracesJSON(t, once), tracesJSON(t, twice), "seed %d: another processor behind it", seed)

				shuffled := ptrace.NewTraces()
				for _, i := range r.Perm(before.ResourceSpans().Len()) {
					before.ResourceSpans().At(i).CopyTo(shuffled.ResourceSpans().AppendEmpty())
				}
				require.NoError(t, oursTraces(t, cfg).ConsumeTraces(t.Context(), shuffled))
				require.Equal(t, spansByName(once), spansByName(shuffled), "seed %d: another order", seed)

				checkUppers(t, spansByName(before), spansByName(once))
			}
		})
	}
}

// checkUppers compares ids before and after: lower halves and whole ids stay, and what was added had been said.
func checkUppers(t *testing.T, before, after map[string]ptrace.Span) {
	said := map[[2]uint64]bool{}
	for _, span := range before {
		upper, lower := ddcontext.SplitTraceID(span.TraceID())
		said[[2]uint64{upper, lower}] = true
		if v, ok := span.Attributes().Get(tidKey); ok {
			if tid, ok := ddcontext.ParseTID(v.Str()); ok {
				said[[2]uint64{tid, lower}] = true
			}
		}
	}
	for name, span := range after {
		upperBefore, lowerBefore := ddcontext.SplitTraceID(before[name].TraceID())
		upper, lower := ddcontext.SplitTraceID(span.TraceID())
		require.Equal(t, lowerBefore, lower)
		if upperBefore != 0 {
			require.Equal(t, upperBefore, upper)
		}
		require.True(t, said[[2]uint64{upper, lower}], "%x%x was guessed", upper, lower)
	}
}

// What logs hear through the shared cache depends on what spans said, not on the order of their batches: the upper half when all agree,
// nothing when two were said.
func TestSharedCacheDoesNotDependOnTheOrderOfBatches(t *testing.T) {
	outcomes := map[bool]int{}
	for seed := range seeds(200) {
		r := rand.New(rand.NewPCG(seed, 3))
		spans := randomTraces(t, r).ResourceSpans()
		want := uppersSaid(spans)
		for range 3 {
			cfg := createDefaultConfig().(*Config)
			cfg.TraceIDCache.ShareWithLogs = true
			c := newCollector(t, cfg)
			traces, logs := c.traces(t), c.logs(t)
			for _, i := range r.Perm(spans.Len()) {
				td := ptrace.NewTraces()
				spans.At(i).CopyTo(td.ResourceSpans().AppendEmpty())
				require.NoError(t, traces.ConsumeTraces(t.Context(), td))
			}
			for lower, uppers := range want {
				upper := uint64(0)
				if len(uppers) == 1 {
					upper = slices.Collect(maps.Keys(uppers))[0]
				}
				outcomes[upper != 0]++
				ld, record := oneRecord()
				record.Attributes().PutStr(logTraceIDKey, strconv.FormatUint(lower, 10))
				for range 2 { // twice is once
					require.NoError(t, logs.ConsumeLogs(t.Context(), ld))
					require.Equal(t, pcommon.TraceID(ddcontext.JoinTraceID(upper, lower)), record.TraceID(), "seed %d: %v were said", seed, uppers)
				}
			}
		}
	}
	require.Greater(t, outcomes[true], 12, "too few agree")
	require.Greater(t, outcomes[false], 12, "too few contradict one another")
}

// uppersSaid lists the upper halves that spans claim for each lower half, in their ids or in their tids.
func uppersSaid(spans ptrace.ResourceSpansSlice) map[uint64]map[uint64]bool {
	said := map[uint64]map[uint64]bool{}
	say := func(lower, upper uint64) {
		if said[lower] == nil {
			said[lower] = map[uint64]bool{}
		}
		if upper != 0 {
			said[lower][upper] = true
		}
	}
	for _, rs := range spans.All() {
		span := rs.ScopeSpans().At(0).Spans().At(0)
		upper, lower := ddcontext.SplitTraceID(span.TraceID())
		if lower == 0 {
			continue
		}
		say(lower, upper)
		if v, ok := span.Attributes().Get(tidKey); ok {
			if tid, ok := ddcontext.ParseTID(v.Str()); ok {
				say(lower, tid)
			}
		}
	}
	return said
}

func spansByName(td ptrace.Traces) map[string]ptrace.Span {
	spans := map[string]ptrace.Span{}
	for _, rs := range td.ResourceSpans().All() {
		span := rs.ScopeSpans().At(0).Spans().At(0)
		spans[span.Name()] = span
	}
	return spans
}

func copyTraces(td ptrace.Traces) ptrace.Traces {
	out := ptrace.NewTraces()
	td.CopyTo(out)
	return out
}

func copyLogs(ld plog.Logs) plog.Logs {
	out := plog.NewLogs()
	ld.CopyTo(out)
	return out
}

// logsJSON writes logs down, so that an empty list of attributes equals none.
func logsJSON(t testing.TB, ld plog.Logs) string {
	raw, err := new(plog.JSONMarshaler).MarshalLogs(ld)
	require.NoError(t, err)
	return string(raw)
}

func tracesJSON(t testing.TB, td ptrace.Traces) string {
	raw, err := new(ptrace.JSONMarshaler).MarshalTraces(td)
	require.NoError(t, err)
	return string(raw)
}

func logConfigs() map[string]*Config {
	with := func(change func(*Config)) *Config {
		cfg := createDefaultConfig().(*Config)
		change(cfg)
		return cfg
	}
	return map[string]*Config{
		"default":            with(func(*Config) {}),
		"attributes removed": with(func(c *Config) { c.Logs.KeepAttributes = false }),
		"overwrite":          with(func(c *Config) { c.Logs.OverwriteExisting = true }),
		"to datadog":         with(func(c *Config) { c.Mode = modeToDatadog }),
		"to datadog, 64-bit": with(func(c *Config) { c.Mode, c.Logs.Format = modeToDatadog, formatDecimal64 }),
	}
}

func randomLogs(t testing.TB, r *rand.Rand) plog.Logs {
	ld, record := oneRecord()
	for range r.IntN(5) {
		require.NoError(t, record.Attributes().PutEmpty(pick(r, someKeys)).FromRaw(pick(r, someIDs)))
	}
	record.Body().SetStr(pick(r, someBodies))
	if r.IntN(4) == 0 {
		record.SetTraceID(traceIDOf(t, pick(r, []string{hexTrace, zeros + lowerHex, otelTrace})))
	}
	if r.IntN(4) == 0 {
		record.SetSpanID(spanIDOf(t, pick(r, []string{spanHex, otelSpan})))
	}
	return ld
}

// Twice is once, the order of attributes does not matter, bodies stay, and what the record said stays.
func TestLogsProperties(t *testing.T) {
	for name, cfg := range logConfigs() {
		t.Run(name, func(t *testing.T) {
			p := oursLogs(t, cfg)
			for seed := range seeds(4000) {
				r := rand.New(rand.NewPCG(seed, 2))
				before := randomLogs(t, r)
				once := copyLogs(before)
				require.NoError(t, p.ConsumeLogs(t.Context(), once))
				twice := copyLogs(once)
				require.NoError(t, p.ConsumeLogs(t.Context(), twice))
				require.Equal(t, logsJSON(t, once), logsJSON(t, twice), "seed %d", seed)

				shuffled := copyLogs(before)
				attrs := onlyRecord(shuffled).Attributes()
				attrs.Clear()
				keys := []string{}
				for key := range onlyRecord(before).Attributes().All() {
					keys = append(keys, key)
				}
				r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
				for _, key := range keys {
					v, _ := onlyRecord(before).Attributes().Get(key)
					v.CopyTo(attrs.PutEmpty(key))
				}
				require.NoError(t, p.ConsumeLogs(t.Context(), shuffled))
				was, is, other := onlyRecord(before), onlyRecord(once), onlyRecord(shuffled)
				require.Equal(t, is.TraceID(), other.TraceID(), "seed %d", seed)
				require.Equal(t, is.SpanID(), other.SpanID(), "seed %d", seed)
				require.Equal(t, is.Attributes().AsRaw(), other.Attributes().AsRaw(), "seed %d", seed)

				require.Equal(t, was.Body(), is.Body())
				if cfg.Logs.KeepAttributes && cfg.Mode == modeToW3C {
					require.Equal(t, was.Attributes(), is.Attributes())
				}
				if !cfg.Logs.OverwriteExisting {
					checkRecord(t, was, is)
				}
			}
		})
	}
}

func checkRecord(t *testing.T, was, is plog.LogRecord) {
	if !was.SpanID().IsEmpty() {
		require.Equal(t, was.SpanID(), is.SpanID())
	}
	upperWas, lowerWas := ddcontext.SplitTraceID(was.TraceID())
	upper, lower := ddcontext.SplitTraceID(is.TraceID())
	if lowerWas != 0 {
		require.Equal(t, lowerWas, lower)
	}
	if upperWas != 0 {
		require.Equal(t, upperWas, upper)
	}
}

func onlyRecord(ld plog.Logs) plog.LogRecord {
	return ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
}

func FuzzLogBody(f *testing.F) {
	for _, body := range someBodies {
		f.Add(body)
	}
	f.Add(`{"dd":{"trace_id":"\u0031"},"message":"dd.trace_id=1"}`)
	p := oursLogs(f, createDefaultConfig().(*Config))
	f.Fuzz(func(t *testing.T, body string) {
		ld, record := oneRecord()
		record.Body().SetStr(body)
		require.NoError(t, p.ConsumeLogs(t.Context(), ld))
		require.Equal(t, body, record.Body().Str())
		require.Zero(t, record.Attributes().Len())
		require.False(t, record.TraceID().IsEmpty() && !record.SpanID().IsEmpty(), "a span without its trace")
		twice := copyLogs(ld)
		require.NoError(t, p.ConsumeLogs(t.Context(), twice))
		require.Equal(t, logsJSON(t, ld), logsJSON(t, twice))
	})
}

func FuzzLogAttributes(f *testing.F) {
	for _, id := range someIDs {
		if text, ok := id.(string); ok {
			f.Add("dd.trace_id", text, "dd.span_id", spanDec, int64(1), 1.0)
		}
	}
	var ps []processor.Logs
	for _, cfg := range logConfigs() {
		p := oursLogs(f, cfg)
		ps = append(ps, p)
	}
	f.Fuzz(func(t *testing.T, key1, text1, key2, text2 string, number int64, real float64) {
		for _, p := range ps {
			ld, record := oneRecord()
			record.Attributes().PutStr(key1, text1)
			record.Attributes().PutStr(key2, text2)
			record.Attributes().PutEmptyMap("mdc").PutInt("dd.trace_id", number)
			record.Attributes().PutEmptyMap("dd_trace_id").PutDouble(key1, real)
			require.NoError(t, p.ConsumeLogs(t.Context(), ld))
			twice := copyLogs(ld)
			require.NoError(t, p.ConsumeLogs(t.Context(), twice))
			require.Equal(t, logsJSON(t, ld), logsJSON(t, twice))
		}
	})
}

func FuzzSpanAttributes(f *testing.F) {
	f.Add(tidA, `[{"trace_id":"`+low1+`","span_id":"00000000000000aa","attributes":{"a":1.5},"flags":-1}]`, "synthetics~;=web,z", "_dd.p.dm", "-4", "dd=s:1;o:rum,a=b")
	cfg := traceConfigs()["everything"]
	f.Fuzz(func(t *testing.T, tid, links, origin, tagKey, tagValue, state string) {
		p, err := newTraceProcessor(newCollector(t, cfg).set, cfg, nil)
		require.NoError(t, err)
		td := ptrace.NewTraces()
		span := addSpan(t, td, zeros+low1, "")
		span.Attributes().PutStr(tidKey, tid)
		span.Attributes().PutStr(spanLinksKey, links)
		span.Attributes().PutStr(originKey, origin)
		span.Attributes().PutStr(tagKey, tagValue)
		span.TraceState().FromRaw(state)
		before := pcommon.NewMap()
		span.Attributes().CopyTo(before)

		_, err = p.processTraces(t.Context(), td)
		require.NoError(t, err)
		require.Equal(t, before, span.Attributes())
		twice := copyTraces(td)
		_, err = p.processTraces(t.Context(), twice)
		require.NoError(t, err)
		require.Equal(t, tracesJSON(t, td), tracesJSON(t, twice))
	})
}

// A JSON body gives what encoding/json finds in it, number by number.
func FuzzJSONField(f *testing.F) {
	for _, body := range []string{`{"dd.trace_id":"1"}`, `{"dd":{"trace_id":18446744073709551615}}`, `{"dd.trace_id":1e3,"dd":{"trace_id":2}}`,
		`{"dd":{"trace_id":"1"},"dd":{}}`, `{"dd.trace_id":null}`, `{"dd.trace_id":-1.5}`, `{"dd.trace_id":"\u0031\ud800"}`, `{"dd.trace_id":1e400}`} {
		f.Add(body)
	}
	finder := newFinder([]Source{{TraceID: "dd.trace_id"}})
	f.Fuzz(func(t *testing.T, body string) {
		var want map[string]any
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if !json.Valid([]byte(body)) || decoder.Decode(&want) != nil || want == nil || !utf8.ValidString(body) {
			return // no JSON object
		}
		doc, err := new(fastjson.Parser).Parse(body)
		if err != nil {
			require.ErrorContains(t, err, "depth")
			return
		}
		members, err := doc.Object()
		require.NoError(t, err)
		gotID, got := finder.scanJSON(members)[0].traceID(ddid.DatadogKey)
		wantID, wanted := referenceField(want).traceID(ddid.DatadogKey)
		require.Equal(t, wanted, got)
		require.Equal(t, wantID, gotID)
	})
}

func referenceField(doc map[string]any) field {
	v, ok := doc["dd.trace_id"]
	if inner, isMap := doc["dd"].(map[string]any); !ok && isMap {
		v = inner["trace_id"]
	}
	switch v := v.(type) {
	case string:
		return textOf(v)
	case json.Number:
		return numberOf(v.String())
	case nil:
		return field{}
	}
	return field{kind: refusedField, refused: invalid}
}
