package datadogrumreceiver

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

// thrown is a line of an error that names action as its cause; action may be "".
func thrown(id, action string, at int) string {
	cause := ""
	if action != "" {
		cause = `"action":{"id":["` + action + `"]},`
	}
	return fmt.Sprintf(`{"type":"error","date":%d,"source":"browser","application":{"id":%q},"session":{"id":"s1"},"view":{"id":"v1","url":"/"},%s`+
		`"error":{"id":%q,"message":"no stock","type":"Error","source":"source","handling":"unhandled"}}`, 1795168790000+at, appID, cause, id)
}

// unanswered is a line of a request without an answer: browsers erase its ids.
func unanswered(i int, action string, start int) string {
	line := request(i, action, start)
	line = strings.Replace(line, fmt.Sprintf(`"_dd":{"trace_id":"%d","span_id":"%d"},`, 7_000_000+i, 9_000_000+i), "", 1)
	return strings.Replace(line, `"status_code":200`, `"status_code":0`, 1)
}

// requireJoined fails when an error record names no span that left.
func (g *rig) requireJoined(t *testing.T, n int) {
	t.Helper()
	spans := map[event.Link]ptrace.Span{}
	for _, span := range g.spans() {
		spans[event.Link{Trace: span.TraceID(), Span: span.SpanID()}] = span
	}
	found := 0
	for _, lr := range g.records() {
		if lr.SeverityNumber() != plog.SeverityNumberError {
			continue
		}
		found++
		span, ok := spans[event.Link{Trace: lr.TraceID(), Span: lr.SpanID()}]
		require.True(t, ok, "%s is in no span that left", lr.Body().Str())
		require.Equal(t, "click Pay", span.Name())
		require.Equal(t, ptrace.StatusCodeError, span.Status().Code(), "an action with errors")
	}
	require.Equal(t, n, found)
}

// However an action, its requests and its errors are ordered, split into bodies
// and repeated, each error leaves once, as part of a span of its action.
func TestErrorsAreInTheTraceOfTheirActionInAnyOrder(t *testing.T) {
	click := strings.Replace(act("a1", "click", "Pay", 0), `"target"`, `"error":{"count":2},"target"`, 1)
	for name, lines := range map[string][]string{
		"with requests":              {click, request(1, "a1", 10), request(2, "a1", 20), thrown("e1", "a1", 15), thrown("e2", "a1", 16), unanswered(3, "a1", 17)},
		"an action that only throws": {click, thrown("e1", "a1", 15), thrown("e2", "a1", 16), unanswered(3, "a1", 17)},
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			rng := rand.New(rand.NewPCG(seed, 1))
			for range 150 {
				order := append(slices.Clone(lines), lines[rng.IntN(len(lines))])
				rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
				g := newRig(t, nil)
				for len(order) > 0 {
					n := 1 + rng.IntN(len(order))
					require.False(t, g.convert(t.Context(), joinLines(order[:n]...), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}).Retry)
					if rng.IntN(2) == 0 {
						g.flushNow(session.Changed)
					}
					order = order[n:]
				}
				g.flush(g.cfg.Actions.Wait)
				g.requireJoined(t, 3)
				require.NoError(t, g.rum.Shutdown(t.Context()))
			}
		})
	}
}

func TestAnErrorWhoseActionNeverComesLeavesAllTheSame(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(thrown("e1", "a1", 0))
	g.flush(g.cfg.Actions.Missing - time.Second)
	require.Empty(t, g.records())
	g.flush(time.Second)
	require.Len(t, g.records(), 1)
	require.Equal(t, event.StandaloneTraceID(appID, "a1"), g.records()[0].TraceID())
	g.flush(g.cfg.Actions.Remember)
	require.Equal(t, session.Sizes{}, g.sizes())
}

func TestErrorsBeyondWhatCanWaitLeaveAtOnce(t *testing.T) {
	g := newRig(t, nil).start(nil)
	var lines []string
	for i := range 70 {
		lines = append(lines, thrown(fmt.Sprint("e", i), "a1", i))
	}
	for _, line := range lines {
		g.post(line)
	}
	require.Len(t, g.records(), 6)
	g.post(act("a1", "click", "Pay", 0))
	g.flush(g.cfg.Actions.Wait)
	g.requireJoined(t, 70)
}

func TestErrorsThatWaitSurviveACrash(t *testing.T) {
	d := journaltest.NewDisk()
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusAccepted, g.post(thrown("e1", "a1", 5)).code)
	after := d.Crash()
	g = storedRig(t, after, nil)
	require.Equal(t, http.StatusAccepted, g.post(joinLines(act("a1", "click", "Pay", 0), request(1, "a1", 1))).code)
	g.flush(0)
	g.requireJoined(t, 1)
	g.flush(g.cfg.Actions.Remember)
	require.Zero(t, after.Items())
}

func TestErrorsThatThePipelineRefusesForNowStayHeld(t *testing.T) {
	g := newRig(t, nil)
	g.rum.out.logs = errConsumer{}
	origin := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
	require.False(t, g.convert(t.Context(), joinLines(act("a1", "click", "Pay", 0), thrown("e1", "a1", 5)), origin).Retry)
	require.False(t, g.convert(t.Context(), request(1, "a1", 1), origin).Retry)
	require.Error(t, g.flusher.flush(t.Context(), g.clock.now(), session.Changed))
	g.rum.out.logs = g.logs
	g.flushNow(session.Changed)
	g.requireJoined(t, 1)
}

// A request that never reached its server is an error of its action, found by id or by time.
func TestARequestWithoutAnAnswerIsAnError(t *testing.T) {
	for _, c := range []struct{ name, line, link string }{
		{"named", unanswered(1, "a1", 10), "id"},
		{"inferred", unanswered(1, "", 10), "inferred"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, nil).start(nil)
			g.post(joinLines(act("a1", "click", "Pay", 0), c.line))
			g.flush(g.cfg.Actions.Wait)
			g.requireJoined(t, 1)
			lr := g.records()[0]
			require.Equal(t, "browser.resource_timing", lr.EventName())
			require.Equal(t, "GET https://x.example/1 got no answer", lr.Body().Str())
			attrs := lr.Attributes().AsRaw()
			require.Equal(t, "network_error", attrs["error.type"])
			require.Equal(t, c.link, attrs["rum.action.link"])
			require.Equal(t, "a1", attrs["rum.action.id"])
		})
	}
}

// The SDK keeps the ids of a request that the page gave up: it may have reached the server.
func TestARequestThatThePageGaveUpIsNoError(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(strings.Replace(request(1, "", 0), `"status_code":200`, `"status_code":0`, 1))
	require.Len(t, g.spans(), 1)
	require.Equal(t, ptrace.StatusCodeUnset, g.spans()[0].Status().Code())
	aborted, _ := g.spans()[0].Attributes().Get("rum.resource.aborted")
	require.True(t, aborted.Bool())
	require.Empty(t, g.records())
}

// The stack of an error is found in its source, whether the error waited or not; what came is kept.
func TestStacksAreFoundInTheirSource(t *testing.T) {
	stack := "Error: no stock of socks\n  at n @ https://shop.example/assets/bundle.js?v=7:1:42\n  at t @ https://shop.example/assets/bundle.js:1:107"
	line := strings.Replace(thrown("e1", "a1", 15), `"message"`, fmt.Sprintf(`"stack":%q,"message"`, stack), 1)
	line = strings.Replace(line, `"source":"browser"`, `"source":"browser","service":"shop-web","version":"1.0.0"`, 1)
	for _, lines := range [][]string{{line, request(1, "a1", 10)}, {request(1, "a1", 10), line}} {
		g := newRig(t, func(cfg *Config) { cfg.SourceMaps.Directory = "internal/sourcemaps/testdata" }).start(nil)
		for _, line := range lines {
			g.post(line)
		}
		g.flushNow(session.Changed)
		attrs := g.recordNamed("exception").Attributes().AsRaw()
		require.Equal(t, "Error: no stock of socks\n  at checkStock @ src/shop.js:3:34\n  at t @ src/shop.js:8:10", attrs["exception.stacktrace"])
		require.Equal(t, strings.Replace(stack, "?v=7", "?v=REDACTED", 1), attrs["rum.exception.stacktrace_minified"])
		require.EqualValues(t, 1, g.count(t, "source_maps", "result", "found"))
	}
	g := newRig(t, func(cfg *Config) { cfg.SourceMaps.Directory = "testdata/none" })
	require.ErrorContains(t, g.rum.Start(t.Context(), componenttest.NewNopHost()), "source_maps::directory")
}
