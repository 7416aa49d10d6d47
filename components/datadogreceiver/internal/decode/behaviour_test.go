package decode

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// decodeJSON decodes a v0.4 payload written as JSON, for legible tests.
func decodeJSON(t *testing.T, mode Mode, body string) (map[uint64]ptrace.Span, ptrace.Traces, Stats) {
	t.Helper()
	d := New(Options{Mode: mode, MaxSpans: 100, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
	td, stats, err := d.Decode(V04, []byte(body), Headers{})
	require.NoError(t, err)
	spans := make(map[uint64]ptrace.Span)
	for _, rs := range td.ResourceSpans().All() {
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			id := span.SpanID()
			spans[be(id[:])] = span
		}
	}
	return spans, td, stats
}

func TestUpperHalfOfTheTraceID(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want map[uint64]string
	}{
		"the root comes last": {`[[{"trace_id":1,"span_id":2},{"trace_id":1,"span_id":3,"meta":{"_dd.p.tid":"6b000ced00000000"}}]]`,
			map[uint64]string{2: "6b000ced000000000000000000000001", 3: "6b000ced000000000000000000000001"}},
		"two traces with the same lower half": {`[[{"trace_id":1,"span_id":2,"meta":{"_dd.p.tid":"6b000ced00000000"}}],[{"trace_id":1,"span_id":3,"meta":{"_dd.p.tid":"7b000ced00000000"}}]]`,
			map[uint64]string{2: "6b000ced000000000000000000000001", 3: "7b000ced000000000000000000000001"}},
		"a span's own wins": {`[[{"trace_id":1,"span_id":2,"meta":{"_dd.p.tid":"6b000ced00000000"}},{"trace_id":1,"span_id":3,"meta":{"_dd.p.tid":"7b000ced00000000"}}]]`,
			map[uint64]string{2: "6b000ced000000000000000000000001", 3: "7b000ced000000000000000000000001"}},
		"another trace in the chunk": {`[[{"trace_id":1,"span_id":2,"meta":{"_dd.p.tid":"6b000ced00000000"}},{"trace_id":9,"span_id":3}]]`,
			map[uint64]string{2: "6b000ced000000000000000000000001", 3: "00000000000000000000000000000009"}},
		"no 16 lower-case digits": {`[[{"trace_id":1,"span_id":2,"meta":{"_dd.p.tid":"6B000CED00000000"}},{"trace_id":1,"span_id":3,"meta":{"_dd.p.tid":"6b000ced0000000"}}]]`,
			map[uint64]string{2: "00000000000000000000000000000001", 3: "00000000000000000000000000000001"}},
	} {
		t.Run(name, func(t *testing.T) {
			spans, _, stats := decodeJSON(t, Both, tc.body)
			for id, want := range tc.want {
				require.Equal(t, want, spans[id].TraceID().String())
			}
			if name == "no 16 lower-case digits" {
				require.Equal(t, 2, stats.BadTIDs)
			}
		})
	}
}

func TestBadSpansCostOnlyThemselves(t *testing.T) {
	spans, _, stats := decodeJSON(t, Both, `[[null,{"trace_id":1,"span_id":2},{"trace_id":1,"span_id":3,"start":"soon"},"x",{"span_id":4},{"trace_id":5}],7,
		[{"trace_id":1,"span_id":6,"meta":{"a":[1]}},{"trace_id":1,"span_id":7,"duration":1.5,"name":"n"},{"trace_id":1,"span_id":8,"meta":null,"type":null}]]`)
	require.Len(t, spans, 2)
	require.Contains(t, spans, uint64(2))
	require.Contains(t, spans, uint64(8))
	require.Equal(t, [3]int{1, 5, 2}, stats.Dropped)
}

func TestPriorityReachesEveryResource(t *testing.T) {
	_, td, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"service":"a","metrics":{"_sampling_priority_v1":-1}},{"trace_id":1,"span_id":3,"service":"b"}],
		[{"trace_id":4,"span_id":5,"service":"b"},{"trace_id":4,"span_id":6,"service":"a","metrics":{"_sampling_priority_v1":2}}]]`)
	require.Equal(t, 2, td.ResourceSpans().Len())
	for _, rs := range td.ResourceSpans().All() {
		for i, want := range []float64{-1, 2} {
			span := rs.ScopeSpans().At(0).Spans().At(i)
			v, ok := span.Attributes().Get("_sampling_priority_v1")
			require.True(t, ok)
			require.Equal(t, want, v.Double())
			require.Equal(t, want > 0, span.Flags() == 1)
		}
	}
}

func TestMetaAndMetricsOfOneName(t *testing.T) {
	spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{"http.status_code":"200","x":"1","y":"one"},"metrics":{"http.status_code":200,"x":1,"y":1}},
		{"trace_id":1,"span_id":3,"metrics":{"y":1},"meta":{"y":"one"}}]]`)
	require.Equal(t, map[string]any{"http.response.status_code": int64(200), "x": 1.0, "y": "one", "y.number": 1.0}, spans[2].Attributes().AsRaw())
	require.Equal(t, map[string]any{"y": "one", "y.number": 1.0}, spans[3].Attributes().AsRaw())
}

func TestLinksInEveryEncodingOnce(t *testing.T) {
	native := `"span_links":[{"trace_id":7,"trace_id_high":9,"span_id":5,"attributes":{"a":"b"},"flags":2147483649}]`
	hex := `"[{\"trace_id\":\"00000000000000090000000000000007\",\"span_id\":\"0000000000000005\",\"attributes\":{\"a\":\"b\"},\"flags\":1}]"`
	decimal := `"[{\"trace_id\":7,\"trace_id_high\":9,\"span_id\":5,\"attributes\":{\"a\":\"b\"},\"flags\":1}]"`
	for name, fields := range map[string]string{
		"native": native, "hexadecimal": `"meta":{"_dd.span_links":` + hex + `}`, "decimal": `"meta":{"_dd.span_links":` + decimal + `}`,
		"native and JSON": native + `,"meta":{"_dd.span_links":` + hex + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			spans, _, stats := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,`+fields+`}]]`)
			require.Zero(t, stats.BadLinks)
			require.Equal(t, 1, spans[2].Links().Len())
			link := spans[2].Links().At(0)
			require.Equal(t, "00000000000000090000000000000007", link.TraceID().String())
			require.Equal(t, "0000000000000005", link.SpanID().String())
			require.EqualValues(t, 1, link.Flags())
			require.Equal(t, map[string]any{"a": "b"}, link.Attributes().AsRaw())
			require.NotContains(t, spans[2].Attributes().AsRaw(), "_dd.span_links")
		})
	}
	spans, _, stats := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{"_dd.span_links":"[{","events":"{}"}}]]`)
	require.Equal(t, map[string]any{"_dd.span_links": "[{", "events": "{}"}, spans[2].Attributes().AsRaw(), "what can't be read stays")
	require.Equal(t, 1, stats.BadLinks)
	require.Equal(t, 1, stats.BadEvents)
}

func TestSpanNames(t *testing.T) {
	for _, tc := range []struct{ fields, want string }{
		{`"name":"express.request","resource":"GET /a","type":"web","meta":{"http.method":"GET","http.route":"/a/:id"}`, "GET /a/:id"},
		{`"name":"web.request","resource":"GET /a","meta":{"http.method":"GET"}`, "GET /a"},
		{`"name":"http.request","resource":"whatever","type":"http","meta":{"http.method":"POST"}`, "POST"},
		{`"name":"pg.query","resource":"select * from t","type":"sql"`, "select"},
		{`"name":"redis.command","resource":"GET","type":"redis","meta":{"db.name":"0"}`, "GET 0"},
		{`"name":"pg.query","resource":"(broken","type":"sql","meta":{"db.type":"postgres"}`, "postgres"},
		{`"name":"grpc.client","meta":{"rpc.service":"pkg.Svc","rpc.method":"Do"}`, "pkg.Svc/Do"},
		{`"name":"kafka.consume","meta":{"span.kind":"consumer","kafka.topic":"orders"}`, "process orders"},
		{`"name":"spring.handler","resource":"Orders.get"`, "spring.handler"},
		{`"name":"web.request","type":"web","meta":{"http.method":"GET","http.route":"/` + strings.Repeat("x", 300) + `"}`, "GET"},
		{`"name":"http.request","type":"http","resource":"POST /x","meta":{"http.method":"POST","http.route":"/y"}`, "POST /x"},
	} {
		spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,`+tc.fields+`}]]`)
		require.Equal(t, tc.want, spans[2].Name(), tc.fields)
		spans, _, _ = decodeJSON(t, Lossless, `[[{"trace_id":1,"span_id":2,`+tc.fields+`}]]`)
		operation, _ := spans[2].Attributes().Get("operation.name")
		require.Equal(t, operation.Str(), spans[2].Name(), "lossless keeps the operation name")
	}
}

func TestTimesAreRepaired(t *testing.T) {
	spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"start":5,"duration":1000},{"trace_id":1,"span_id":3,"start":1700000000000000000,"duration":-4}]]`)
	require.Equal(t, time.Unix(1_800_000_000, 0).UTC(), spans[2].EndTimestamp().AsTime())
	require.Equal(t, 1000*time.Nanosecond, spans[2].EndTimestamp().AsTime().Sub(spans[2].StartTimestamp().AsTime()))
	require.Equal(t, spans[3].StartTimestamp(), spans[3].EndTimestamp())
}

// A sending queue cuts chunks, so the decision that a sampler behind it has to obey or to take is on every span. Where priority and rate say it,
// the decision maker is not repeated.
func TestTheSamplingDecisionIsOnEverySpan(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		metrics, meta      string
		priority, dm, rate any // of the spans that do not say it themselves
	}{
		"dropped by a rate":       {`"_sampling_priority_v1":0`, `"_dd.p.dm":"-1","_dd.p.ksr":"0.1"`, 0.0, "-1", nil},
		"dropped by the user":     {`"_sampling_priority_v1":-1`, `"_dd.p.dm":"-4"`, -1.0, "-4", nil},
		"nobody decided":          {`"_sampling_priority_v1":1`, `"_dd.p.dm":"-0"`, 1.0, "-0", nil},
		"nobody says who decided": {`"_sampling_priority_v1":1`, ``, 1.0, nil, nil},
		"no priority":             {``, `"_dd.p.dm":"-0"`, nil, "-0", nil},
		"kept by a rate":          {`"_sampling_priority_v1":1`, `"_dd.p.dm":"-1","_dd.p.ksr":"0.1"`, 1.0, nil, "0.1"},
		"kept by a number":        {`"_sampling_priority_v1":1,"_dd.p.ksr":0.5`, `"_dd.p.dm":"-3"`, 1.0, nil, 0.5},
		"kept by an old tracer":   {`"_sampling_priority_v1":1,"_dd.rule_psr":0.5`, `"_dd.p.dm":"-3"`, 1.0, "-3", nil},
		"kept by the user":        {`"_sampling_priority_v1":2`, `"_dd.p.dm":"-4"`, 2.0, "-4", nil},
		"wanted beside a rate":    {`"_sampling_priority_v1":2`, `"_dd.p.dm":"-4","_dd.p.ksr":"0.1"`, 2.0, "-4", nil},
	} {
		for _, rootLast := range []bool{false, true} {
			root := `{"trace_id":1,"span_id":2,"service":"a","metrics":{` + tc.metrics + `},"meta":{` + tc.meta + `}}`
			others := `{"trace_id":1,"span_id":3,"service":"a","name":"n"},{"trace_id":1,"span_id":4,"service":"a","resource":"r"}`
			body := `[[` + root + `,` + others + `]]`
			if rootLast {
				body = `[[` + others + `,` + root + `]]`
			}
			for _, mode := range []Mode{Both, Lossless} {
				spans, _, _ := decodeJSON(t, mode, body)
				for _, id := range []uint64{3, 4} {
					attrs := spans[id].Attributes().AsRaw()
					require.Equal(t, tc.priority, attrs["_sampling_priority_v1"], "%s, span %d, root last: %v", name, id, rootLast)
					require.Equal(t, tc.dm, attrs["_dd.p.dm"], "%s, span %d, root last: %v", name, id, rootLast)
					require.Equal(t, tc.rate, attrs["_dd.p.ksr"], "%s, span %d, root last: %v", name, id, rootLast)
				}
			}
			spans, _, _ := decodeJSON(t, Semantic, body)
			require.NotContains(t, spans[3].Attributes().AsRaw(), "_sampling_priority_v1", "semantic mode leaves out what only Datadog reads")
		}
	}
}

func TestTheStatementIsTheQueryTextAndTheResourceOnlyWithoutOne(t *testing.T) {
	t.Parallel()
	for meta, want := range map[string]string{
		``:                              "SELECT ?",
		`"db.statement":"SELECT 'x'"`:   "SELECT 'x'",
		`"db.query.text":"SELECT 'y'"`:  "SELECT 'y'",
		`"redis.raw_command":"GET key"`: "GET key",
	} {
		for _, mode := range []Mode{Both, Semantic} {
			spans, _, _ := decodeJSON(t, mode, `[[{"trace_id":1,"span_id":2,"name":"q","type":"sql","resource":"SELECT ?","meta":{`+meta+`}}]]`)
			require.Equal(t, want, spans[2].Attributes().AsRaw()["db.query.text"], meta)
		}
	}
}

func TestLocalRootsAreCountedByServiceAndEnvironment(t *testing.T) {
	t.Parallel()
	d := New(Options{MaxSpans: 100, Roots: true})
	body := `[
		[{"trace_id":1,"span_id":2,"parent_id":3,"service":"pg"},{"trace_id":1,"span_id":3,"service":"shop","meta":{"env":"prod"},"metrics":{"_sampling_priority_v1":1}}],
		[{"trace_id":2,"span_id":4,"parent_id":99,"service":"shop","meta":{"env":"prod"},"metrics":{"_sampling_priority_v1":0}},{"trace_id":2,"span_id":5,"parent_id":4,"service":"pg"}],
		[{"trace_id":3,"span_id":6,"service":"shop","meta":{"env":"prod"},"metrics":{"_sampling_priority_v1":2}}],
		[{"trace_id":4,"span_id":7,"parent_id":8,"service":"cart"},{"trace_id":4,"span_id":8,"parent_id":9,"service":"shop"}],
		[{"trace_id":5,"span_id":0}]]`
	for range 2 {
		_, _, err := d.Decode(V04, []byte(body), Headers{})
		require.NoError(t, err)
		require.Equal(t, []Root{{Service: "shop", Env: "prod", Undecided: 2}, {Service: "shop"}}, d.Roots())
	}
	_, _, err := d.Decode(V07, msg{}.m(2).s("env").s("test").s("chunks").a(1).m(2).s("priority").i(1).s("spans").a(1).m(3).s("trace_id").u(1).s("span_id").u(2).s("service").s("a"), Headers{})
	require.NoError(t, err)
	require.Equal(t, []Root{{Service: "a", Env: "test", Undecided: 1}}, d.Roots(), "the payload's environment is that of spans that name none")
}

func TestWhatTheTracerWroteWinsOverWhatIsDerived(t *testing.T) {
	t.Parallel()
	for _, meta := range []string{`"db.type":"postgres","db.system.name":"theirs"`, `"db.system.name":"theirs","db.type":"postgres"`} {
		spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{`+meta+`}}]]`)
		require.Equal(t, map[string]any{"db.system.name": "theirs", "db.type": "postgres"}, spans[2].Attributes().AsRaw(), meta)
	}
	spans, _, _ := decodeJSON(t, Both, `[[{"trace_id":1,"span_id":2,"meta":{"out.host":"a","peer.hostname":"b"}}]]`)
	require.Equal(t, "b", spans[2].Attributes().AsRaw()["server.address"], "of two derived ones the later wins")
}
