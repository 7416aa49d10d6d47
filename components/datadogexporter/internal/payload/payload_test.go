package payload

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

func builder(t testing.TB, limit int) *Builder {
	t.Helper()
	m, err := ddspan.NewMapper(ddspan.Options{})
	require.NoError(t, err)
	return &Builder{Mapper: m, Host: "h", MaxBytes: limit, Now: func() time.Time { return time.Unix(1_800_000_000, 0) }, Header: Header{Host: "h", Env: "none", Version: "v"}}
}

// randomBatch has traces over several services and processes.
func randomBatch(r *rand.Rand, spans int) ptrace.Traces {
	td := ptrace.NewTraces()
	var lists []ptrace.SpanSlice
	for i := range 1 + r.IntN(6) {
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr("service.name", fmt.Sprint("s", i%3))
		rs.Resource().Attributes().PutStr("host.name", fmt.Sprint("h", r.IntN(2)))
		if r.IntN(2) == 0 {
			rs.Resource().Attributes().PutStr("telemetry.sdk.name", "datadog")
		}
		for range 1 + r.IntN(2) {
			lists = append(lists, rs.ScopeSpans().AppendEmpty().Spans())
		}
	}
	for i := range spans {
		s := lists[r.IntN(len(lists))].AppendEmpty()
		s.SetTraceID(pcommon.TraceID{1, 8: 1, 15: byte(r.IntN(20))})
		s.SetSpanID(pcommon.SpanID{1, 5: byte(i >> 16), 6: byte(i >> 8), 7: byte(i)})
		s.SetName("GET /")
		s.SetStartTimestamp(1_800_000_000_000_000_000)
		s.SetEndTimestamp(1_800_000_000_000_001_000)
		if r.IntN(2) == 0 {
			s.Attributes().PutStr("operation.name", "web.request")
		}
		s.Attributes().PutStr("text", strings.Repeat("é", r.IntN(400)))
		if r.IntN(10) == 0 {
			s.Attributes().PutDouble("_sampling_priority_v1", float64(r.IntN(3)))
			s.Attributes().PutStr("_dd.p.dm", fmt.Sprint("-", r.IntN(5)))
		}
	}
	return td
}

// Whatever the batch, every span is in one part once, no part is above the limit, all parts of a trace say the same about it, and the
// same batch gives the same bytes.
func TestPartsHoldEverySpanOnceAndKeepToTheLimit(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 5))
		td := randomBatch(r, r.IntN(1500))
		limit := 4000 + r.IntN(60_000)
		b := builder(t, limit)
		res := b.Build(td)
		again := b.Build(td)
		require.Len(t, again.Parts, len(res.Parts))
		seen := map[uint64]int{}
		said := map[uint64]string{}
		for i, p := range res.Parts {
			raw, err := p.Payload().MarshalVT()
			require.NoError(t, err)
			require.LessOrEqual(t, len(raw), limit)
			repeated, err := proto.MarshalOptions{Deterministic: true}.Marshal(again.Parts[i].Payload())
			require.NoError(t, err)
			first, err := proto.MarshalOptions{Deterministic: true}.Marshal(p.Payload())
			require.NoError(t, err)
			require.Equal(t, first, repeated)
			n := 0
			for _, tp := range p.Payload().TracerPayloads {
				for _, c := range tp.Chunks {
					for _, s := range c.Spans {
						seen[s.SpanID]++
						n++
						what := fmt.Sprint(c.Priority)
						if said[s.TraceID] != "" {
							require.Equal(t, said[s.TraceID], what, "parts of a trace disagree")
						}
						said[s.TraceID] = what
					}
				}
			}
			require.Equal(t, n, p.Spans())
			require.Equal(t, n, Pick(td, p.Refs()).SpanCount())
		}
		require.Len(t, seen, td.SpanCount())
		for id, n := range seen {
			require.Equal(t, 1, n, "span %x", id)
		}
	}
}

func TestASpanThatIsTooLargeLosesTheEndsOfItsValues(t *testing.T) {
	t.Parallel()
	td := ptrace.NewTraces()
	s := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	s.SetTraceID(pcommon.TraceID{15: 1})
	s.SetSpanID(pcommon.SpanID{7: 1})
	for i := range 300 {
		s.Attributes().PutStr(fmt.Sprint("key", i), strings.Repeat("x", 24_000))
	}
	res := builder(t, MaxBytes).Build(td)
	require.Len(t, res.Parts, 1)
	raw, err := res.Parts[0].Payload().MarshalVT()
	require.NoError(t, err)
	require.LessOrEqual(t, len(raw), MaxBytes)
}

func TestSpansWithoutIDsAreTold(t *testing.T) {
	t.Parallel()
	td := randomBatch(rand.New(rand.NewPCG(1, 1)), 50)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).SetSpanID(pcommon.SpanID{})
	res := builder(t, MaxBytes).Build(td)
	require.Len(t, res.NoID, 1)
	n := 0
	for _, p := range res.Parts {
		n += p.Spans()
	}
	require.Equal(t, td.SpanCount()-1, n)
}

func TestTracesOfIgnoredResourcesAreLeftOut(t *testing.T) {
	t.Parallel()
	b := builder(t, MaxBytes)
	b.IgnoreResource = func(resource string) bool { return true }
	td := randomBatch(rand.New(rand.NewPCG(1, 1)), 50)
	res := b.Build(td)
	require.Empty(t, res.Parts)
	require.Equal(t, 50, res.Ignored)
}

func FuzzBuild(f *testing.F) {
	f.Add("name", "key", "value", int64(-1), uint64(1<<63))
	f.Add("\xff\xfe", "http.status_code", "\x00", int64(99), uint64(0))
	f.Fuzz(func(t *testing.T, name, key, value string, n int64, at uint64) {
		td := ptrace.NewTraces()
		rs := td.ResourceSpans().AppendEmpty()
		rs.Resource().Attributes().PutStr(key, value)
		s := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		s.SetTraceID(pcommon.TraceID{15: 1})
		s.SetSpanID(pcommon.SpanID{7: 1})
		s.SetName(name)
		s.SetStartTimestamp(pcommon.Timestamp(at))
		s.SetEndTimestamp(pcommon.Timestamp(at + uint64(n)))
		s.SetKind(ptrace.SpanKind(n))
		s.Attributes().PutStr(key, value)
		s.Attributes().PutStr(value, key)
		s.Attributes().PutInt(name, n)
		s.Links().AppendEmpty().Attributes().PutStr(key, value)
		e := s.Events().AppendEmpty()
		e.SetName(name)
		e.Attributes().PutStr(key, value)
		for _, p := range builder(t, MaxBytes).Build(td).Parts {
			raw, err := p.Payload().MarshalVT()
			require.NoError(t, err)
			require.NoError(t, proto.Unmarshal(raw, p.Payload()), "what is sent is valid protobuf")
		}
	})
}
