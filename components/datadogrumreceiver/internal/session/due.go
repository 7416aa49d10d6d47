package datadogrumreceiver

import (
	"cmp"
	"slices"
	"time"
)

// maxLinksPerSpan bounds the links between the spans of one action.
const maxLinksPerSpan = 16

// dueView is a snapshot of a view that must leave.
type dueView struct {
	view    *heldView
	base    viewPart
	updates []viewPart
	from    *origin
	version int64
	early   bool // it makes room
	vitals  []vital
}

func (d *dueView) bytes() int {
	n := len(d.base.line)
	for _, u := range d.updates {
		n += len(u.line)
	}
	return n
}

// crowded tells whether the tables are so full that the oldest must leave early.
func (h *held) crowded() (actions, views bool) {
	const tenths = 9
	actions = 10*len(h.actions.entries) >= tenths*h.cfg.Actions.MaxHeld || 10*h.actions.bytes >= tenths*h.cfg.Actions.MaxHeldBytes
	views = 10*len(h.views.entries) >= tenths*h.cfg.Views.MaxHeld || 10*h.views.bytes >= tenths*h.cfg.Views.MaxHeldBytes
	return actions, views
}

// takeActions lists the spans that must leave. The entries stay: they go with expire.
func (h *held) takeActions(now time.Time, mode flushMode) []dueSpan {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []dueSpan
	if mode == flushChanged {
		for _, a := range h.dirty {
			list = a.due(&h.cfg.Actions, now, false, list)
		}
	} else {
		crowded, _ := h.crowded()
		before := h.oldest(crowded)
		for _, a := range h.actions.entries {
			hurry := mode == flushAll || (crowded && !a.first.After(before))
			list = a.due(&h.cfg.Actions, now, hurry, list)
		}
	}
	for _, a := range h.dirty {
		a.changed = false
	}
	h.dirty = h.dirty[:0]
	for i := range list {
		list[i].snapshot()
	}
	slices.SortStableFunc(list, func(a, b dueSpan) int {
		return cmp.Or(a.action.first.Compare(b.action.first), cmp.Compare(a.action.id, b.action.id))
	})
	return list
}

// oldest returns the time before which a fifth of the actions were made, about.
func (h *held) oldest(crowded bool) time.Time {
	if !crowded {
		return time.Time{}
	}
	var first, last time.Time
	for _, a := range h.actions.entries {
		if first.IsZero() || a.first.Before(first) {
			first = a.first
		}
		if a.first.After(last) {
			last = a.first
		}
	}
	return first.Add(last.Sub(first) / 5)
}

// snapshot copies what the span needs of its entry, which requests go on changing.
func (d *dueSpan) snapshot() {
	a := d.action
	d.line, d.from = a.line, a.from
	if d.kind == kindPlaceholder {
		d.line, d.from = a.child, a.childO
	}
	if d.index >= 0 {
		t := a.traces[d.index]
		d.trace, d.parent, d.start = t.trace, t.parent, t.start
	} else {
		d.trace = standaloneTraceID(a.app, a.id)
		d.links = append(d.links, a.links...)
	}
	if a.sent {
		d.links = append(d.links, a.primary)
	}
	for i := range a.traces {
		if len(d.links) >= maxLinksPerSpan {
			break
		}
		other := &a.traces[i]
		if i != d.index && other.trace != a.primary.trace && !(d.kind == kindPlaceholder && other.beside) {
			d.links = append(d.links, heldLink{other.trace, actionSpanID(a.app, a.id, other.trace)})
		}
	}
}

// returnActions puts what could not leave back for the next flush.
func (h *held) returnActions(due []dueSpan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range due {
		if !d.action.changed {
			d.action.changed = true
			h.dirty = append(h.dirty, d.action)
		}
	}
}

// sentActions notes what left.
func (h *held) sentActions(due []dueSpan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range due {
		a := d.action
		if d.index >= 0 {
			a.traces[d.index].sent = true
		}
		if d.kind != kindPlaceholder {
			if !a.sent {
				a.primary = heldLink{d.trace, actionSpanID(a.app, a.id, d.trace)}
			}
			a.sent = true
		}
		if h.store != nil {
			h.store.changedAction(a)
		}
	}
}

func (h *held) takeViews(now time.Time, mode flushMode) []dueView {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, crowded := h.crowded()
	var list []dueView
	for _, v := range h.views.entries {
		due := v.due(&h.cfg.Views, now)
		early := !due && crowded && (v.ended || now.Sub(v.touched) > h.cfg.Views.Settle)
		if due || ((early || mode == flushAll) && !v.empty()) {
			list = append(list, dueView{
				view: v, base: v.base, updates: append([]viewPart(nil), v.updates...), from: v.from, version: v.version(),
				early: early && mode != flushAll,
			})
		}
	}
	slices.SortFunc(list, func(a, b dueView) int {
		return cmp.Or(a.view.first.Compare(b.view.first), cmp.Compare(a.view.id, b.view.id))
	})
	return list
}

// sentViews forgets the text of what left and keeps its version, unless a newer one came meanwhile.
func (h *held) sentViews(r *rum, due []dueView) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range due {
		d := &due[i]
		if d.early {
			r.evicted(r.tel.heldView, 1)
		}
		v := d.view
		d.vitals = v.count(d.vitals)
		v.sent = max(v.sent, d.version)
		if v.version() <= d.version {
			h.views.bytes -= v.size()
			v.base, v.updates, v.ended = viewPart{}, nil, false
			h.views.bytes += v.size()
		}
		h.changedView(v)
	}
}

// expire forgets what has left and is old enough not to be asked for.
func (h *held) expire(r *rum, now time.Time, mode flushMode) {
	h.mu.Lock()
	defer h.mu.Unlock()
	crowdedActions, crowdedViews := h.crowded()
	for _, a := range h.actions.entries {
		left := a.sent || a.denied || a.line == ""
		for i := range a.traces {
			left = left && (a.traces[i].sent || a.line == "" && a.traces[i].beside)
		}
		if !left || a.changed {
			continue
		}
		age := now.Sub(a.first)
		if mode == flushAll || age >= h.cfg.Actions.Remember || (crowdedActions && age >= h.cfg.Actions.Missing) || (crowdedActions && a.sent) {
			h.forgetAction(r, a, mode != flushAll && age < h.cfg.Actions.Remember)
		}
	}
	for _, v := range h.views.entries {
		if v.empty() && (mode == flushAll || crowdedViews || now.Sub(v.touched) >= h.cfg.Views.Idle+h.cfg.Views.Settle) {
			h.views.remove(v)
			if h.store != nil {
				h.store.removedView(v)
			}
		}
	}
	h.recent.expire(now)
	if h.store != nil && h.store.unsaved {
		h.store.kick() // the disk may have refused
	}
}

func (h *held) forgetAction(r *rum, a *heldAction, early bool) {
	h.actions.remove(a)
	if h.store != nil {
		h.store.removedAction(a)
	}
	if early {
		r.evicted(r.tel.heldAction, 1)
	}
	if a.denied && !a.sent {
		r.droppedAction()
	}
}
