package datadogrumreceiver

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// An action has no trace id of its own: every request it starts is a trace.
// So it becomes a root span in each of them, under an id that follows from
// application, action and trace. The table below remembers, for a time, which
// actions are known and which traces name them, in whatever order they come.

// maxTracesPerAction bounds one entry. A request beyond it is a root itself.
const maxTracesPerAction = 128

// heldTrace is one trace an action takes part in.
type heldTrace struct {
	trace  pcommon.TraceID
	parent pcommon.SpanID    // set when the action is the effect of this request
	start  pcommon.Timestamp // of the earliest request
	sent   bool
	beside bool // nothing names the action as its parent here: no placeholder is needed
}

// heldLink is a request that began near an action but left before it was known.
type heldLink struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// heldAction is what is known of one action.
type heldAction struct {
	key    digest
	app    string
	id     string
	line   string // the action event, "" until it comes
	from   *origin
	child  string // the first request that named it, for a placeholder
	childO *origin
	traces []heldTrace
	links  []heldLink

	first   time.Time // when the entry was made
	arrived time.Time // when the action came
	denied  bool      // unwanted by name or rate: leaves only as the root of a trace
	sent    bool      // left at least once; what leaves later is a copy
	primary heldLink  // the span that left first
	slot    int
	changed bool
}

func (a *heldAction) size() int {
	return 256 + len(a.app) + len(a.id) + len(a.line) + len(a.child) + 48*len(a.traces) + 24*len(a.links)
}

// actionTable holds heldActions by tenant, application and id.
type actionTable struct {
	entries map[digest]*heldAction
	bytes   int
}

func newActionTable() *actionTable { return &actionTable{entries: map[digest]*heldAction{}} }

func actionKey(from *origin, app, id string) digest { return digestOf("action", from.tenant, app, id) }

// touch returns the entry of an action, making it if need be. Its caller
// changes it and then calls resized with the size it had.
func (t *actionTable) touch(key digest, app, id string, now time.Time) *heldAction {
	a := t.entries[key]
	if a == nil {
		a = &heldAction{key: key, app: strings.Clone(app), id: strings.Clone(id), first: now, slot: -1}
		t.entries[key] = a
		t.bytes += a.size()
	}
	return a
}

func (t *actionTable) resized(a *heldAction, before int) { t.bytes += a.size() - before }

func (t *actionTable) remove(a *heldAction) {
	delete(t.entries, a.key)
	t.bytes -= a.size()
}

// addTrace remembers that a request of trace names the action. It reports
// whether the entry changed.
func (a *heldAction) addTrace(trace pcommon.TraceID, parent pcommon.SpanID, start pcommon.Timestamp, beside bool) bool {
	for i := range a.traces {
		known := &a.traces[i]
		if known.trace != trace {
			continue
		}
		needed := known.beside && !beside
		known.beside = known.beside && beside
		if known.sent || start >= known.start {
			return needed
		}
		known.start = start
		if known.parent != parent {
			known.parent = pcommon.SpanID{} // a cause is never an effect of its own trace
		}
		return true
	}
	if len(a.traces) >= maxTracesPerAction {
		return false
	}
	a.traces = append(a.traces, heldTrace{trace: trace, parent: parent, start: start, beside: beside})
	return true
}

// spanKind is how an action left: the values of the metric's attribute kind.
type spanKind uint8

const (
	kindPrimary spanKind = iota
	kindCopy
	kindPlaceholder
	kindStandalone
	spanKinds
)

func (k spanKind) String() string {
	return [...]string{"primary", "copy", "placeholder", "standalone"}[k]
}

// dueSpan is one span of an action that must leave now.
type dueSpan struct {
	action *heldAction
	index  int // in action.traces, -1 when the action leaves in a trace of its own
	kind   spanKind

	// A snapshot of what the entry said.
	line   string
	from   *origin
	trace  pcommon.TraceID
	parent pcommon.SpanID
	start  pcommon.Timestamp
	links  []heldLink
}

// due lists what of the action must leave at now. When hurry is set, the
// action must make room and does not wait.
func (a *heldAction) due(cfg *ActionsConfig, now time.Time, hurry bool, list []dueSpan) []dueSpan {
	kind, before := kindPrimary, len(list)
	if a.line == "" {
		if !hurry && now.Sub(a.first) < cfg.Missing {
			return list
		}
		kind = kindPlaceholder
	}
	first, found := -1, a.sent
	for i := range a.traces {
		if !a.traces[i].sent && (first < 0 || a.traces[i].start < a.traces[first].start) {
			first = i
		}
	}
	for i := range a.traces {
		switch {
		case a.traces[i].sent, kind == kindPlaceholder && a.traces[i].beside:
		case kind == kindPlaceholder:
			list = append(list, dueSpan{action: a, index: i, kind: kindPlaceholder})
		case i == first && !found:
			list = append(list, dueSpan{action: a, index: i, kind: kindPrimary})
		default:
			list = append(list, dueSpan{action: a, index: i, kind: kindCopy})
		}
	}
	if len(list) > before || a.line == "" || a.sent || a.denied {
		return list
	}
	// Traces that left already were given placeholders: the action is late, and tells so by linking to them.
	if hurry || len(a.traces) > 0 || cfg.Span == spanSeparate || now.Sub(a.arrived) >= cfg.Wait {
		list = append(list, dueSpan{action: a, index: -1, kind: kindStandalone})
	}
	return list
}
