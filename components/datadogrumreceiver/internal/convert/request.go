package datadogrumreceiver

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	flagSampled = 1
	// traceStateRUM is what the SDK sent along: kept, and begun by RUM. An SDK writes ids only for what it kept.
	traceStateRUM = "dd=s:1;o:rum"
)

// write turns one event into a span, a log record, or both. Views and actions
// are held instead, see held.go.
func (in *ingest) write(p *pending) {
	p.late = in.tooOld(p)
	if p.late {
		in.late++
	}
	switch p.kind {
	case "resource":
		in.resource(p)
	case "error":
		if p.spanKeyed && !p.late {
			in.errorSpan(p)
		}
		in.errorRecord(p)
	case "action":
		if p.late {
			in.plain(p, "rum.action")
		}
	case "view", "view_update":
	case "long_task", "vital", "transition":
		in.plain(p, "rum."+p.kind)
	default:
		in.plain(p, "rum.event")
	}
}

func (in *ingest) tooOld(p *pending) bool {
	age := int64(in.origin.received) - int64(p.start) //nolint:gosec // both are after 1970 and before 2262
	return age > int64(in.r.cfg.MaxEventAge)
}

// inFuture tells whether the device's clock is ahead by more than the network explains.
func (in *ingest) inFuture(p *pending) bool {
	return p.start > in.origin.received+pcommon.Timestamp(in.r.cfg.Skew.Threshold) //nolint:gosec // validated
}

// resource writes a request: the CLIENT span the backend's root names as its
// parent, or a record when it has no ids, or no longer has them for itself.
func (in *ingest) resource(p *pending) {
	switch {
	case p.spanKeyed && !p.late:
		in.resourceSpan(p)
	case !p.hasIDs && in.r.cfg.Resources.Untraced == "drop":
		p.out = outDropped
	default:
		in.plain(p, "browser.resource_timing")
	}
}

func (in *ingest) resourceSpan(p *pending) {
	span := in.clientSpan(p)
	span.SetEndTimestamp(p.end)
	link := in.findCause(p)
	w := in.w
	w.event(&p.event, true)
	in.linkCause(p, span, link)
	if in.inFuture(p) {
		w.put(attrClockSuspect).SetBool(true)
	}
	if status, ok := p.doc.integer(p.doc.child(p.doc.body, "status_code")); ok {
		setStatus(span, w, status)
	}
	w.into(span.Attributes())
}

// setStatus marks the span of a request that failed. Status 0 with ids is a
// request the page itself gave up: no error.
func setStatus(span ptrace.Span, w *writer, status int64) {
	if status >= 400 {
		span.Status().SetCode(ptrace.StatusCodeError)
		w.put("error.type").SetStr(statusText(status))
	}
}

// clientSpan begins the span of a request under the ids the SDK sent to the backend.
func (in *ingest) clientSpan(p *pending) ptrace.Span {
	span := in.w.span(&p.event, in.origin)
	p.inTraces = true
	span.SetTraceID(p.trace)
	span.SetSpanID(p.span)
	span.SetParentSpanID(p.parent)
	span.SetKind(ptrace.SpanKindClient)
	span.SetFlags(flagSampled)
	span.TraceState().FromRaw(traceStateRUM)
	span.SetStartTimestamp(p.start)
	span.SetName(spanName(p))
	return span
}

// spanName is the method: a URL is no name, it has too many values.
func spanName(p *pending) string {
	method := p.doc.child(p.doc.body, "method")
	if method < 0 {
		method = p.doc.child(p.doc.child(p.doc.body, "resource"), "method")
	}
	if s := p.doc.text(method); s != "" {
		return s
	}
	return "GET"
}

type causeLink uint8

const (
	linkNone causeLink = iota
	linkID
	linkInferred
)

// findCause finds the action that began the request: the one the SDK names,
// else the one that time tells.
func (in *ingest) findCause(p *pending) causeLink {
	p.viewKey = in.keyOfView(p)
	if id := p.cause(); id != "" {
		p.root = id
		return linkID
	}
	// Of an error only the end of its request is known: time tells nothing about its cause.
	if p.kind != "resource" || p.parent != (pcommon.SpanID{}) || !in.r.infers(p.source) || p.session == "" || p.event.view == "" {
		return linkNone
	}
	id, verdict := in.r.held.causeOf(p.viewKey, p.start, p.end)
	in.infer[verdict]++
	if verdict != inferFound {
		return linkNone
	}
	p.root = id
	return linkInferred
}

// linkCause makes the action of p the parent of its span. The other actions a
// browser lists become roots beside it if they come; some never do, so nothing
// points at them.
func (in *ingest) linkCause(p *pending, span ptrace.Span, link causeLink) {
	switch link {
	case linkNone:
		return
	case linkID:
		in.w.put(attrActionLink).SetStr("id")
	case linkInferred:
		in.w.put(attrActionLink).SetStr("inferred")
		in.w.put(attrActionID).SetStr(p.root)
	}
	if in.r.cfg.Actions.Span == spanSeparate {
		trace := standaloneTraceID(p.app, p.root)
		to := span.Links().AppendEmpty()
		to.SetTraceID(trace)
		to.SetSpanID(actionSpanID(p.app, p.root, trace))
		return
	}
	p.rootKey = actionKey(in.origin, p.app, p.root)
	if p.parent != (pcommon.SpanID{}) || !in.r.held.hasRoom(p.rootKey, p.trace) {
		p.root = "" // a native span is the parent, or the action has all the traces it may have
		return
	}
	span.SetParentSpanID(actionSpanID(p.app, p.root, p.trace))
}

// errorSpan writes the span of a request that failed on iOS, which reports an
// error instead of the request. Only the time of its end is known.
func (in *ingest) errorSpan(p *pending) {
	span := in.clientSpan(p)
	span.SetEndTimestamp(p.start)
	link := in.findCause(p)
	w := in.w
	w.event(&p.event, true)
	in.linkCause(p, span, link)
	w.put(attrStartUnknown).SetBool(true)
	w.into(span.Attributes())
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Status().SetMessage(in.r.privacy.text(p.text("error", "message")))
}

func (in *ingest) errorRecord(p *pending) {
	lr := in.plain(p, "exception")
	lr.SetSeverityNumber(plog.SeverityNumberError)
	lr.SetSeverityText("ERROR")
	lr.Body().SetStr(in.r.privacy.text(p.text("error", "message")))
	switch {
	case p.hasIDs:
		lr.SetTraceID(p.trace)
		lr.SetSpanID(p.span)
		lr.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	case p.cause() != "":
		trace, ok := in.r.held.traceOf(actionKey(in.origin, p.app, p.cause()))
		if in.r.cfg.Actions.Span == spanSeparate {
			trace, ok = standaloneTraceID(p.app, p.cause()), true
		}
		if ok {
			lr.SetTraceID(trace)
			lr.SetSpanID(actionSpanID(p.app, p.cause(), trace))
		}
	}
}

// plain writes the event as a log record: everything it says, and nothing more.
func (in *ingest) plain(p *pending, name string) plog.LogRecord {
	lr := in.w.record(&p.event, in.origin)
	p.inLogs = true
	lr.SetEventName(name)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	in.w.event(&p.event, false)
	if p.late {
		in.w.put(attrLate).SetBool(true)
	}
	if p.kind == "resource" && p.hasIDs {
		lr.SetTraceID(p.trace)
		lr.SetSpanID(p.span)
	}
	if in.inFuture(p) {
		in.w.put(attrClockSuspect).SetBool(true)
	}
	in.w.into(lr.Attributes())
	return lr
}

// noteActions makes the body's actions known for inference before its requests
// are looked at, and decides which of them are wanted.
func (in *ingest) noteActions(events []pending) {
	for i := range events {
		p := &events[i]
		if p.kind != "action" || p.done || p.id == "" || in.tooOld(p) {
			continue
		}
		p.viewKey = in.keyOfView(p)
		p.wanted = in.r.noise.wants(p.text("action", "target", "name"), in.origin.tenant, p.session, in.now)
		p.denied = !p.wanted
		if p.denied || !in.r.infers(p.source) || p.session == "" || p.event.view == "" {
			continue
		}
		in.r.held.noteAction(p.viewKey, recentAction{
			id: strings.Clone(p.id), at: p.start, custom: p.text("action", "type") == "custom",
		}, in.now)
	}
}

// statusTexts saves an allocation for each failed request.
var statusTexts = func() (texts [200]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(400 + i)
	}
	return texts
}()

func statusText(status int64) string {
	if i := status - 400; i >= 0 && i < int64(len(statusTexts)) {
		return statusTexts[i]
	}
	return strconv.FormatInt(status, 10)
}
