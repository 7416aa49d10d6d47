package convert

import (
	"strings"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// fieldRule says what is done with a value besides writing it.
type fieldRule uint8

const (
	ruleKeep     fieldRule = iota
	ruleDrop               // said elsewhere in OTLP, or private
	ruleURL                // the value is a URL, with or without a scheme
	ruleTarget             // the URL of a request: server.address and server.port come from it
	ruleProtocol           // h2 -> network.protocol.name and .version
	ruleTraceID            // dropped when it became the span's own id
	ruleDuration           // dropped when it became the span's end
	ruleStatus             // 0 is no status
	ruleStack              // replaced when the stack in the source is known
	ruleActionID           // a string or a list of which the last is the cause
)

// field is where the value at one JSON path goes.
type field struct {
	key    string
	path   string
	name   string // the last part of the path
	rule   fieldRule
	raw    bool // the key is the path below datadog
	dotted bool // the name holds a dot: two paths may spell the same key
}

// The objects whose members are an event's.
var (
	eventRoot     = &field{}
	eventInternal = &field{path: "_dd", name: "_dd"}
)

// wellKnown maps the paths of RUM events that have a name in OpenTelemetry's
// semantic conventions or in ours. All others keep their path below datadog.
// https://github.com/DataDog/rum-events-format, https://opentelemetry.io/docs/specs/semconv
var wellKnown = map[string]field{
	"date":                    {rule: ruleDrop},
	"application.id":          {key: attr.ApplicationID},
	"session.id":              {key: attr.SessionID},
	"view.id":                 {key: attr.ViewID},
	"view.name":               {key: attr.ViewName},
	"view.url":                {key: attr.ViewURL, rule: ruleURL},
	"view.referrer":           {key: "datadog.view.referrer", rule: ruleURL},
	"usr.id":                  {key: attr.UserID},
	"usr.name":                {key: "user.name"},
	"usr.email":               {key: "user.email"},
	"account.id":              {key: "account.id"},
	"account.name":            {key: "account.name"},
	"action.frustration.type": {key: "rum.action.frustration"},
	"_dd.document_version":    {key: "rum.view.version"},
	"action.id":               {key: attr.ActionID, rule: ruleActionID},
	"action.type":             {key: attr.ActionType},
	"action.target.name":      {key: attr.ActionName},
	"action.loading_time":     {key: "datadog.action.loading_time", rule: ruleDuration},
	"resource.id":             {key: attr.ResourceID},
	"resource.method":         {key: "http.request.method"},
	"resource.url":            {key: "url.full", rule: ruleTarget},
	"resource.status_code":    {key: "http.response.status_code", rule: ruleStatus},
	"resource.protocol":       {key: "network.protocol.name", rule: ruleProtocol},
	"resource.duration":       {key: "datadog.resource.duration", rule: ruleDuration},
	"error.resource.method":   {key: "http.request.method"},
	"error.resource.url":      {key: "url.full", rule: ruleTarget},
	"error.message":           {key: "exception.message"},
	"error.type":              {key: "exception.type"},
	"error.stack":             {key: "exception.stacktrace", rule: ruleStack},
	"_dd.trace_id":            {key: "datadog._dd.trace_id", rule: ruleTraceID},
	"_dd.span_id":             {key: "datadog._dd.span_id", rule: ruleTraceID},
	"_dd.parent_span_id":      {key: "datadog._dd.parent_span_id", rule: ruleTraceID},
	"service":                 {key: "service.name"},
	"version":                 {key: "service.version"},
	"os.name":                 {key: "os.name"},
	"os.version":              {key: "os.version"},
	"os.build":                {key: "os.build_id"},
	"device.brand":            {key: "device.manufacturer"},
	"device.model":            {key: "device.model.identifier"},
	"device.name":             {key: "device.model.name"},
	"_dd.browser_sdk_version": {key: "telemetry.sdk.version"},

	"error.resource.status_code":         {key: "http.response.status_code", rule: ruleStatus},
	"resource.encoded_body_size":         {key: "http.response.body.size"},
	"resource.request.encoded_body_size": {key: "http.request.body.size"},
}

// resourceSlot tells whether a top-level member describes the app and the
// device rather than the event, and its slot in an envelope. Such members are
// written once per batch, on the Resource. -1 is none of them. A switch is four
// times faster than a map here, and this runs for every member of every event.
func resourceSlot(member string) int {
	switch member {
	case "service":
		return 0
	case "version":
		return 1
	case "ddtags":
		return 2
	case "source":
		return 3
	case "device":
		return 4
	case "os":
		return 5
	case "display":
		return 6
	case "connectivity":
		return 7
	case "build_version":
		return 8
	case "build_id":
		return 9
	case "execution_context":
		return 10
	}
	return -1
}

// internalSlot is resourceSlot for the members of _dd that stay the same for a session.
func internalSlot(member string) int {
	switch member {
	case "browser_sdk_version":
		return 11
	case "sdk_name":
		return 12
	case "configuration":
		return 13
	case "format_version":
		return 14
	case "session":
		return 15
	case "drift":
		return 16
	}
	return -1
}

const envelopeSlots = 17

// maxFields bounds the paths a fieldTable remembers. SDKs use a few hundred;
// the names inside context are the application's and may be anything.
const maxFields = 4096

// fieldTable finds the field of a path. It is not safe for concurrent use.
type fieldTable struct {
	known   map[string]*field
	deny    event.Globs
	private map[string]bool
	path    []byte
}

func newFieldTable(p *event.Privacy) *fieldTable {
	t := &fieldTable{known: make(map[string]*field, 2*len(wellKnown)), deny: p.Deny}
	for path, f := range wellKnown {
		t.known[path] = &f
	}
	for path, verdict := range map[string]string{
		"usr.id": p.User.ID, "usr.name": p.User.Name, "usr.email": p.User.Email, "usr.anonymous_id": p.User.AnonymousID,
		"account.id": p.User.ID, "account.name": p.User.Name,
	} {
		f, ok := t.known[path]
		if !ok {
			f = &field{key: "datadog." + path}
			t.known[path] = f
		}
		if verdict == "drop" {
			f.rule = ruleDrop
		}
	}
	for path, f := range t.known {
		f.path, f.name = path, path[strings.LastIndexByte(path, '.')+1:]
		f.raw = strings.HasPrefix(f.key, "datadog.")
	}
	t.private = map[string]bool{"context": false, "feature_flags": false, "usr": p.User.Other == "drop", "account": p.User.Other == "drop"}
	return t
}

// get returns where the member of parent called name goes.
func (t *fieldTable) get(parent *field, name string) *field {
	t.path = t.path[:0]
	if parent != eventRoot { // its path may be "": a member may be called that
		t.path = append(append(t.path, parent.path...), '.')
	}
	t.path = append(t.path, name...)
	if f, ok := t.known[string(t.path)]; ok && f.name == name {
		return f
	}
	own := string(t.path)
	f := &field{key: "datadog." + own, raw: true, path: own, name: own[len(own)-len(name):], dotted: strings.Contains(name, ".")}
	if top, below, nested := strings.Cut(own, "."); nested {
		if drop, isPrivate := t.private[top]; isPrivate && (drop || t.deny.Match(strings.ToLower(below))) {
			f.rule = ruleDrop
		}
	}
	if len(t.known) < maxFields {
		t.known[own] = f
	}
	return f
}
