package rumlinkprocessor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// message is a batch, made anew each time it is sent.
type message struct {
	spans func() ptrace.Traces
	logs  func() plog.Logs
	stays bool // waits in vain
}

// story is what some services and a browser send about three traces: spans with
// the user's session, RUM spans with view and action, an asynchronous worker,
// logs with full ids, low halves, a trace id alone and a business key.
func story() (all []message) {
	span := func(trace byte, id, parent byte, change func(ptrace.Span)) {
		all = append(all, message{spans: func() ptrace.Traces {
			td := someSpan(traceID(trace), spanID(id), fmt.Sprint("span ", id))
			td.ResourceSpans().At(0).Resource().Attributes().PutStr(enrich.AttrService, "checkout")
			s := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			s.SetStartTimestamp(pcommon.Timestamp(1000*int(trace) + int(id)))
			if parent != 0 {
				s.SetParentSpanID(spanID(parent))
			}
			s.Attributes().PutStr(index.BaggageSession, fmt.Sprint("session ", trace))
			if change != nil {
				change(s)
			}
			return td
		}})
	}
	log := func(trace pcommon.TraceID, id pcommon.SpanID, severity plog.SeverityNumber, body string, change func(plog.LogRecord)) {
		all = append(all, message{logs: func() plog.Logs {
			ld := someLogs(trace, id, body)
			lr := ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
			lr.SetSeverityNumber(severity)
			if change != nil {
				change(lr)
			}
			return ld
		}})
	}
	for trace := byte(1); trace <= 3; trace++ {
		low := traceID(trace)
		clear(low[:8])
		span(trace, 10, 0, func(s ptrace.Span) { // the browser
			s.Attributes().PutStr("rum.view.id", fmt.Sprint("view ", trace))
			s.Attributes().PutStr("rum.action.id", fmt.Sprint("action ", trace))
		})
		span(trace, 11, 10, func(s ptrace.Span) {
			s.Attributes().PutStr("http.request.header.x-request-id", fmt.Sprint("request ", trace))
		})
		span(trace, 12, 11, nil)
		log(traceID(trace), spanID(11), plog.SeverityNumberInfo, "full id", nil)
		log(traceID(trace), spanID(11), plog.SeverityNumberError, "an error", nil)
		log(traceID(trace), spanID(11), plog.SeverityNumberError, "another", nil)
		log(low, spanID(12), plog.SeverityNumberWarn, "low half", nil)
		log(traceID(trace), pcommon.SpanID{}, plog.SeverityNumberWarn, "trace only", nil)
		log(pcommon.TraceID{}, pcommon.SpanID{}, plog.SeverityNumberWarn, "key only", func(lr plog.LogRecord) {
			lr.Attributes().PutStr("request_id", fmt.Sprint("request ", trace))
		})
	}
	staged := func(s ptrace.Span) { s.Attributes().PutInt("staged_id", 42) }
	span(4, 20, 0, staged)
	span(5, 21, 0, staged)
	log(traceID(6), spanID(1), plog.SeverityNumberInfo, "its span never comes", nil)
	all[len(all)-1].stays = true
	log(pcommon.TraceID{}, pcommon.SpanID{}, plog.SeverityNumberInfo, "no id", nil)
	return all
}

// tell sends the messages and returns the set of what came out.
func tell(t *testing.T, messages []message) []string {
	cfg := createDefaultConfig().(*Config)
	cfg.Logs.Wait, cfg.Spans.Wait, cfg.Logs.WaitFor = time.Minute, time.Minute, waitUnknownSpan
	cfg.Logs.Copy = []string{enrich.AttrService, enrich.AttrSpan, "session.id"}
	cfg.Keys = []KeyConfig{
		{Name: "request_id", Span: []string{"http.request.header.x-request-id"}, Log: []string{"request_id"}},
		{Name: "staged_id", Span: []string{"staged_id"}},
	}
	cfg.Spans.LinkOrphansBy = []string{"staged_id"}
	l := newLinker(t, cfg)
	logs, spans, stay := 0, 0, 0
	for _, m := range messages {
		if m.spans != nil {
			l.putTraces(m.spans())
			spans++
		} else {
			l.putLogs(m.logs())
			logs++
		}
		if m.stays {
			stay++
		}
		l.clock.advance(time.Millisecond)
	}
	require.Eventually(t, func() bool { return l.logs.LogRecordCount() == logs-stay }, soon, time.Millisecond)
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool {
		return l.logs.LogRecordCount() == logs && l.spans.SpanCount() == spans
	}, soon, time.Millisecond)
	l.stop()
	set := make(map[string]struct{})
	for _, ld := range l.logs.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
				one := plog.NewLogs()
				lr.CopyTo(one.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty())
				raw, err := (&plog.JSONMarshaler{}).MarshalLogs(one)
				require.NoError(t, err)
				set[string(raw)] = struct{}{}
			}
		}
	}
	for _, td := range l.spans.AllTraces() {
		for _, rs := range td.ResourceSpans().All() {
			one := ptrace.NewTraces()
			rs.CopyTo(one.ResourceSpans().AppendEmpty())
			raw, err := (&ptrace.JSONMarshaler{}).MarshalTraces(one)
			require.NoError(t, err)
			set[string(raw)] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// Whatever order batches come in, and however often each: with waiting, the
// same set of logs and spans comes out.
func TestTheOrderOfArrivalAndRepetitionDecideNothing(t *testing.T) {
	all := story()
	want := tell(t, all)
	require.Len(t, want, len(all))
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 6))
		shuffled := slices.Clone(all)
		for range rng.IntN(len(all)) {
			shuffled = append(shuffled, all[rng.IntN(len(all))])
		}
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got := tell(t, shuffled)
		require.Len(t, got, len(want), "seed %d", seed)
		for i := range want {
			require.JSONEq(t, want[i], got[i], "seed %d", seed)
		}
	}
}

// Without waiting, a span that comes after its logs says the same in whatever
// order they came, and however often.
func TestASpanAfterItsLogsSaysTheSameInAnyOrder(t *testing.T) {
	var logs []message
	for i := range 6 {
		logs = append(logs, message{logs: func() plog.Logs {
			ld := someLogs(traceID(1), spanID(1), fmt.Sprint("log ", i))
			ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetSeverityNumber(plog.SeverityNumber(1 + 4*i))
			return ld
		}})
	}
	run := func(logs []message) string {
		l := newLinker(t, createDefaultConfig().(*Config))
		for _, m := range logs {
			l.putLogs(m.logs())
		}
		raw, err := (&ptrace.JSONMarshaler{}).MarshalTraces(l.putTraces(someSpan(traceID(1), spanID(1), "last")))
		require.NoError(t, err)
		return string(raw)
	}
	want := run(logs)
	require.Contains(t, want, `"log.count","value":{"intValue":"6"}`)
	permute(logs, func(order []message) {
		require.Equal(t, want, run(append(order, order[0], order[3])))
	})
}

// permute calls f with every order of all.
func permute(all []message, f func([]message)) {
	var walk func(n int)
	walk = func(n int) {
		if n == len(all) {
			f(slices.Clone(all))
			return
		}
		for i := n; i < len(all); i++ {
			all[n], all[i] = all[i], all[n]
			walk(n + 1)
			all[n], all[i] = all[i], all[n]
		}
	}
	walk(0)
}
