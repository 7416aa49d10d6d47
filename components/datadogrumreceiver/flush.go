package datadogrumreceiver

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// flushMode says which of what is held must leave.
type flushMode uint8

const (
	flushChanged flushMode = iota // what a request has just changed
	flushDue                      // what has waited long enough
	flushAll                      // everything: the receiver stops
)

// maxFlush and maxFlushBytes bound one hand-over.
const (
	maxFlush      = 1000
	maxFlushBytes = 2 << 20
)

// flusher hands on what was held. One goroutine owns it, so an item is never
// handed on twice; what a pipeline refuses for now stays held.
type flusher struct {
	r      *rum
	w      *writer
	reader jsonReader
	ev     event
}

// flush hands on what must leave at now.
func (f *flusher) flush(ctx context.Context, now time.Time, mode flushMode) error {
	errA := f.flushActions(ctx, now, mode)
	if mode == flushChanged {
		return errA
	}
	errV := f.flushViews(ctx, now, mode)
	f.r.held.expire(f.r, now, mode)
	if errM := f.r.vitals.flush(ctx, f.r, now); errV == nil {
		errV = errM
	}
	if errA != nil {
		return errA
	}
	return errV
}

// begin starts an empty batch.
func (f *flusher) begin() {
	f.w.begin()
	f.reader.reset()
}

// read reads what was held into ev.
func (f *flusher) read(line string, from *origin) bool {
	doc, err := f.reader.read(line)
	return err == nil && f.ev.read(doc, line, from.shift) == nil
}

func (f *flusher) flushActions(ctx context.Context, now time.Time, mode flushMode) error {
	due := f.r.held.takeActions(now, mode)
	for len(due) > 0 {
		n, size := 0, 0
		for n < min(len(due), maxFlush) && (n == 0 || size+len(due[n].line) <= maxFlushBytes) {
			size += len(due[n].line)
			n++
		}
		if err := f.sendActions(ctx, due[:n]); err != nil {
			f.r.held.returnActions(due)
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendActions(ctx context.Context, due []dueSpan) error {
	f.begin()
	for _, d := range due {
		f.actionSpan(d)
	}
	if f.w.spans == 0 {
		return nil
	}
	err := f.r.consumeTraces(ctx, f.w.traces, f.w.spans)
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.r.held.sentActions(due)
	for _, d := range due {
		f.r.tel.actionSpans.Add(ctx, 1, f.r.tel.spanKinds[d.kind])
	}
	if err != nil {
		f.r.tel.heldRefused.Add(ctx, int64(len(due)), f.r.tel.heldAction)
	}
	return nil
}

// actionSpan writes the span of an action in one trace. The entry's line and
// traces are changed by requests meanwhile; d is a snapshot.
func (f *flusher) actionSpan(d dueSpan) {
	a := d.action
	line, from := d.line, d.from
	if !f.read(line, from) {
		return // not reached: it was read before it was held
	}
	span := f.w.span(&f.ev, from)
	trace := d.trace
	span.SetTraceID(trace)
	span.SetSpanID(actionSpanID(a.app, a.id, trace))
	span.SetParentSpanID(d.parent)
	span.SetKind(ptrace.SpanKindInternal)
	span.SetFlags(flagSampled)
	span.TraceState().FromRaw(traceStateRUM)
	if d.kind == kindPlaceholder {
		f.placeholder(span, d)
	} else {
		f.action(span, d)
	}
	for _, to := range d.links {
		addLink(span, to)
	}
}

// placeholder stands for an action that never came: its requests name it as
// their parent. All it can say is what the first of them said of the session.
func (f *flusher) placeholder(span ptrace.Span, d dueSpan) {
	span.SetName("action")
	span.SetStartTimestamp(d.start)
	span.SetEndTimestamp(d.start)
	attrs := span.Attributes()
	attrs.PutStr(attrActionID, d.action.id)
	attrs.PutStr(attrApplicationID, d.action.app)
	attrs.PutBool(attrActionMissing, true)
	for _, at := range []struct{ key, value string }{
		{attrSessionID, f.ev.session}, {attrViewID, f.ev.view}, {attrViewName, f.ev.text("view", "name")},
		{attrViewURL, f.r.privacy.url(f.ev.text("view", "url"))},
	} {
		if at.value != "" {
			attrs.PutStr(at.key, at.value)
		}
	}
}

func (f *flusher) action(span ptrace.Span, d dueSpan) {
	e := &f.ev
	name := f.r.privacy.text(e.text("action", "target", "name"))
	kind := e.text("action", "type")
	if kind == "" {
		kind = "action"
	}
	if name != "" {
		kind += " " + name
	}
	span.SetName(kind)
	span.SetStartTimestamp(e.start)
	span.SetEndTimestamp(e.end)
	f.w.event(e, true)
	f.w.put(attrActionPrimary).SetBool(d.kind != kindCopy)
	if d.parent != (pcommon.SpanID{}) {
		span.SetEndTimestamp(e.start)
		f.w.put(attrActionRole).SetStr("effect")
		f.w.put(attrActionLink).SetStr("inferred")
	}
	f.w.into(span.Attributes())
}

func addLink(span ptrace.Span, to heldLink) {
	link := span.Links().AppendEmpty()
	link.SetTraceID(to.trace)
	link.SetSpanID(to.span)
}

func (f *flusher) flushViews(ctx context.Context, now time.Time, mode flushMode) error {
	due := f.r.held.takeViews(now, mode)
	for len(due) > 0 {
		n, size := 0, 0
		for n < min(len(due), maxFlush) && (n == 0 || size+due[n].bytes() <= maxFlushBytes) {
			size += due[n].bytes()
			n++
		}
		if err := f.sendViews(ctx, now, due[:n]); err != nil {
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendViews(ctx context.Context, now time.Time, due []dueView) error {
	f.begin()
	for i := range due {
		f.view(&due[i])
	}
	if f.w.records == 0 {
		f.r.held.sentViews(f.r, due)
		return nil
	}
	err := f.r.consumeLogs(ctx, f.w.logs, f.w.records)
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.r.held.sentViews(f.r, due)
	if err != nil {
		f.r.tel.heldRefused.Add(ctx, int64(len(due)), f.r.tel.heldView)
		return nil
	}
	for i := range due {
		for _, v := range due[i].vitals {
			f.r.vitals.observe(v, now)
		}
	}
	return nil
}

// view writes the record of one view, and one for each web vital it measured.
func (f *flusher) view(d *dueView) {
	line, partial := d.base.line, d.base.line == ""
	if len(d.updates) > 0 {
		line = mergeView(line, d.updates)
	}
	e := &f.ev
	if !f.read(line, d.from) {
		// Each part was read before it was held: together they are more than one event may hold.
		line, partial = d.base.line, true
		if line == "" {
			line = d.updates[len(d.updates)-1].line
		}
		if !f.read(line, d.from) {
			f.r.tel.heldRefused.Add(context.Background(), 1, f.r.tel.heldView)
			return
		}
	}
	lr := f.w.record(e, d.from)
	lr.SetEventName("rum.view")
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	f.w.event(e, false)
	if partial {
		f.w.put(attrViewPartial).SetBool(true)
	}
	if int64(d.from.received)-int64(e.start) > int64(f.r.cfg.MaxEventAge) { //nolint:gosec // both are after 1970
		f.w.put(attrLate).SetBool(true)
	}
	f.w.into(lr.Attributes())
	d.vitals = f.r.vitals.read(f, d, e)
}
