package datadogrumreceiver

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
)

// request is a line of one traced request that names action as its cause; action may be "".
func request(i int, action string, start int) string {
	cause := ""
	if action != "" {
		cause = `"action":{"id":["` + action + `"]},`
	}
	return fmt.Sprintf(`{"type":"resource","date":%d,"source":"browser","application":{"id":%q},"session":{"id":"s1"},"view":{"id":"v1","url":"/"},%s`+
		`"_dd":{"trace_id":"%d","span_id":"%d"},"resource":{"id":"r%d","type":"fetch","method":"GET","url":"https://x.example/%d","status_code":200,"duration":1000000}}`,
		1795168790000+start, appID, cause, 7_000_000+i, 9_000_000+i, i, i)
}

func act(id, kind, name string, at int) string {
	return fmt.Sprintf(`{"type":"action","date":%d,"source":"browser","application":{"id":%q},"session":{"id":"s1"},"view":{"id":"v1","url":"/"},`+
		`"action":{"id":%q,"type":%q,"target":{"name":%q}}}`, 1795168790000+at, appID, id, kind, name)
}

// identity is what of a span must not depend on the order of arrival.
func identity(span ptrace.Span) string {
	return fmt.Sprint(span.TraceID(), span.SpanID(), " <- ", span.ParentSpanID(), span.Name(), span.Kind(), span.StartTimestamp(), span.EndTimestamp())
}

// However {action, requests} are ordered, split into bodies and repeated, the
// same spans leave, each once, exactly one of them primary, none dangling.
func TestAnyOrderGivesTheSameSpans(t *testing.T) {
	lines := []string{act("a1", "click", "Pay", 0), request(1, "a1", 10), request(2, "a1", 20), request(3, "a1", 30), request(4, "", 5000), page(1, `,"loading_time":850000000`)}
	var want []string
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	for round := range 300 {
		order := slices.Clone(lines)
		if round > 0 {
			order = append(order, lines[rng.IntN(len(lines))], lines[rng.IntN(len(lines))])
			rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		g := newRig(t, nil)
		for len(order) > 0 {
			n := 1 + rng.IntN(len(order))
			require.False(t, g.rum.convert(t.Context(), joinLines(order[:n]...), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}).Retry)
			if rng.IntN(2) == 0 {
				g.flushNow(session.Changed)
			}
			order = order[n:]
		}
		g.flush(g.cfg.Actions.Missing + g.cfg.Actions.Wait)
		var got []string
		primaries := 0
		ids := map[string]bool{}
		for _, span := range g.spans() {
			got = append(got, identity(span))
			require.False(t, ids[span.SpanID().String()], "twice: %s", identity(span))
			ids[span.SpanID().String()] = true
			if p, ok := span.Attributes().Get(attr.ActionPrimary); ok && p.Bool() {
				primaries++
			}
		}
		for _, span := range g.spans() {
			require.True(t, span.ParentSpanID().IsEmpty() || ids[span.ParentSpanID().String()], "dangling: %s", identity(span))
			for _, link := range span.Links().All() {
				require.True(t, ids[link.SpanID().String()], "dangling link: %s", identity(span))
			}
		}
		require.Equal(t, 1, primaries)
		slices.Sort(got)
		if round == 0 {
			want = got
			require.Len(t, want, 8)
		}
		require.Equal(t, want, got, "round %d", round)
		require.NoError(t, g.rum.Shutdown(t.Context()))
	}
}

// The requests of a body left, its records did not: the SDK comes again with all
// of it. The requests are not repeated, and still have their roots.
func TestRequestsThatLeftBeforeARefusalHaveTheirRoots(t *testing.T) {
	for name, lines := range map[string][]string{
		"action in the body": {act("a1", "click", "Pay", 0), request(1, "a1", 10)},
		"action never comes": {request(1, "a1", 10)},
		"action inferred":    {act("a1", "click", "Pay", 0), request(1, "", 10)},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t, nil).start(nil)
			body := joinLines(append(lines, `{"type":"long_task","date":1795168790000,"application":{"id":"`+appID+`"},"long_task":{"id":"l1","duration":60000000}}`)...)
			taking := g.rum.out.logs
			g.rum.out.logs = errConsumer{}
			require.Equal(t, http.StatusServiceUnavailable, g.post(body).code)
			g.rum.out.logs = taking
			require.Equal(t, http.StatusAccepted, g.post(body).code)
			require.Equal(t, http.StatusAccepted, g.post(body).code)
			g.flush(g.cfg.Actions.Missing + g.cfg.Actions.Wait)
			require.Equal(t, 1, g.clientSpans())
			require.Len(t, g.spans(), 2)
			require.Equal(t, g.spans()[1].SpanID(), g.spans()[0].ParentSpanID())
			require.Len(t, g.records(), 1)
		})
	}
}

func TestAnActionThatNeverComesGetsAPlaceholder(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(joinLines(request(1, "a1", 10), request(2, "a1", 20)))
	g.flush(g.cfg.Actions.Missing - time.Second)
	require.Len(t, g.spans(), 2)
	g.flush(time.Second)
	require.Len(t, g.spans(), 4)
	holder := g.spans()[2]
	require.Equal(t, "action", holder.Name())
	require.Equal(t, g.spans()[0].ParentSpanID(), holder.SpanID())
	missing, _ := holder.Attributes().Get(attr.ActionMissing)
	require.True(t, missing.Bool())
	require.Equal(t, g.spans()[0].StartTimestamp(), holder.StartTimestamp())
	require.EqualValues(t, 2, g.count(t, "action_spans", "kind", "placeholder"))

	// It came after all: its data leaves in a trace of its own, linked to where it belongs.
	g.post(act("a1", "click", "Pay", 0))
	g.flush(0)
	require.Len(t, g.spans(), 5)
	late := g.spans()[4]
	require.Equal(t, "click Pay", late.Name())
	require.Equal(t, 2, late.Links().Len())
	require.Equal(t, event.StandaloneTraceID(appID, "a1"), late.TraceID())
}

// Two receivers without affinity: one gets the requests, the other the action.
// Each computes where the other's span is.
func TestTheHalvesOfAnActionAtTwoReceiversAreLinked(t *testing.T) {
	requests, actions := newRig(t, nil).start(nil), newRig(t, nil).start(nil)
	requests.post(request(1, "a1", 10))
	actions.post(act("a1", "click", "Pay", 0))
	for _, g := range []*rig{requests, actions} {
		g.flush(g.cfg.Actions.Missing + g.cfg.Actions.Wait)
	}
	placeholder, alone := requests.spans()[1], actions.spans()[0]
	require.Equal(t, "action", placeholder.Name())
	require.Equal(t, "click Pay", alone.Name())
	require.Equal(t, alone.TraceID(), placeholder.Links().At(0).TraceID())
	require.Equal(t, alone.SpanID(), placeholder.Links().At(0).SpanID())
	require.Equal(t, placeholder.SpanID(), event.ActionSpanID(appID, "a1", placeholder.TraceID()), "and who knows the trace knows the way back")
}

func TestAnActionWithoutRequestsLeavesAlone(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(act("a1", "click", "Menu", 0))
	g.flush(g.cfg.Actions.Wait - time.Second)
	require.Empty(t, g.spans())
	g.flush(time.Second)
	require.Len(t, g.spans(), 1)
	g.flush(g.cfg.Actions.Remember)
	require.Len(t, g.spans(), 1)
	require.Zero(t, g.sizes().Actions, "and is forgotten")
	require.Zero(t, g.sizes().ActionBytes)
	require.EqualValues(t, 1, g.count(t, "action_spans", "kind", "standalone"))
}

func TestALateRequestOfAKnownActionGetsItsRoot(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(joinLines(act("a1", "click", "Pay", 0), request(1, "a1", 10)))
	g.flush(2 * time.Minute)
	require.Len(t, g.spans(), 2)
	g.post(request(2, "a1", 20))
	g.flush(0)
	require.Len(t, g.spans(), 4)
	extra := g.spans()[3]
	primary, _ := extra.Attributes().Get(attr.ActionPrimary)
	require.False(t, primary.Bool())
	require.Equal(t, g.spans()[1].SpanID(), extra.Links().At(0).SpanID())
	require.EqualValues(t, 1, g.count(t, "action_spans", "kind", "copy"))
}

func TestSeparateActionsKeepTheirOwnTrace(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.Span = action.SpanSeparate }).start(nil)
	g.post(joinLines(request(1, "a1", 10), act("a1", "click", "Pay", 0)))
	g.flush(0)
	require.Len(t, g.spans(), 2)
	fetch, click := g.spans()[0], g.spans()[1]
	require.True(t, fetch.ParentSpanID().IsEmpty())
	require.Equal(t, click.TraceID(), fetch.Links().At(0).TraceID())
	require.Equal(t, click.SpanID(), fetch.Links().At(0).SpanID())
	require.NotEqual(t, click.TraceID(), fetch.TraceID())
}

// Browsers list every running action, some of which are never reported: they
// become roots if they come, and no placeholder takes their place.
func TestOtherActionsAreRootsBesideTheClick(t *testing.T) {
	g := newRig(t, keepRaw).start(nil)
	all := strings.Replace(request(1, "a1", 10), `["a1"]`, `["never","manual","a1"]`, 1)
	g.post(joinLines(all, act("a1", "click", "Pay", 0), act("manual", "custom", "checkout", -10)))
	g.flush(g.cfg.Actions.Missing)
	require.Len(t, g.spans(), 3)
	fetch := g.spans()[0]
	require.Equal(t, event.ActionSpanID(appID, "a1", fetch.TraceID()), fetch.ParentSpanID(), "the click is the cause")
	require.Zero(t, fetch.Links().Len())
	roots := []pcommon.SpanID{g.spans()[1].SpanID(), g.spans()[2].SpanID()}
	require.Contains(t, roots, event.ActionSpanID(appID, "manual", fetch.TraceID()))
	list, _ := fetch.Attributes().Get("datadog.action.id")
	require.Equal(t, []any{"never", "manual", "a1"}, list.Slice().AsRaw())
	g.flush(g.cfg.Actions.Remember)
	require.Equal(t, session.Sizes{}, g.sizes())
}

func TestTimeTellsWhatTheSDKDoesNot(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  []string
		parent string // id of the inferred cause
		result string
	}{
		{"just before", []string{act("a1", "custom", "x", -90), request(1, "", 0)}, "a1", "found"},
		{"just after, inside the request", []string{act("a1", "custom", "x", 1), request(1, "", 0)}, "a1", "found"},
		{"the nearest of two", []string{act("a1", "custom", "x", -90), act("a2", "custom", "y", -10), request(1, "", 0)}, "a2", "found"},
		{"order in the body does not matter", []string{request(1, "", 0), act("a1", "custom", "x", -90)}, "a1", "found"},
		{"two at the same time", []string{act("a1", "custom", "x", -10), act("a2", "custom", "y", -10), request(1, "", 0)}, "", "ambiguous"},
		{"too long before", []string{act("a1", "custom", "x", -101), request(1, "", 0)}, "", "none"},
		{"after the end", []string{act("a1", "tap", "x", 3), request(1, "", 0)}, "", "none"},
		{"the view changed in between", []string{strings.Replace(act("a1", "click", "x", -1), `"v1"`, `"v0"`, 1), request(1, "", 0)}, "a1", "found"},
		{"the same view first", []string{act("a1", "click", "x", -90), strings.Replace(act("a2", "click", "y", -1), `"v1"`, `"v0"`, 1), request(1, "", 0)}, "a1", "found"},
		{"two in other views", []string{
			strings.Replace(act("a1", "click", "x", -1), `"v1"`, `"v0"`, 1), strings.Replace(act("a2", "click", "y", -1), `"v1"`, `"v2"`, 1), request(1, "", 0),
		}, "", "ambiguous"},
		{"another session", []string{strings.Replace(act("a1", "custom", "x", -1), `"s1"`, `"s2"`, 1), request(1, "", 0)}, "", "none"},
		{"unwanted action", []string{act("a1", "custom", "x.isLoading.Update", -1), request(1, "", 0)}, "", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, func(cfg *Config) { cfg.Actions.Deny = []string{"*.isLoading.Update"} }).start(nil)
			g.post(joinLines(c.lines...))
			fetch := g.spans()[0]
			link, _ := fetch.Attributes().Get(attr.ActionLink)
			if c.parent == "" {
				require.True(t, fetch.ParentSpanID().IsEmpty())
				require.Empty(t, link.Str())
			} else {
				require.Equal(t, event.ActionSpanID(appID, c.parent, fetch.TraceID()), fetch.ParentSpanID())
				require.Equal(t, "inferred", link.Str())
			}
			require.EqualValues(t, 1, g.count(t, "inferences", "result", c.result))
		})
	}
}

func TestAnIdBeatsTime(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(joinLines(act("near", "custom", "x", 9), request(1, "named", 10)))
	require.Equal(t, event.ActionSpanID(appID, "named", g.spans()[0].TraceID()), g.spans()[0].ParentSpanID())
}

func TestAnEffectIsAChildOfItsRequest(t *testing.T) {
	for _, lines := range [][]string{
		{request(1, "", 0), act("a1", "custom", "name.Update", 100)},
		{act("a1", "custom", "name.Update", 100), request(1, "", 0)},
	} {
		for _, split := range []bool{false, true} {
			g := newRig(t, nil).start(nil)
			if split {
				g.post(lines[0])
				g.post(lines[1])
			} else {
				g.post(joinLines(lines...))
			}
			g.flush(0)
			require.Len(t, g.spans(), 2)
			fetch, effect := g.spans()[0], g.spans()[1]
			require.Equal(t, fetch.SpanID(), effect.ParentSpanID())
			require.Equal(t, fetch.TraceID(), effect.TraceID())
			role, _ := effect.Attributes().Get(attr.ActionRole)
			require.Equal(t, "effect", role.Str())
			require.Equal(t, effect.StartTimestamp(), effect.EndTimestamp())
		}
	}
	g := newRig(t, nil).start(nil)
	g.post(joinLines(request(1, "", 0), act("a1", "click", "Next", 100)))
	g.flush(0)
	require.Len(t, g.spans(), 1, "a finger is no effect")
}

// On mobile an application may call what it adds a tap, or anything.
func TestWhatAnApplicationAddsIsAnEffectWhateverItsType(t *testing.T) {
	tap := strings.Replace(act("a1", "Tap", "name.Update", 100), `"browser"`, `"react-native"`, 1)
	for line, effect := range map[string]bool{
		tap: true,
		strings.Replace(tap, `"type":"Tap"`, `"type":"Tap","loading_time":50000000`, 1): false, // it took its time: a finger's
		strings.Replace(tap, `"type":"Tap"`, `"type":"Tap","resource":{"count":1}`, 1):  false, // it began something
	} {
		g := newRig(t, nil).start(nil)
		g.post(joinLines(strings.Replace(request(1, "", 0), `"browser"`, `"react-native"`, 1), line))
		g.flush(0)
		require.Equal(t, effect, len(g.spans()) == 2, line)
		if effect {
			require.Equal(t, g.spans()[0].SpanID(), g.spans()[1].ParentSpanID())
		}
	}
}

func TestAnActionThatComesAfterItsRequestLeftIsLinked(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(request(1, "", 0))
	g.post(act("a1", "tap", "Pay", -5))
	g.flush(g.cfg.Actions.Wait)
	require.Len(t, g.spans(), 2)
	require.Equal(t, g.spans()[0].SpanID(), g.spans()[1].Links().At(0).SpanID())
}

func TestUnwantedActionsAreDroppedUnlessATraceNeedsThem(t *testing.T) {
	g := newRig(t, func(cfg *Config) {
		cfg.Actions.Allow, cfg.Actions.Deny = []string{"Cart.*"}, []string{"*.isLoading.Update"}
	}).start(nil)
	g.post(joinLines(
		act("a1", "custom", "Cart.isLoading.Update", 0), act("a2", "custom", "Other.x", 0), act("a3", "custom", "Cart.items.Update", 1000),
		act("a4", "click", "Elsewhere", 2000), request(4, "a4", 2001)))
	g.flush(g.cfg.Actions.Remember)
	var names []string
	for _, span := range g.spans() {
		names = append(names, span.Name())
	}
	slices.Sort(names)
	require.Equal(t, []string{"GET", "click Elsewhere", "custom Cart.items.Update"}, names)
	require.EqualValues(t, 2, g.count(t, "dropped_actions"))
}

func TestASessionThatFloodsIsCutDown(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.PerSession = 5 }).start(nil)
	var lines []string
	for i := range 100 {
		lines = append(lines, act("a"+strconv.Itoa(i), "custom", "x", i))
	}
	lines = append(lines, strings.Replace(act("other", "custom", "x", 0), `"s1"`, `"s2"`, 1))
	g.post(joinLines(lines...))
	g.flush(g.cfg.Actions.Remember)
	require.Len(t, g.spans(), 11)
	require.EqualValues(t, 90, g.count(t, "dropped_actions"))
}

// An action that is sent again counts once: what a refusal sent back was not reported.
func TestARefusedActionCostsItsSessionNothing(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.PerSession = 5 })
	g.rum.out.traces = consumertest.NewErr(fmt.Errorf("busy"))
	g.start(nil)
	lines := []string{request(1, "a0", 1)}
	for i := range 10 {
		lines = append(lines, act("a"+strconv.Itoa(i), "custom", "x", i))
	}
	for range 3 {
		require.Equal(t, http.StatusServiceUnavailable, g.post(joinLines(lines...)).code)
	}
	g.rum.out.traces = g.traces
	require.Equal(t, http.StatusAccepted, g.post(joinLines(lines...)).code)
	require.Equal(t, http.StatusAccepted, g.post(act("a10", "custom", "x", 10)).code)
	g.flush(g.cfg.Actions.Remember)
	require.Len(t, g.spans(), 11, "a request and its session's fill of actions")
	require.EqualValues(t, 1, g.count(t, "dropped_actions"))
}

func TestAFullTableMakesRoomAndTheSenderComesAgain(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.MaxHeld, cfg.Actions.PerSession = 10, 0 })
	post := func(i int) bool {
		return g.rum.convert(t.Context(), act("a"+strconv.Itoa(i), "click", "x", i), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}).Retry
	}
	for i := range 10 {
		require.False(t, post(i))
		g.clock.add(time.Second)
	}
	require.True(t, post(10), "full")
	g.flush(time.Second)
	require.False(t, post(10), "the oldest have left early")
	require.Positive(t, g.count(t, "evictions", "item", "action"))
	require.NotEmpty(t, g.spans())
	require.NoError(t, g.rum.Shutdown(t.Context()))
}

func TestWhatAPipelineRefusesForNowStaysHeld(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.rum.out.traces = consumertest.NewErr(fmt.Errorf("busy"))
	g.post(act("a1", "click", "x", 0))
	g.clock.add(time.Hour)
	require.Error(t, g.flusher.flush(t.Context(), g.clock.now(), session.Due))
	require.Equal(t, 1, g.sizes().Actions)
	g.flusher.mu.Lock()
	g.rum.out.traces = g.traces
	g.flusher.mu.Unlock()
	g.flush(0)
	require.Len(t, g.spans(), 1)
}

func TestShutdownHandsOnWhatIsHeld(t *testing.T) {
	g := newRig(t, nil).start(nil)
	view := `{"type":"view","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","is_active":true,"largest_contentful_paint":1000000000},"_dd":{"document_version":3}}`
	require.Equal(t, http.StatusAccepted, g.post(joinLines(act("a1", "click", "x", 0), request(1, "a2", 0), view)).code)
	require.NoError(t, g.rum.Shutdown(t.Context()))
	require.Len(t, g.spans(), 4, "the request, its placeholder, the action, the load of the view")
	require.Equal(t, "rum.view", g.recordNamed("rum.view").EventName())
	require.Len(t, g.metrics.AllMetrics(), 1)
	require.Equal(t, session.Sizes{}, g.sizes())
}

func TestStandaloneTraceIDIsFixed(t *testing.T) {
	id := event.StandaloneTraceID(appID, actionID)
	require.Equal(t, hex.EncodeToString(id[:]), id.String())
	require.Equal(t, id, event.StandaloneTraceID(appID, actionID))
	require.NotEqual(t, id, event.StandaloneTraceID(actionID, appID))
}

// A request that is still running when the stop has waited long enough is not
// told that its action is held: nobody would hand it on.
func TestNothingIsHeldAfterTheLastFlush(t *testing.T) {
	g := newRig(t, nil).start(nil)
	slow := &slowLogs{Consumer: consumertest.NewNop(), entered: make(chan struct{}), leave: make(chan struct{})}
	g.rum.out.logs = slow
	longTask := `{"type":"long_task","date":1795168790000,"application":{"id":"` + appID + `"},"long_task":{"id":"l1","duration":60000000}}`
	answers := make(chan intake.Verdict)
	go func() {
		answers <- g.rum.convert(context.Background(), joinLines(act("a1", "click", "Pay", 0), longTask), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)})
	}()
	<-slow.entered
	require.NoError(t, g.rum.Shutdown(t.Context()))
	close(slow.leave)
	require.True(t, (<-answers).Retry)
	require.Zero(t, g.sizes())
	require.EqualValues(t, 2, g.count(t, "events", "outcome", "deferred"))
}

// slowLogs is a logs pipeline that takes its time.
type slowLogs struct {
	consumertest.Consumer
	entered, leave chan struct{}
}

func (s *slowLogs) ConsumeLogs(context.Context, plog.Logs) error {
	close(s.entered)
	<-s.leave
	return nil
}

func TestWhatIsLostInAStopIsCounted(t *testing.T) {
	g := newRig(t, nil).start(nil)
	g.post(joinLines(act("a1", "click", "Menu", 0), viewLine))
	g.flusher.mu.Lock()
	g.rum.out.logs, g.rum.out.traces = errConsumer{}, busyTraces{}
	g.flusher.mu.Unlock()
	require.Error(t, g.rum.Shutdown(t.Context()))
	require.EqualValues(t, 1, g.count(t, "held_refused", "item", "action"))
	require.EqualValues(t, 1, g.count(t, "held_refused", "item", "view"))
}

// Each update was small enough, together they are not: what is known of the view leaves without them.
func TestAViewTooLargeToMergeLeavesWithoutItsUpdates(t *testing.T) {
	many := strings.Repeat("0,", event.MaxNodes*2/3) + "0"
	update := `{"type":"view_update","date":1795168790000,"application":{"id":"` + appID + `"},"view":{"id":"v1","name":"Cart"},"_dd":{"document_version":%d,"page_states":[` + many + `]}}`
	whole := `{"type":"view","date":1795168790000,"application":{"id":"` + appID + `"},"view":{"id":"v1","name":"Start"},"_dd":{"document_version":1,"page_states":[]}}`
	for name, lines := range map[string][]string{
		"Start": {whole, fmt.Sprintf(update, 2), fmt.Sprintf(update, 3)},
		"Cart":  {fmt.Sprintf(update, 2), fmt.Sprintf(update, 3)},
	} {
		g := newRig(t, nil).start(nil)
		require.Equal(t, http.StatusAccepted, g.post(joinLines(lines...)).code)
		g.flush(g.cfg.Views.Idle)
		view := g.recordNamed("rum.view")
		got, _ := view.Attributes().Get(attr.ViewName)
		require.Equal(t, name, got.Str())
		partial, _ := view.Attributes().Get(attr.ViewPartial)
		require.True(t, partial.Bool())
	}
}
