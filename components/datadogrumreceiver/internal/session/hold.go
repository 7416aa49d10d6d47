package session

import (
	"context"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
)

// Hold takes in what the events of a batch leave to be held. With storage it
// returns when that is on disk, and so is what they repeat. After an error the
// sender shall come again.
func (s *Sessions) Hold(ctx context.Context, b *Batch) error {
	err := s.hold(ctx, b)
	for i := range b.Items {
		it := &b.Items[i]
		switch {
		case !it.own.by || !it.waits():
		case err != nil:
			s.release(b, it)
		default:
			s.seen.Commit(it.own.key, b.Now)
		}
	}
	return err
}

func (s *Sessions) hold(ctx context.Context, b *Batch) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return errStopping
	}
	repeats := false
	for i := range b.Items {
		it := &b.Items[i]
		repeats = repeats || it.Done
		if it.Done {
			continue
		}
		switch {
		case it.isView():
			s.holdView(b, it)
			repeats = repeats || it.Outcome == Stale
		case it.Kind == event.TypeAction && it.waits():
			s.holdAction(b, it)
		case it.isFailure() && it.root != "":
			s.holdFailure(b, it)
		case it.Signals.Span:
			s.holdTrace(b, it)
		}
	}
	j := s.journal
	s.mu.Unlock()
	if j == nil || !b.Held && !repeats {
		return nil
	}
	if err := j.Sync(ctx); err != nil {
		b.StorageErrors++
		return err
	}
	return nil
}

// SpansSent remembers the traces of a batch whose spans were sent and whose records
// were refused: these requests are not converted again, so this is when their
// actions hear of them. The retry waits for storage.
func (s *Sessions) SpansSent(b *Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range b.Items {
		if it := &b.Items[i]; it.Signals.Span {
			s.holdTrace(b, it)
		}
	}
}

// holdAction takes an action in, and links it to requests that were sent before it.
func (s *Sessions) holdAction(b *Batch, it *Item) {
	b.Held = true
	a := s.actions.Change(action.Key(b.Origin, it.App, it.ID), it.App, it.ID, b.Now, func(a *action.Action) {
		if a.Arrive(event.Line{Text: it.Line, From: b.Origin}, it.unwant, b.Now) && !it.unwant && s.recent.Infers(it.Source) {
			s.inferRequests(b, it, a)
		}
	})
	s.saveAction(a)
}

// inferRequests finds, for an action that comes after them, the request whose
// effect it is and those it caused.
func (s *Sessions) inferRequests(b *Batch, it *Item, a *action.Action) {
	if isManual(&it.Event) {
		if r, verdict := s.recent.OriginOf(it.where, it.Start); verdict == infer.Found {
			a.AddEffect(r.Trace, r.Span, it.Start)
		} else if verdict == infer.Ambiguous {
			b.Inferred[verdict]++
		}
	}
	for _, r := range s.recent.CausedBy(it.where, it.ID) {
		a.AddLink(event.Link{Trace: r.Trace, Span: r.Span})
	}
}

// holdTrace remembers that the trace of a request needs its action as root.
func (s *Sessions) holdTrace(b *Batch, it *Item) {
	if it.root != "" && s.cfg.Actions.Span == action.SpanPerTrace {
		s.saveAction(s.actions.NeedRoot(it.rootKey, &it.Event, it.root, false, b.Origin, b.Now))
		for _, other := range it.Actions {
			if other != it.root {
				s.saveAction(s.actions.NeedRoot(action.Key(b.Origin, it.App, other), &it.Event, other, true, b.Origin, b.Now))
			}
		}
		b.Held = true
	}
	if !s.infers(it) {
		return
	}
	r := infer.Request{Trace: it.Trace, Span: it.Span, Start: it.Start, End: it.End, Root: it.root == ""}
	for _, effect := range s.recent.NoteRequest(it.where, r, b.Now) {
		if effect.ID == it.root {
			continue
		}
		if a := s.actions.MaybeEffect(action.Key(b.Origin, it.App, effect.ID), r.Trace, r.Span, effect.At); a != nil {
			s.saveAction(a)
			b.Held = true
		}
	}
}

// holdFailure tells the action of an error, and lets the error wait for a span of it.
func (s *Sessions) holdFailure(b *Batch, it *Item) {
	b.Held = true
	s.saveAction(s.actions.Change(it.rootKey, it.App, it.root, b.Now, func(a *action.Action) {
		a.AddError(event.Line{Text: it.Line, From: b.Origin}, it.Place.Waits)
	}))
}

func (s *Sessions) holdView(b *Batch, it *Item) {
	version, ok := it.Doc.Integer(it.Doc.Child(it.Doc.Internal(), "document_version"))
	if !ok || it.View == "" {
		it.Outcome = Bad
		return
	}
	v := s.views.Hold(view.Part{Version: version, Line: it.Line}, b.Origin, &it.Event, b.Now)
	if v == nil {
		it.Outcome = Stale
		return
	}
	b.Held = true
	s.saveView(v)
	s.seeSession(b, it)
}
