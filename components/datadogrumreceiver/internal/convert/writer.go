package convert

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// ResourcesConfig says what becomes of requests.
type ResourcesConfig struct {
	// Untraced is event or drop: what becomes of a request that carries no trace id.
	Untraced string `mapstructure:"untraced"`
}

// Writer builds the OTLP of one batch. Events of one app and device share one
// Resource. It belongs to one event.Reader, with which it shares what it worked
// out for a shape, and is not safe for concurrent use.
type Writer struct {
	fields       *fieldTable
	privacy      *event.Privacy
	dropUntraced bool
	raw          RawMode
	replayURL    string

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
	doc       event.Doc // an event of it
	plan      *plan     // of that event
	origin    *event.Origin
	spans     ptrace.SpanSlice
	logs      plog.LogRecordSlice
	hasTraces bool
	hasLogs   bool
}

// Config is what the user may say about what is written.
type Config struct {
	Resources *ResourcesConfig
	Raw       RawMode
	ReplayURL string
}

// NewWriter returns a writer of an empty batch.
func NewWriter(p *event.Privacy, cfg Config) *Writer {
	w := &Writer{
		fields: newFieldTable(p), privacy: p, dropUntraced: cfg.Resources.Untraced == "drop", raw: cfg.Raw, replayURL: cfg.ReplayURL,
	}
	w.Begin()
	return w
}

// Traces returns the spans of the batch.
func (w *Writer) Traces() ptrace.Traces { return w.traces }

// Spans is their number.
func (w *Writer) Spans() int { return w.spans }

// Logs returns the records of the batch.
func (w *Writer) Logs() plog.Logs { return w.logs }

// Records is their number.
func (w *Writer) Records() int { return w.records }

// Begin starts an empty batch.
func (w *Writer) Begin() {
	w.traces, w.logs = ptrace.NewTraces(), plog.NewLogs()
	w.spans, w.records = 0, 0
	clear(w.groups) // they and the URLs hold on to the last body
	w.pages = [2]cleanURL{}
	w.groups = w.groups[:0]
}

// groupOf finds or makes the group of an event. A batch comes from one device,
// so there are few and the last one is nearly always the right one.
func (w *Writer) groupOf(e *event.Event, from *event.Origin) *group {
	for i := len(w.groups) - 1; i >= 0 && i >= len(w.groups)-8; i-- {
		if g := &w.groups[i]; g.origin == from && g.holds(e, w.planOf(&e.Doc)) {
			return g
		}
	}
	w.groups = append(w.groups, group{doc: e.Doc, plan: w.planOf(&e.Doc), origin: from})
	return &w.groups[len(w.groups)-1]
}

// holds reports whether e comes from the app and device of g.
func (g *group) holds(e *event.Event, p *plan) bool {
	for slot, mine := range g.plan.envelope {
		other := p.envelope[slot]
		if (mine < 0) != (other < 0) || mine >= 0 && !g.doc.Equal(mine, &e.Doc, other) {
			return false
		}
	}
	return true
}

// span appends a span in the event's resource.
func (w *Writer) span(e *event.Event, from *event.Origin) ptrace.Span {
	g := w.groupOf(e, from)
	if !g.hasTraces {
		rs := w.traces.ResourceSpans().AppendEmpty()
		w.resource(e, from, rs.Resource().Attributes())
		ss := rs.ScopeSpans().AppendEmpty()
		ss.Scope().SetName(attr.ScopeName)
		ss.Scope().SetVersion(attr.MapVersion)
		g.spans, g.hasTraces = ss.Spans(), true
	}
	w.spans++
	return g.spans.AppendEmpty()
}

// record appends a log record in the event's resource.
func (w *Writer) record(e *event.Event, from *event.Origin) plog.LogRecord {
	g := w.groupOf(e, from)
	if !g.hasLogs {
		rl := w.logs.ResourceLogs().AppendEmpty()
		w.resource(e, from, rl.Resource().Attributes())
		sl := rl.ScopeLogs().AppendEmpty()
		sl.Scope().SetName(attr.ScopeName)
		sl.Scope().SetVersion(attr.MapVersion)
		g.logs, g.hasLogs = sl.LogRecords(), true
	}
	w.records++
	lr := g.logs.AppendEmpty()
	lr.SetTimestamp(e.Start)
	lr.SetObservedTimestamp(from.Received)
	return lr
}

// resource writes what the app, the device and the request say about every event.
func (w *Writer) resource(e *event.Event, from *event.Origin, attrs pcommon.Map) {
	doc := &e.Doc
	p := w.planOf(doc)
	w.attrs.list.EnsureCapacity(32)
	named := 0
	for ; named < len(p.resource) && !p.resource[named].to.raw; named++ {
		w.attribute(doc, &p.resource[named])
	}
	w.put("telemetry.sdk.name").SetStr(attr.SDKName)
	if e.Source == "browser" {
		w.put("telemetry.sdk.language").SetStr("webjs")
	}
	if doc.Child(0, "service") < 0 {
		w.put("service.name").SetStr(attr.ServiceName)
	}
	if from.SDKVersion != "" && doc.Child(doc.Internal(), "browser_sdk_version") < 0 {
		w.put("telemetry.sdk.version").SetStr(from.SDKVersion)
	}
	if env := e.Environment(); env != "" {
		w.put("deployment.environment.name").SetStr(env)
	}
	if from.Tenant != "" {
		w.put(attr.TenantID).SetStr(from.Tenant)
	}
	if from.ClientIP != "" {
		w.put(attr.ClientAddress).SetStr(from.ClientIP)
	}
	w.agent(e, from.Agent)
	if from.Shift != 0 {
		w.put(attr.ClockSkew).SetInt(from.Shift.Milliseconds())
	}
	for i := named; i < len(p.resource); i++ {
		w.attribute(doc, &p.resource[i])
	}
	w.attrs.list.UnsafeIntoMap(attrs)
	if p.dotted {
		dropRepeated(attrs)
	}
}
