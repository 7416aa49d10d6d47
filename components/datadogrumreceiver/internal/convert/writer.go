package datadogrumreceiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	scopeName   = "github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver"
	sdkName     = "datadog-rum"
	serviceName = "unknown_service"
)

// writer builds the OTLP of one batch. Events of one app and device share one
// Resource. It is not safe for concurrent use; its field table outlives batches.
type writer struct {
	fields  *fieldTable
	privacy *privacy

	traces  ptrace.Traces
	logs    plog.Logs
	spans   int
	records int
	groups  []group
	attrs   attributes
	pages   [2]cleanURL
}

type cleanURL struct{ raw, clean string }

// group is the part of a batch that shares a Resource.
type group struct {
	doc       jsonDoc // an event of it
	origin    *origin
	spans     ptrace.SpanSlice
	logs      plog.LogRecordSlice
	hasTraces bool
	hasLogs   bool
}

func newWriter(fields *fieldTable, p *privacy) *writer {
	w := &writer{fields: fields, privacy: p}
	w.begin()
	return w
}

// begin starts an empty batch.
func (w *writer) begin() {
	w.traces, w.logs = ptrace.NewTraces(), plog.NewLogs()
	w.spans, w.records = 0, 0
	clear(w.groups) // they and the URLs hold on to the last body
	w.pages = [2]cleanURL{}
	w.groups = w.groups[:0]
}

// groupOf finds or makes the group of an event. A batch comes from one device,
// so there are few and the last one is nearly always the right one.
func (w *writer) groupOf(e *event, from *origin) *group {
	for i := len(w.groups) - 1; i >= 0 && i >= len(w.groups)-8; i-- {
		if g := &w.groups[i]; g.origin == from && g.holds(e) {
			return g
		}
	}
	w.groups = append(w.groups, group{doc: e.doc, origin: from})
	return &w.groups[len(w.groups)-1]
}

// holds tells whether e comes from the app and device of g.
func (g *group) holds(e *event) bool {
	for slot, mine := range g.doc.envelope {
		other := e.doc.envelope[slot]
		if (mine < 0) != (other < 0) || mine >= 0 && !g.doc.equal(mine, &e.doc, other) {
			return false
		}
	}
	return true
}

// span appends a span in the event's resource.
func (w *writer) span(e *event, from *origin) ptrace.Span {
	g := w.groupOf(e, from)
	if !g.hasTraces {
		rs := w.traces.ResourceSpans().AppendEmpty()
		w.resource(e, from, rs.Resource().Attributes())
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(scopeName)
		ss.Scope().SetVersion(mapVersion)
		g.spans, g.hasTraces = ss.Spans(), true
	}
	w.spans++
	return g.spans.AppendEmpty()
}

// record appends a log record in the event's resource.
func (w *writer) record(e *event, from *origin) plog.LogRecord {
	g := w.groupOf(e, from)
	if !g.hasLogs {
		rl := w.logs.ResourceLogs().AppendEmpty()
		w.resource(e, from, rl.Resource().Attributes())
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(scopeName)
		sl.Scope().SetVersion(mapVersion)
		g.logs, g.hasLogs = sl.LogRecords(), true
	}
	w.records++
	lr := g.logs.AppendEmpty()
	lr.SetTimestamp(e.start)
	lr.SetObservedTimestamp(from.received)
	return lr
}

// resource writes what the app, the device and the request say about every event.
func (w *writer) resource(e *event, from *origin, attrs pcommon.Map) {
	doc := &e.doc
	p := w.planOf(doc)
	w.attrs.list.EnsureCapacity(32)
	for i := range p.resource {
		w.attribute(doc, &p.resource[i])
	}
	w.put("telemetry.sdk.name").SetStr(sdkName)
	if e.source == "browser" {
		w.put("telemetry.sdk.language").SetStr("webjs")
	}
	if doc.child(0, "service") < 0 {
		w.put("service.name").SetStr(serviceName)
	}
	if from.sdkVersion != "" && doc.child(doc.dd, "browser_sdk_version") < 0 {
		w.put("telemetry.sdk.version").SetStr(from.sdkVersion)
	}
	if env := environment(e.text("ddtags")); env != "" {
		w.put("deployment.environment.name").SetStr(env)
	}
	if from.tenant != "" {
		w.put(attrTenantID).SetStr(from.tenant)
	}
	if from.clientIP != "" {
		w.put(attrClientAddress).SetStr(from.clientIP)
	}
	if from.shift != 0 {
		w.put(attrClockSkew).SetInt(from.shift.Milliseconds())
	}
	w.attrs.list.UnsafeIntoMap(attrs)
	if p.dotted {
		dropRepeated(attrs)
	}
}
