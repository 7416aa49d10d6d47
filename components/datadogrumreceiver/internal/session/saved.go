package datadogrumreceiver

import (
	"encoding/hex"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// What is written to storage. Ages are kept as wall-clock times: a restart
// takes time too.

type savedOrigin struct {
	Tenant     string `json:"tenant,omitempty"`
	ClientIP   string `json:"client_ip,omitempty"`
	SDKVersion string `json:"sdk_version,omitempty"`
	ShiftNanos int64  `json:"shift,omitempty"`
	Received   uint64 `json:"received"`
}

type savedSpan struct {
	Trace  string `json:"trace"`
	Span   string `json:"span,omitempty"`
	Start  uint64 `json:"start,omitempty"`
	Sent   bool   `json:"sent,omitempty"`
	Beside bool   `json:"beside,omitempty"`
}

type savedAction struct {
	App     string       `json:"app"`
	ID      string       `json:"id"`
	Line    string       `json:"line,omitempty"`
	From    *savedOrigin `json:"from,omitempty"`
	Child   string       `json:"child,omitempty"`
	ChildO  *savedOrigin `json:"child_from,omitempty"`
	Traces  []savedSpan  `json:"traces,omitempty"`
	Links   []savedSpan  `json:"links,omitempty"`
	First   int64        `json:"first"`
	Arrived int64        `json:"arrived,omitempty"`
	Denied  bool         `json:"denied,omitempty"`
	Sent    bool         `json:"sent,omitempty"`
	Primary savedSpan    `json:"primary"`
}

type savedPart struct {
	Version int64  `json:"version"`
	Line    string `json:"line"`
}

type savedView struct {
	App     string       `json:"app"`
	ID      string       `json:"id"`
	From    *savedOrigin `json:"from,omitempty"`
	Base    savedPart    `json:"base"`
	Updates []savedPart  `json:"updates,omitempty"`
	Ended   bool         `json:"ended,omitempty"`
	First   int64        `json:"first"`
	Touched int64        `json:"touched"`
	Sent    int64        `json:"sent,omitempty"`
	Counted uint8        `json:"counted,omitempty"`
}

func savedActionOf(a *heldAction) *savedAction {
	s := &savedAction{
		App: a.app, ID: a.id, Line: a.line, From: savedOriginOf(a.from), Child: a.child, ChildO: savedOriginOf(a.childO),
		First: a.first.UnixNano(), Denied: a.denied, Sent: a.sent, Primary: savedSpanOf(a.primary.trace, a.primary.span),
	}
	if !a.arrived.IsZero() {
		s.Arrived = a.arrived.UnixNano()
	}
	for _, t := range a.traces {
		one := savedSpanOf(t.trace, t.parent)
		one.Start, one.Sent, one.Beside = uint64(t.start), t.sent, t.beside
		s.Traces = append(s.Traces, one)
	}
	for _, l := range a.links {
		s.Links = append(s.Links, savedSpanOf(l.trace, l.span))
	}
	return s
}

// restoreAction puts a saved action back into the table.
func (s *store) restoreAction(saved *savedAction, slot int) {
	from, child := saved.From.origin(), saved.ChildO.origin()
	owner := from
	if owner == nil {
		owner = child
	}
	if owner == nil {
		s.actions.give(slot)
		return
	}
	a := &heldAction{
		key: actionKey(owner, saved.App, saved.ID), app: saved.App, id: saved.ID, line: saved.Line, from: from,
		child: saved.Child, childO: child, first: time.Unix(0, saved.First), denied: saved.Denied, sent: saved.Sent, slot: slot,
	}
	if saved.Arrived != 0 {
		a.arrived = time.Unix(0, saved.Arrived)
	}
	a.primary.trace, a.primary.span = saved.Primary.ids()
	for _, t := range saved.Traces {
		trace, parent := t.ids()
		a.traces = append(a.traces, heldTrace{trace: trace, parent: parent, start: pcommon.Timestamp(t.Start), sent: t.Sent, beside: t.Beside})
	}
	for _, l := range saved.Links {
		trace, span := l.ids()
		a.links = append(a.links, heldLink{trace, span})
	}
	s.h.actions.entries[a.key] = a
	s.h.actions.bytes += a.size()
}

func savedViewOf(v *heldView) *savedView {
	s := &savedView{
		App: v.app, ID: v.id, From: savedOriginOf(v.from), Base: savedPart{v.base.version, v.base.line}, Ended: v.ended,
		First: v.first.UnixNano(), Touched: v.touched.UnixNano(), Sent: v.sent, Counted: v.counted,
	}
	for _, u := range v.updates {
		s.Updates = append(s.Updates, savedPart{u.version, u.line})
	}
	return s
}

// restoreView puts a saved view back into the table.
func (s *store) restoreView(saved *savedView, slot int) {
	from := saved.From.origin()
	if from == nil {
		s.views.give(slot)
		return
	}
	v := &heldView{
		key: viewKey(from, saved.App, saved.ID), app: saved.App, id: saved.ID, from: from, base: viewPart{saved.Base.Version, saved.Base.Line},
		ended: saved.Ended, first: time.Unix(0, saved.First), touched: time.Unix(0, saved.Touched), sent: saved.Sent, counted: saved.Counted, slot: slot,
	}
	for _, u := range saved.Updates {
		v.updates = append(v.updates, viewPart{u.Version, u.Line})
	}
	s.h.views.entries[v.key] = v
	s.h.views.bytes += v.size()
}

func savedOriginOf(o *origin) *savedOrigin {
	if o == nil {
		return nil
	}
	return &savedOrigin{Tenant: o.tenant, ClientIP: o.clientIP, SDKVersion: o.sdkVersion, ShiftNanos: int64(o.shift), Received: uint64(o.received)}
}

func (s *savedOrigin) origin() *origin {
	if s == nil {
		return nil
	}
	return &origin{
		tenant: s.Tenant, clientIP: s.ClientIP, sdkVersion: s.SDKVersion,
		shift: time.Duration(s.ShiftNanos), received: pcommon.Timestamp(s.Received),
	}
}

func savedSpanOf(trace pcommon.TraceID, span pcommon.SpanID) savedSpan {
	return savedSpan{Trace: trace.String(), Span: span.String()}
}

// ids returns zero ids for text that is none: the ids were written by savedSpanOf.
func (s savedSpan) ids() (trace pcommon.TraceID, span pcommon.SpanID) {
	if len(s.Trace) == 2*len(trace) {
		_, _ = hex.Decode(trace[:], []byte(s.Trace))
	}
	if len(s.Span) == 2*len(span) {
		_, _ = hex.Decode(span[:], []byte(s.Span))
	}
	return trace, span
}
