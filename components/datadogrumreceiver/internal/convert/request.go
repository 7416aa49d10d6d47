package convert

import (
	"strconv"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

const (
	flagSampled = 1
	// traceStateRUM is what the SDK sent along: kept, and begun by RUM. An SDK writes ids only for what it kept.
	traceStateRUM = "dd=s:1;o:rum"
)

// Event turns one event into a span, a log record, or both. Nothing is made of
// views and actions, which are held, and of requests that are not wanted.
func (w *Writer) Event(e *event.Event, from *event.Origin, at *event.Place) event.Signals {
	span := at.OwnsSpan && !at.Late
	if at.Waits {
		return event.Signals{}
	}
	switch e.Kind {
	case event.TypeResource:
		switch {
		case span:
			w.requestSpan(e, from, at)
			return event.Signals{Span: true}
		case e.Failed():
			w.failedRequest(e, from, at)
			return event.Signals{Record: true}
		case !e.HasIDs() && w.dropUntraced:
			return event.Signals{}
		}
		w.plain(e, from, at, "browser.resource_timing")
	case event.TypeError:
		if span {
			w.errorSpan(e, from, at)
		}
		w.exception(e, from, at)
		return event.Signals{Span: span, Record: true}
	case event.TypeAction:
		if !at.Late {
			return event.Signals{}
		}
		w.plain(e, from, at, "rum.action")
	case event.TypeView, event.TypeViewUpdate:
		return event.Signals{}
	case "long_task", "vital", "transition":
		w.plain(e, from, at, "rum."+e.Kind)
	default:
		w.plain(e, from, at, "rum.event")
	}
	return event.Signals{Record: true}
}

// requestSpan writes a request as the CLIENT span the backend's root names as its parent.
func (w *Writer) requestSpan(e *event.Event, from *event.Origin, at *event.Place) {
	span := w.clientSpan(e, from)
	span.SetEndTimestamp(e.End)
	w.event(e, true)
	w.cause(span, at)
	if at.Ahead {
		w.put(attr.ClockSuspect).SetBool(true)
	}
	if status, ok := e.Doc.Integer(e.Doc.Child(e.Doc.Body(), "status_code")); ok {
		w.status(span, status)
	}
	w.into(span.Attributes())
}

// status marks the span of a request that failed. Status 0 with ids is a
// request the page itself gave up: no error.
func (w *Writer) status(span ptrace.Span, status int64) {
	switch {
	case status >= 400:
		span.Status().SetCode(ptrace.StatusCodeError)
		w.put(attr.ErrorType).SetStr(statusText(status))
	case status == 0:
		w.put(attr.RequestAborted).SetBool(true)
	}
}

// failedRequest writes a request that got no answer as a record of its action.
func (w *Writer) failedRequest(e *event.Event, from *event.Origin, at *event.Place) {
	lr := w.begin(e, from, at, "browser.resource_timing")
	w.causeAttributes(&at.Cause)
	w.put(attr.ErrorType).SetStr("network_error")
	w.into(lr.Attributes())
	setError(lr, spanName(e)+" "+w.privacy.URL(e.Doc.Text(e.Doc.Child(e.Doc.Body(), "url")))+" got no answer")
	setSpan(lr, at.Of)
}

func setError(lr plog.LogRecord, body string) {
	lr.SetSeverityNumber(plog.SeverityNumberError)
	lr.SetSeverityText("ERROR")
	lr.Body().SetStr(body)
}

func setSpan(lr plog.LogRecord, of event.Link) {
	lr.SetTraceID(of.Trace)
	lr.SetSpanID(of.Span)
	if !of.IsZero() {
		lr.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	}
}

// clientSpan begins the span of a request under the ids the SDK sent to the backend.
func (w *Writer) clientSpan(e *event.Event, from *event.Origin) ptrace.Span {
	span := w.span(e, from)
	span.SetTraceID(e.Trace)
	span.SetSpanID(e.Span)
	span.SetParentSpanID(e.Parent)
	span.SetKind(ptrace.SpanKindClient)
	span.SetFlags(flagSampled)
	span.TraceState().FromRaw(traceStateRUM)
	span.SetStartTimestamp(e.Start)
	span.SetName(spanName(e))
	return span
}

// spanName is the method: a URL is no name, it has too many values.
func spanName(e *event.Event) string {
	doc := &e.Doc
	method := doc.Child(doc.Body(), "method")
	if method < 0 {
		method = doc.Child(doc.Child(doc.Body(), "resource"), "method")
	}
	if s := doc.Text(method); s != "" {
		return s
	}
	return "GET"
}

// cause writes which action began the request, and how that was found; of a
// request that none began, the page. That is a link: the server knows the trace.
func (w *Writer) cause(span ptrace.Span, at *event.Place) {
	c := &at.Cause
	if !at.Of.IsZero() {
		addLink(span, at.Of)
	}
	w.causeAttributes(c)
	if !c.Parent.IsEmpty() {
		span.SetParentSpanID(c.Parent)
	}
	if !c.Beside.IsZero() {
		addLink(span, c.Beside)
	}
}

func (w *Writer) causeAttributes(c *event.Cause) {
	switch c.How {
	case event.NotFound:
	case event.ByID:
		w.put(attr.ActionLink).SetStr("id")
	case event.ByTime:
		w.put(attr.ActionLink).SetStr("inferred")
		w.put(attr.ActionID).SetStr(c.Action)
	}
}

func addLink(span ptrace.Span, to event.Link) {
	link := span.Links().AppendEmpty()
	link.SetTraceID(to.Trace)
	link.SetSpanID(to.Span)
}

// errorSpan writes the span of a request that failed on iOS, which reports an
// error instead of the request. Only the time of its end is known.
func (w *Writer) errorSpan(e *event.Event, from *event.Origin, at *event.Place) {
	span := w.clientSpan(e, from)
	span.SetEndTimestamp(e.Start)
	w.event(e, true)
	w.cause(span, at)
	w.put(attr.StartUnknown).SetBool(true)
	w.into(span.Attributes())
	span.Status().SetCode(ptrace.StatusCodeError)
	span.Status().SetMessage(w.privacy.Text(e.Text("error", "message")))
}

// exception writes an error as a record, in the trace of its request or action.
func (w *Writer) exception(e *event.Event, from *event.Origin, at *event.Place) {
	lr := w.plain(e, from, at, "exception")
	setError(lr, w.privacy.Text(e.Text("error", "message")))
	if e.HasIDs() {
		setSpan(lr, event.Link{Trace: e.Trace, Span: e.Span})
	} else {
		setSpan(lr, at.Of)
	}
}

// plain writes the event as a log record: everything it says, and nothing more.
func (w *Writer) plain(e *event.Event, from *event.Origin, at *event.Place, name string) plog.LogRecord {
	lr := w.begin(e, from, at, name)
	w.into(lr.Attributes())
	return lr
}

// begin is plain without the end: more attributes may follow before into.
func (w *Writer) begin(e *event.Event, from *event.Origin, at *event.Place, name string) plog.LogRecord {
	lr := w.record(e, from)
	lr.SetEventName(name)
	lr.SetSeverityNumber(plog.SeverityNumberInfo)
	w.attrs.stack = at.Stack
	w.event(e, false)
	w.attrs.stack = ""
	if at.Late {
		w.put(attr.Late).SetBool(true)
	}
	if e.Kind == event.TypeResource && e.HasIDs() {
		lr.SetTraceID(e.Trace)
		lr.SetSpanID(e.Span)
	} else {
		setSpan(lr, at.Of)
	}
	if at.Ahead {
		w.put(attr.ClockSuspect).SetBool(true)
	}
	return lr
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
