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
	shapes  [typeCount]shape
	shape   *shape // of the event that is written, nil for a resource
	usual   int    // attributes of the last span
	asSpan  bool   // ids and durations of the event become those of a span
	dotted  bool   // a member name held a dot: two paths may spell the same key
}

type cleanURL struct{ raw, clean string }

// group is the part of a batch that shares a Resource.
type group struct {
	envelope  [envelopeSlots]string
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
	g := group{origin: from}
	for slot, node := range e.envelope {
		if node > 0 {
			g.envelope[slot] = e.doc.nodes[node].str
		}
	}
	w.groups = append(w.groups, g)
	return &w.groups[len(w.groups)-1]
}

// holds tells whether e comes from the app and device of g.
func (g *group) holds(e *event) bool {
	for slot, node := range e.envelope {
		text := ""
		if node > 0 {
			text = e.doc.nodes[node].str
		}
		if g.envelope[slot] != text {
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
	doc := e.doc
	w.start(false)
	w.attrs.EnsureCapacity(32)
	for i := int(doc.nodes[e.root].first); i < int(doc.nodes[e.root].end); i = int(doc.nodes[i].next) {
		if resourceSlot(doc.nodes[i].key) >= 0 {
			w.member(doc, i, eventRoot)
		}
	}
	if e.dd >= 0 {
		for i := int(doc.nodes[e.dd].first); i < int(doc.nodes[e.dd].end); i = int(doc.nodes[i].next) {
			if internalSlot(doc.nodes[i].key) >= 0 {
				w.member(doc, i, eventInternal)
			}
		}
	}
	w.put("telemetry.sdk.name").SetStr(sdkName)
	if e.source == "browser" {
		w.put("telemetry.sdk.language").SetStr("webjs")
	}
	if doc.child(e.root, "service") < 0 {
		w.put("service.name").SetStr(serviceName)
	}
	if from.sdkVersion != "" && doc.child(e.dd, "browser_sdk_version") < 0 {
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
	w.asSpan, w.dotted, w.shape = asSpan, false, nil
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
	doc := e.doc
	w.shape = &w.shapes[typeOf(e.kind)]
	w.shape.at, w.shape.same = 0, true
	for i := int(doc.nodes[e.root].first); i < int(doc.nodes[e.root].end); i = int(doc.nodes[i].next) {
		key := doc.nodes[i].key
		if resourceSlot(key) >= 0 {
			continue
		}
		if i != e.dd {
			w.member(doc, i, eventRoot)
			continue
		}
		for j := int(doc.nodes[i].first); j < int(doc.nodes[i].end); j = int(doc.nodes[j].next) {
			if internalSlot(doc.nodes[j].key) < 0 {
				w.member(doc, j, eventInternal)
			}
		}
	}
}

// member writes the value at node i, a member of the object that goes to parent.
func (w *writer) member(doc *jsonDoc, i int, parent *field) {
	n := &doc.nodes[i]
	if n.to == nil {
		n.to = w.find(parent, n)
	}
	f := n.to
	w.dotted = w.dotted || f.dotted
	if n.kind == jsonObject && n.end > n.first {
		if f.rule == ruleDrop {
			return
		}
		for j := int(n.first); j < int(n.end); j = int(doc.nodes[j].next) {
			w.member(doc, j, f)
		}
		return
	}
	switch f.rule {
	case ruleDrop:
		return
	case ruleTraceID, ruleDuration:
		if w.asSpan {
			return
		}
	case ruleTarget:
		w.target(n.str, f.key)
		return
	case ruleProtocol:
		w.protocol(n.str, f.key)
		return
	case ruleActionID:
		w.actionID(doc, i, f)
		return
	case ruleStatus:
		if n.str == "0" {
			w.put("datadog.resource.status_code").SetInt(0)
			return
		}
	case ruleURL:
		w.put(f.key).SetStr(w.pageURL(n.str))
		return
	}
	w.value(doc, i, f, w.put(f.key))
}
