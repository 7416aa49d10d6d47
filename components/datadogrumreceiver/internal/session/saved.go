package session

import (
	"cmp"
	"encoding/hex"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
)

// savedItem is one item in storage.
type savedItem struct {
	Action  *savedAction  `json:"action,omitempty"`
	View    *savedView    `json:"view,omitempty"`
	Session *savedSession `json:"session,omitempty"`
}

// What is written to storage. Ages are kept as wall-clock times: a restart
// takes time too.

type savedOrigin struct {
	Tenant     string `json:"tenant,omitempty"`
	ClientIP   string `json:"client_ip,omitempty"`
	SDKVersion string `json:"sdk_version,omitempty"`
	ShiftNanos int64  `json:"shift,omitempty"`
	Received   uint64 `json:"received"`

	Agent *event.Agent `json:"agent,omitempty"`
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
	Waiting []savedLine  `json:"waiting,omitempty"`
	Child   string       `json:"child,omitempty"`
	ChildO  *savedOrigin `json:"child_from,omitempty"`
	Traces  []savedSpan  `json:"traces,omitempty"`
	Links   []savedSpan  `json:"links,omitempty"`
	Primary savedSpan    `json:"primary"`
	savedState
}

type savedState struct {
	First   int64 `json:"first"`
	Arrived int64 `json:"arrived,omitempty"`
	Failed  bool  `json:"failed,omitempty"`
	Denied  bool  `json:"denied,omitempty"`
	Sent    bool  `json:"sent,omitempty"`
}

type savedLine struct {
	Line string       `json:"line"`
	From *savedOrigin `json:"from"`
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
	Sent    view.Sent    `json:"sent"`
	Counted uint8        `json:"counted,omitempty"`
}

func savedActionOf(a *action.Action) *savedAction {
	s := &savedAction{
		App: a.App, ID: a.ID, Line: a.Own.Text, From: savedOriginOf(a.Own.From), Child: a.Others.Child.Text, ChildO: savedOriginOf(a.Others.Child.From),
		savedState: savedState{First: a.First.UnixNano(), Failed: a.Failed, Denied: a.Denied, Sent: a.Sent}, Primary: savedSpanOf(a.Primary.Trace, a.Primary.Span),
	}
	if !a.Arrived.IsZero() {
		s.Arrived = a.Arrived.UnixNano()
	}
	for _, t := range a.Traces {
		one := savedSpanOf(t.ID, t.Parent)
		one.Start, one.Sent, one.Beside = uint64(t.Start), t.Sent, t.Beside
		s.Traces = append(s.Traces, one)
	}
	for _, line := range a.Others.Waiting {
		s.Waiting = append(s.Waiting, savedLine{line.Text, savedOriginOf(line.From)})
	}
	for _, l := range a.Links {
		s.Links = append(s.Links, savedSpanOf(l.Trace, l.Span))
	}
	return s
}

// restore puts a saved item back. It reports false when it says too little.
func (s *Sessions) restore(item *savedItem, slot int64) bool {
	switch {
	case item.Action != nil:
		return s.restoreAction(item.Action, slot)
	case item.View != nil:
		return s.restoreView(item.View, slot)
	case item.Session != nil:
		return s.restoreSession(item.Session, slot)
	}
	return false
}

// restoreAction puts a saved action back.
func (s *Sessions) restoreAction(saved *savedAction, slot int64) bool {
	from, child := saved.From.origin(), saved.ChildO.origin()
	owner := from
	if owner == nil {
		owner = child
	}
	var waiting []event.Line
	for _, line := range saved.Waiting {
		if from := line.From.origin(); from != nil {
			waiting, owner = append(waiting, event.Line{Text: line.Line, From: from}), cmp.Or(owner, from)
		}
	}
	if owner == nil {
		return false
	}
	a := &action.Action{
		Key: action.Key(owner, saved.App, saved.ID), App: saved.App, ID: saved.ID,
		Own: event.Line{Text: saved.Line, From: from}, Others: action.Others{Child: event.Line{Text: saved.Child, From: child}, Waiting: waiting},
		First: time.Unix(0, saved.First), State: action.State{Failed: saved.Failed, Denied: saved.Denied, Sent: saved.Sent}, Slot: slot,
	}
	if saved.Arrived != 0 {
		a.Arrived = time.Unix(0, saved.Arrived)
	}
	a.Primary = saved.Primary.link()
	for _, t := range saved.Traces {
		ids := t.link()
		a.Traces = append(a.Traces, action.Trace{ID: ids.Trace, Parent: ids.Span, Start: pcommon.Timestamp(t.Start), Sent: t.Sent, Beside: t.Beside})
	}
	for _, l := range saved.Links {
		a.Links = append(a.Links, l.link())
	}
	s.actions.Put(a)
	return true
}

func savedViewOf(v *view.View) *savedView {
	s := &savedView{
		App: v.App, ID: v.ID, From: savedOriginOf(v.From), Base: savedPart(v.Base), Ended: v.Ended,
		First: v.First.UnixNano(), Touched: v.Touched.UnixNano(), Sent: v.Sent, Counted: v.Counted,
	}
	for _, u := range v.Updates {
		s.Updates = append(s.Updates, savedPart(u))
	}
	return s
}

// restoreView puts a saved view back.
func (s *Sessions) restoreView(saved *savedView, slot int64) bool {
	from := saved.From.origin()
	if from == nil {
		return false
	}
	v := &view.View{
		Key: view.Key(from, saved.App, saved.ID), App: saved.App, ID: saved.ID, From: from, Base: view.Part(saved.Base),
		Ended: saved.Ended, First: time.Unix(0, saved.First), Touched: time.Unix(0, saved.Touched), Sent: saved.Sent, Counted: saved.Counted, Slot: slot,
	}
	for _, u := range saved.Updates {
		v.Updates = append(v.Updates, view.Part(u))
	}
	s.views.Put(v)
	return true
}

func savedOriginOf(o *event.Origin) *savedOrigin {
	if o == nil {
		return nil
	}
	return &savedOrigin{Tenant: o.Tenant, ClientIP: o.ClientIP, SDKVersion: o.SDKVersion, ShiftNanos: int64(o.Shift), Received: uint64(o.Received), Agent: o.Agent}
}

func (s *savedOrigin) origin() *event.Origin {
	if s == nil {
		return nil
	}
	return &event.Origin{
		Tenant: s.Tenant, ClientIP: s.ClientIP, SDKVersion: s.SDKVersion,
		Shift: time.Duration(s.ShiftNanos), Received: pcommon.Timestamp(s.Received), Agent: s.Agent,
	}
}

func savedSpanOf(trace pcommon.TraceID, span pcommon.SpanID) savedSpan {
	return savedSpan{Trace: trace.String(), Span: span.String()}
}

// link returns zero ids for text that is none: the ids were written by savedSpanOf.
func (s savedSpan) link() (to event.Link) {
	if len(s.Trace) == 2*len(to.Trace) {
		_, _ = hex.Decode(to.Trace[:], []byte(s.Trace))
	}
	if len(s.Span) == 2*len(to.Span) {
		_, _ = hex.Decode(to.Span[:], []byte(s.Span))
	}
	return to
}
