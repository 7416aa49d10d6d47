package datadogrumreceiver

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// held is everything that waits: actions for their traces, views for their last
// version, and what lately happened in each view for inference.
type held struct {
	cfg    *Config
	window window

	mu      sync.Mutex
	actions *actionTable
	views   *viewTable
	recent  *recentTable
	dirty   []*heldAction // changed since the last flush
	store   *store        // nil without storage
	closed  bool          // the last flush has begun
}

func newHeld(cfg *Config) *held {
	return &held{
		cfg: cfg, window: newWindow(&cfg.InferActions),
		actions: newActionTable(), views: newViewTable(), recent: newRecentTable(),
	}
}

var errStopping = errors.New("the receiver stops")

// close refuses what would be held from now on.
func (h *held) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
}

// full tells whether a table is at its bound. The flush then makes room, and
// the sender comes again.
func (h *held) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.actions.entries) >= h.cfg.Actions.MaxHeld || h.actions.bytes >= h.cfg.Actions.MaxHeldBytes ||
		len(h.views.entries) >= h.cfg.Views.MaxHeld || h.views.bytes >= h.cfg.Views.MaxHeldBytes
}

// hasRoom tells whether the action can be a root of trace.
func (h *held) hasRoom(key digest, trace pcommon.TraceID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.actions.entries[key]
	if a == nil || len(a.traces) < maxTracesPerAction {
		return true
	}
	for i := range a.traces {
		if a.traces[i].trace == trace {
			return true
		}
	}
	return false
}

// traceOf returns a trace the action takes part in.
func (h *held) traceOf(key digest) (pcommon.TraceID, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.actions.entries[key]
	if a == nil || len(a.traces) == 0 {
		return pcommon.TraceID{}, false
	}
	return a.traces[0].trace, true
}

func (h *held) noteAction(view digest, a recentAction, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent.touch(view, now).addAction(a)
}

func (h *held) causeOf(view digest, start, end pcommon.Timestamp) (string, inferred) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := h.recent.views[view]
	if v == nil {
		return "", inferNone
	}
	return h.window.cause(v.actions, start, end)
}

// commit holds what the events of a body leave to be held. With storage it
// returns when that is on disk, and so is what they repeat.
func (h *held) commit(ctx context.Context, in *ingest, events []pending) error {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return errStopping
	}
	changed, repeats := false, false
	for i := range events {
		p := &events[i]
		repeats = repeats || p.done
		if p.done {
			continue
		}
		switch {
		case p.kind == "view" || p.kind == "view_update":
			changed = h.holdView(in, p) || changed
			repeats = repeats || p.out == outStale
		case p.kind == "action" && !p.inLogs:
			h.holdAction(in, p)
			changed = true
		case p.inTraces:
			changed = h.holdTrace(in, p) || changed
		}
	}
	var saved <-chan error
	if h.store != nil && (changed || repeats && h.store.unsaved) {
		saved = h.store.wait()
	}
	h.mu.Unlock()
	if saved != nil {
		select {
		case err := <-saved:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for i := range events {
		if p := &events[i]; p.keyed && p.kind == "action" && !p.inLogs {
			in.r.seen.commit(p.key, in.now)
		}
	}
	if changed {
		in.r.kick()
	}
	return nil
}

// requestsLeft remembers the traces of a body whose requests left and whose
// records were refused. The retry waits for storage.
func (h *held) requestsLeft(in *ingest, events []pending) {
	h.mu.Lock()
	changed := false
	for i := range events {
		if p := &events[i]; p.inTraces {
			changed = h.holdTrace(in, p) || changed
		}
	}
	h.mu.Unlock()
	if changed {
		in.r.kick()
	}
}

// holdAction takes an action in, and links it to requests that left before it.
func (h *held) holdAction(in *ingest, p *pending) {
	a := h.actions.touch(actionKey(in.origin, p.app, p.id), p.app, p.id, in.now)
	before := a.size()
	if a.line == "" {
		a.line, a.from, a.arrived, a.denied = strings.Clone(p.line), in.origin, in.now, p.denied
		if !p.denied {
			h.inferRequests(in, p, a)
		}
	}
	h.actions.resized(a, before)
	h.mark(a)
}

// inferRequests finds, for an action that comes after them, the request whose
// effect it is and those it caused.
func (h *held) inferRequests(in *ingest, p *pending, a *heldAction) {
	v := h.recent.views[p.viewKey]
	if v == nil || !in.r.infers(p.source) {
		return
	}
	if p.text("action", "type") == "custom" {
		if r, verdict := h.window.origin(v.requests, p.start); verdict == inferFound {
			a.addTrace(r.trace, r.span, p.start, false)
		} else if verdict == inferAmbiguous {
			in.infer[verdict]++
		}
	}
	const maxLinks = 8
	for _, r := range v.requests {
		if r.root && len(a.links) < maxLinks {
			if id, verdict := h.window.cause(v.actions, r.start, r.end); verdict == inferFound && id == p.id {
				a.links = append(a.links, heldLink{r.trace, r.span})
			}
		}
	}
}

// holdTrace remembers that the trace of a request needs its action as root.
func (h *held) holdTrace(in *ingest, p *pending) bool {
	changed := false
	if p.root != "" && h.cfg.Actions.Span == spanPerTrace {
		h.needRoot(in, p, p.root, p.rootKey)
		for _, other := range p.actions {
			if other != p.root {
				h.needRoot(in, p, other, actionKey(in.origin, p.app, other))
			}
		}
		changed = true
	}
	if p.session == "" || p.event.view == "" || !in.r.infers(p.source) {
		return changed
	}
	v := h.recent.touch(p.viewKey, in.now)
	r := recentRequest{trace: p.trace, span: p.span, start: p.start, end: p.end, root: p.root == ""}
	v.addRequest(r)
	for _, ra := range v.actions {
		if !ra.custom || ra.id == p.root {
			continue
		}
		if found, verdict := h.window.origin(v.requests, ra.at); verdict == inferFound && found.span == r.span {
			changed = h.addEffect(in, p, ra, r) || changed
		}
	}
	return changed
}

func (h *held) needRoot(in *ingest, p *pending, id string, key digest) {
	a := h.actions.touch(key, p.app, id, in.now)
	before := a.size()
	a.addTrace(p.trace, pcommon.SpanID{}, p.start, id != p.root)
	if a.line == "" && a.child == "" {
		a.child, a.childO = strings.Clone(p.line), in.origin
	}
	h.actions.resized(a, before)
	h.mark(a)
}

// addEffect makes an action that was known before its request the request's effect.
func (h *held) addEffect(in *ingest, p *pending, ra recentAction, r recentRequest) bool {
	a := h.actions.entries[actionKey(in.origin, p.app, ra.id)]
	if a == nil || a.line == "" || a.denied {
		return false
	}
	for i := range a.traces {
		if a.traces[i].parent != (pcommon.SpanID{}) {
			return false // it is the effect of another request already
		}
	}
	before := a.size()
	added := a.addTrace(r.trace, r.span, ra.at, false)
	h.actions.resized(a, before)
	h.mark(a)
	return added
}

func (h *held) holdView(in *ingest, p *pending) bool {
	version, ok := p.doc.integer(p.doc.child(p.doc.dd, "document_version"))
	if !ok || p.event.view == "" {
		p.out = outBad
		return false
	}
	v := h.views.touch(viewKey(in.origin, p.app, p.event.view), p.app, p.event.view, in.now)
	before := v.size()
	if !v.add(viewPart{version, p.line}, p.kind == "view") {
		p.out = outStale
		return false
	}
	v.from, v.touched = in.origin, in.now
	if active := p.doc.at("view", "is_active"); p.kind == "view" && active >= 0 && version == v.version() {
		v.ended = p.doc.values[active].kind == jsonFalse
	}
	h.views.bytes += v.size() - before
	h.changedView(v)
	return true
}

// mark notes that an action changed: the next flush looks at it, and storage keeps it.
func (h *held) mark(a *heldAction) {
	if !a.changed {
		a.changed = true
		h.dirty = append(h.dirty, a)
	}
	if h.store != nil {
		h.store.changedAction(a)
	}
}

func (h *held) changedView(v *heldView) {
	if h.store != nil {
		h.store.changedView(v)
	}
}

type heldSizes struct{ actions, actionBytes, views, viewBytes int }

func (h *held) sizes() heldSizes {
	h.mu.Lock()
	defer h.mu.Unlock()
	return heldSizes{len(h.actions.entries), h.actions.bytes, len(h.views.entries), h.views.bytes}
}
