package session

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
)

// Open makes the events of b this request's and finds the place of each. An
// error means that the sender shall come again.
func (s *Sessions) Open(b *Batch) error {
	if s.full() {
		return ErrFull
	}
	b.owner = s.batches.Add(1)
	if !s.claim(b) {
		s.Settle(b, false, false)
		return ErrBusy
	}
	for i := range b.Items {
		s.date(b, &b.Items[i])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Actions come first: which requests they began is asked next.
	for i := range b.Items {
		s.noteAction(b, &b.Items[i])
	}
	roots := map[digest.Key]event.Link{}
	for i := range b.Items {
		if it := &b.Items[i]; !it.Done && it.span.by {
			s.placeSpan(b, it, roots)
		}
	}
	// Errors come last: their action's trace may be that of a request in the same body.
	for i := range b.Items {
		if it := &b.Items[i]; !it.Done && it.isFailure() && !it.Place.Late {
			s.placeFailure(b, it, roots)
		}
	}
	for i := range b.Items {
		b.Items[i].placeInView()
	}
	return nil
}

// date finds what an event's time says about it.
func (s *Sessions) date(b *Batch, it *Item) {
	it.Place = s.placeInTime(&it.Event, b.Origin)
	if it.Place.Late && !it.Done {
		b.Late++
	}
}

func (s *Sessions) placeInTime(e *event.Event, from *event.Origin) event.Place {
	age := int64(from.Received) - int64(e.Start)
	return event.Place{Late: age > int64(s.cfg.MaxEventAge), Ahead: -age > int64(s.cfg.Ahead)}
}

// Place is where an error that waited belongs. e was read from its line.
func (s *Sessions) Place(e *event.Event, r action.Record) event.Place {
	at := s.placeInTime(e, r.Line.From)
	at.Of, at.Cause = r.To, event.Cause{Action: r.Action.ID, How: event.ByTime}
	if e.Cause() != "" {
		at.Cause.How = event.ByID
	}
	return at
}

// noteAction makes an action known for inference and decides whether it is wanted.
func (s *Sessions) noteAction(b *Batch, it *Item) {
	if it.Kind != event.TypeAction || it.Done || it.ID == "" || it.Place.Late {
		return
	}
	it.where = b.whereOf(it)
	it.counted = s.noise.wants(it.Text("action", "target", "name"), b.Origin.Tenant, it.Session, b.Now)
	it.unwant = !it.counted
	if it.unwant || !s.infers(it) {
		return
	}
	s.recent.NoteAction(it.where, infer.Action{
		ID: strings.Clone(it.ID), At: it.Start, Custom: isManual(&it.Event),
	}, b.Now)
}

func (s *Sessions) infers(it *Item) bool {
	return s.recent.Infers(it.Source) && it.Session != "" && it.View != ""
}

// whereOf is the session and view it happened in, for inference.
func (b *Batch) whereOf(it *Item) infer.Where {
	if view := [3]string{it.App, it.Session, it.View}; view != b.view || b.where == (infer.Where{}) {
		b.view = view
		b.where = infer.Where{
			Session: digest.Of("session", b.Origin.Tenant, it.App, it.Session),
			View:    digest.Of("view", b.Origin.Tenant, it.App, it.Session, it.View),
		}
	}
	return b.where
}

// isManual reports whether the application made the action, not a finger: it
// can be the effect of a request. Browsers say so. Mobile SDKs give what the
// application adds any type it likes, and report it at once, before it can have
// begun anything.
func isManual(e *event.Event) bool {
	if e.Text("action", "type") == "custom" {
		return true
	}
	if e.Source == "browser" || e.End > e.Start {
		return false
	}
	for _, child := range []string{"resource", "error"} {
		if n, _ := e.Doc.Integer(e.Doc.At("action", child, "count")); n > 0 {
			return false
		}
	}
	return true
}

// placeSpan finds the root of a request's trace, and notes it in roots.
func (s *Sessions) placeSpan(b *Batch, it *Item, roots map[digest.Key]event.Link) {
	it.Place.OwnsSpan = true
	if it.Place.Late {
		return
	}
	it.where = b.whereOf(it)
	s.findCause(b, it)
	s.linkCause(b, it)
	if parent := it.Place.Cause.Parent; !parent.IsEmpty() {
		if _, known := roots[it.rootKey]; !known {
			roots[it.rootKey] = event.Link{Trace: it.Trace, Span: parent}
		}
	}
}

// placeFailure finds the action's span that an error belongs to. When there is
// none yet, the error waits for it.
func (s *Sessions) placeFailure(b *Batch, it *Item, roots map[digest.Key]event.Link) {
	it.where = b.whereOf(it)
	s.findCause(b, it)
	id := it.Place.Cause.Action
	if id == "" {
		return
	}
	it.root, it.rootKey = id, action.Key(b.Origin, it.App, id)
	if s.cfg.Actions.Span == action.SpanSeparate {
		it.Place.Of = standalone(it.App, id)
		return
	}
	it.Place.Of = s.actions.SpanOf(it.rootKey)
	if it.Place.Of.IsZero() {
		it.Place.Of = roots[it.rootKey]
	}
	if !it.Place.Of.IsZero() {
		return
	}
	if it.Place.Waits = s.actions.CanWait(it.rootKey); !it.Place.Waits {
		it.Place.Of = standalone(it.App, id)
	}
}

// placeInView makes what belongs to nothing else part of its view. A request that
// is the root of its trace is linked with it.
func (it *Item) placeInView() {
	at := &it.Place
	if it.View == "" || !at.Of.IsZero() || at.Waits || at.Late {
		return
	}
	root := at.OwnsSpan && at.Cause.How == event.NotFound && it.Parent == (pcommon.SpanID{})
	if root || !it.HasIDs() {
		at.Of = event.ViewSpan(it.App, it.View)
	}
}

// standalone is the span of an action in a trace of its own.
func standalone(app, id string) event.Link {
	trace := event.StandaloneTraceID(app, id)
	return event.Link{Trace: trace, Span: event.ActionSpanID(app, id, trace)}
}

// findCause finds the action that began the request: the one the SDK names,
// else the one that time tells.
func (s *Sessions) findCause(b *Batch, it *Item) {
	if id := it.Cause(); id != "" {
		it.Place.Cause = event.Cause{Action: id, How: event.ByID}
		return
	}
	// Of an error only the end of its request is known: time tells nothing about its cause.
	if it.Kind != event.TypeResource || it.Parent != (pcommon.SpanID{}) || !s.infers(it) {
		return
	}
	id, verdict := s.recent.CauseOf(it.where, it.Start, it.End)
	b.Inferred[verdict]++
	if verdict == infer.Found {
		it.Place.Cause = event.Cause{Action: id, How: event.ByTime}
	}
}

// linkCause makes the action of it the parent of its span. The other actions a
// browser lists become roots beside it if they come; some never do, so nothing
// points at them.
func (s *Sessions) linkCause(b *Batch, it *Item) {
	cause := &it.Place.Cause
	if cause.How == event.NotFound {
		return
	}
	if s.cfg.Actions.Span == action.SpanSeparate {
		cause.Beside = standalone(it.App, cause.Action)
		it.root = cause.Action
		return
	}
	it.rootKey = action.Key(b.Origin, it.App, cause.Action)
	if it.Parent != (pcommon.SpanID{}) || !s.actions.HasRoom(it.rootKey, it.Trace) {
		return // a native span is the parent, or the action has all the traces it may have
	}
	it.root = cause.Action
	cause.Parent = event.ActionSpanID(it.App, cause.Action, it.Trace)
}
