package datadogexporter

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/proto"
)

const tracesPath = "/api/v0.2/traces"

func payloadOf(raw []byte) *pb.AgentPayload {
	p := new(pb.AgentPayload)
	_ = proto.Unmarshal(raw, p)
	return p
}

func spansOf(raw []byte) (spans []*pb.Span) {
	for _, tp := range payloadOf(raw).TracerPayloads {
		for _, c := range tp.Chunks {
			spans = append(spans, c.Spans...)
		}
	}
	return spans
}

func requireOnce(t *testing.T, k *kit, n int) {
	t.Helper()
	k.waitFor(t, "spans", func() bool { return len(k.spanIDs()) >= n })
	for id, times := range k.spanIDs() {
		require.Equal(t, 1, times, "span %x", id)
	}
}

func TestABatchArrivesWithWhatThePayloadSaysAroundIt(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	var header http.Header
	var once sync.Once
	k.answer = func(r *http.Request, _ []byte) answer {
		once.Do(func() { header = r.Header.Clone() })
		return answer{}
	}
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), someTraces(0, 3)))
	requireOnce(t, k, 3)
	require.Equal(t, testKey, header.Get("DD-Api-Key"))
	require.Equal(t, "application/x-protobuf", header.Get("Content-Type"))
	require.Equal(t, "zstd", header.Get("Content-Encoding"))
	p := k.traces[0]
	require.Equal(t, "host-1", p.HostName)
	require.Equal(t, "otelcol-obs-1.2.3", p.AgentVersion)
	chunk := p.TracerPayloads[0].Chunks[0]
	require.EqualValues(t, 1, chunk.Priority)
	require.Equal(t, map[string]string{"_dd.otlp_sr": "1.00", "_dd.p.dm": "-9"}, chunk.Tags)
}

func TestEveryAnswerThatIsNoDeliveryIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusMovedPermanently, http.StatusTemporaryRedirect, 404, 405, 408, 429, 500, 502, 503, 504, 507} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			k := newKit(t, nil)
			var calls atomic.Int32
			k.answer = func(*http.Request, []byte) answer {
				if calls.Add(1) <= 3 {
					return answer{status: status, header: map[string]string{"Location": "/elsewhere"}}
				}
				return answer{}
			}
			require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), someTraces(0, 5)))
			requireOnce(t, k, 5)
			require.Empty(t, k.kept)
		})
	}
}

func TestARefusedRequestIsNarrowedDownToTheGuiltySpan(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(_ *http.Request, raw []byte) answer {
		for _, s := range spansOf(raw) {
			if byte(s.SpanID) == 17 {
				return answer{status: 400}
			}
		}
		return answer{}
	}
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), someTraces(0, 50)))
	requireOnce(t, k, 49)
	require.Equal(t, []uint64{17}, k.keptSpans(t, "refused"))
}

func TestWhatQuarantineCannotTakeIsSentAgain(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.keeper.full = true
	var refuse atomic.Bool
	refuse.Store(true)
	var refused atomic.Int32
	k.answer = func(_ *http.Request, raw []byte) answer {
		if len(spansOf(raw)) > 0 && refuse.Load() {
			refused.Add(1)
			return answer{status: 400}
		}
		return answer{}
	}
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), someTraces(0, 2)))
	k.waitFor(t, "attempts", func() bool { return refused.Load() > 6 })
	refuse.Store(false)
	requireOnce(t, k, 2)
}

func TestATooLargeRequestIsCutUntilItFits(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(_ *http.Request, raw []byte) answer {
		if len(spansOf(raw)) > 3 {
			return answer{status: 413}
		}
		return answer{}
	}
	td := ptrace.NewTraces()
	one := someTraces(0, 40) // a single trace
	for i, s := range one.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		s.SetTraceID(pcommon.TraceID{9, 15: 1})
		if i > 0 {
			s.SetParentSpanID(pcommon.SpanID{1, 7: 0})
		}
		s.Attributes().PutDouble("_sampling_priority_v1", 2)
		s.Attributes().PutStr("_dd.p.dm", "-3")
	}
	one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), td))
	requireOnce(t, k, 40)
	for _, p := range k.traces {
		for _, c := range p.TracerPayloads[0].Chunks {
			require.EqualValues(t, 2, c.Priority)
			require.Equal(t, "-3", c.Tags["_dd.p.dm"])
		}
	}
}

func TestASingleSpanThatIsAlwaysTooLargeLosesItsValuesAndThenGoesToQuarantine(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	k.answer = func(_ *http.Request, raw []byte) answer {
		if len(spansOf(raw)) > 0 {
			return answer{status: 413}
		}
		return answer{}
	}
	td := someTraces(7, 1)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().PutStr("long", strings.Repeat("x", 20_000))
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), td))
	require.Eventually(t, func() bool { return len(k.keptSpans(t, "too_large")) == 1 }, 60*time.Second, 5*time.Millisecond)
}

func TestWhatWasDeliveredOfABatchIsNotSentAgain(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	var calls atomic.Int32
	k.answer = func(*http.Request, []byte) answer {
		if calls.Add(1)%2 == 0 {
			return answer{status: 503}
		}
		return answer{}
	}
	td := someTraces(0, 60)
	for _, s := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			s.Attributes().PutStr(key, strings.Repeat(key, 24_000)) // 12 MB: several requests
		}
	}
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), td))
	requireOnce(t, k, 60)
	require.Greater(t, len(k.traces), 3)
}

func TestAKeyThatIsReplacedInItsFileIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("old-key\n"), 0o600))
	k := newKit(t, map[string]any{"api": map[string]any{"key": "", "key_file": file}})
	var refused atomic.Int32
	k.answer = func(r *http.Request, _ []byte) answer {
		if r.Header.Get("DD-Api-Key") != "new-key" {
			refused.Add(1)
			return answer{status: 403}
		}
		return answer{}
	}
	exp := k.startTraces(t)
	for i := range 5 {
		require.NoError(t, exp.ConsumeTraces(t.Context(), someTraces(10*i, 10)))
	}
	k.waitFor(t, "a refusal", func() bool { return refused.Load() > 0 })
	require.NoError(t, os.WriteFile(file, []byte("new-key\n"), 0o600))
	requireOnce(t, k, 50)
	require.Empty(t, k.kept)
	require.Less(t, refused.Load(), int32(20), "one consumer tries, the others wait")
}

func TestShutdownReturnsWhileEveryEndpointHangs(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"timeout": "10m"})
	var calls atomic.Int32
	k.answer = func(*http.Request, []byte) answer {
		calls.Add(1)
		return answer{hang: true}
	}
	exp := k.startTraces(t)
	require.NoError(t, exp.ConsumeTraces(t.Context(), someTraces(0, 3)))
	require.Eventually(t, func() bool { return calls.Load() > 0 }, 60*time.Second, time.Millisecond)
	begun := time.Now()
	k.stop(exp)
	require.Less(t, time.Since(begun), time.Minute)
}

func TestSpansWithoutIDsGoToQuarantineAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	k := newKit(t, nil)
	td := someTraces(0, 10)
	td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(4).SetTraceID(pcommon.TraceID{})
	require.NoError(t, k.startTraces(t).ConsumeTraces(t.Context(), td))
	requireOnce(t, k, 9)
	require.Equal(t, []uint64{4}, k.keptSpans(t, "no_id"))
}
