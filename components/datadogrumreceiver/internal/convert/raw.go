package convert

import "strings"

// RawMode says what becomes of what has no name in the conventions: it keeps
// its path below datadog, behind everything that has one.
type RawMode string

// The modes.
const (
	RawKeep    RawMode = "keep"    // all of it
	RawMinimal RawMode = "minimal" // what an application or a reader of the event may look for
	RawDrop    RawMode = "drop"    // none of it
)

// minimal lists, for the members of an event that the SDK fills, which paths
// below them stay in mode minimal. A path that ends in a dot stands for all below
// it. What is not listed at all was added by the application, or is the body of
// an event that has no conventions: it stays.
var minimal = map[string][]string{
	"type": nil, "date": nil, "_dd": nil, "application": nil, "display": nil, "connectivity": nil, "ddtags": nil, "device": nil, "os": nil,
	"privacy": nil, "build_version": nil, "build_id": nil, "execution_context": nil, "tab": nil, "stream": nil,
	"source": {""}, "service": {""}, "version": {""},
	"session": {"type"},
	"view": {
		"referrer", "loading_type", "loading_time", "time_spent", "is_active", "custom_timings.", "action.count", "error.count",
		"resource.count", "long_task.count", "frustration.count", "crash.count",
	},
	"action":   {"loading_time"},
	"resource": {"type", "duration", "render_blocking_status", "graphql."},
	"error":    {"source", "handling", "source_type", "is_crash", "category", "fingerprint", "causes", "csp."},
}

// writes reports whether the field is written in the mode.
func (m RawMode) writes(f *field) bool {
	if !f.raw || m == RawKeep {
		return true
	}
	if m == RawDrop {
		return false
	}
	top, below, _ := strings.Cut(f.path, ".")
	list, known := minimal[top]
	if !known {
		return true
	}
	for _, path := range list {
		if below == path || strings.HasSuffix(path, ".") && strings.HasPrefix(below, path) {
			return true
		}
	}
	return false
}
