package datadogrumreceiver

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"
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
	attrs   xpdata.MapBuilder
	pages   [2]cleanURL
	usual   int  // attributes of the last span
	asSpan  bool // ids and durations of the event become those of a span
	dotted  bool // a member name held a dot: two paths may spell the same key
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
	w.start(false)
	w.attrs.EnsureCapacity(32)
	p := w.plan(doc)
	w.dotted = p.dotted
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
	w.into(attrs)
}

// start begins a set of attributes.
func (w *writer) start(asSpan bool) {
	w.attrs = xpdata.MapBuilder{}
	w.asSpan, w.dotted = asSpan, false
}

func (w *writer) put(key string) pcommon.Value { return w.attrs.AppendEmpty(key) }

// startSpan begins the attributes of a span; there will be about as many as last time.
func (w *writer) startSpan() {
	w.start(true)
	w.attrs.EnsureCapacity(w.usual)
}

// into moves the attributes to attrs.
func (w *writer) into(attrs pcommon.Map) {
	w.attrs.UnsafeIntoMap(attrs)
	if w.asSpan {
		w.usual = attrs.Len()
	}
	if !w.dotted {
		return
	}
	seen := make(map[string]struct{}, attrs.Len())
	attrs.RemoveIf(func(key string, _ pcommon.Value) bool {
		_, twice := seen[key]
		seen[key] = struct{}{}
		return twice
	})
}

// event writes the members of e that are not the resource's.
func (w *writer) event(e *event) {
	p := w.plan(&e.doc)
	w.dotted = p.dotted
	for i := range p.event {
		w.attribute(&e.doc, &p.event[i])
	}
}

// attribute writes one value as the rule of its field says.
func (w *writer) attribute(doc *jsonDoc, a *entry) {
	f, str := a.to, doc.values[a.node].str
	switch f.rule {
	case ruleTraceID, ruleDuration:
		if w.asSpan {
			return
		}
	case ruleTarget:
		w.target(str, f.key)
		return
	case ruleProtocol:
		w.protocol(str, f.key)
		return
	case ruleActionID:
		w.actionID(doc, a.node, f)
		return
	case ruleStatus:
		if str == "0" {
			w.put("datadog.resource.status_code").SetInt(0)
			return
		}
	case ruleURL:
		w.put(f.key).SetStr(w.pageURL(str))
		return
	}
	w.value(doc, a.node, f, w.put(f.key))
}
