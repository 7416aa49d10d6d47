// Package replace applies the user's regular expressions to attributes, with the meaning a Datadog Agent's replace_tags have.
package replace

import (
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const (
	allNames     = "*"
	resourceName = "resource.name"
)

type rule struct {
	name    string
	pattern *regexp.Regexp
	repl    string
}

// Rules are applied in the order they were added.
type Rules struct {
	spans, logs []rule
}

// New returns no rules.
func New() *Rules { return &Rules{} }

// Add adds a rule; logs says that it is for log records too.
func (r *Rules) Add(name string, pattern *regexp.Regexp, repl string, logs bool) {
	added := rule{name, pattern, repl}
	r.spans = append(r.spans, added)
	if logs {
		r.logs = append(r.logs, added)
	}
}

// ForSpans reports whether there is any rule for spans.
func (r *Rules) ForSpans() bool { return len(r.spans) > 0 }

// ForLogs reports whether there is any rule for log records.
func (r *Rules) ForLogs() bool { return len(r.logs) > 0 }

// Span applies the rules to a span and its events. A span's name is its resource name where no attribute is, or where both are equal.
func (r *Rules) Span(span ptrace.Span) {
	for i := range r.spans {
		rule := &r.spans[i]
		attribute, has := span.Attributes().Get(resourceName)
		has = has && attribute.Type() == pcommon.ValueTypeStr
		nameIsResource := !has || attribute.Str() == span.Name()
		rule.attributes(span.Attributes())
		for _, event := range span.Events().All() {
			rule.attributes(event.Attributes())
		}
		if nameIsResource && (rule.name == allNames || rule.name == resourceName) {
			if name := rule.apply(span.Name()); name != span.Name() {
				span.SetName(name)
			}
		}
	}
}

// Record applies the rules that are for logs to a log record.
func (r *Rules) Record(record plog.LogRecord) {
	for i := range r.logs {
		rule := &r.logs[i]
		rule.attributes(record.Attributes())
		if rule.name == allNames && record.Body().Type() == pcommon.ValueTypeStr {
			rule.value(record.Body())
		}
	}
}

func (r *rule) attributes(m pcommon.Map) {
	if r.name != allNames {
		if v, ok := m.Get(r.name); ok {
			r.value(v)
		}
		return
	}
	for key, v := range m.All() {
		if !strings.HasPrefix(key, "_") {
			r.value(v)
		}
	}
}

// value rewrites a text, or the text of a number; that stays a number if it still is one.
func (r *rule) value(v pcommon.Value) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		if out := r.apply(v.Str()); out != v.Str() {
			v.SetStr(out)
		}
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
		was := v.AsString()
		out := r.apply(was)
		if out == was {
			return
		}
		if n, err := strconv.ParseInt(out, 10, 64); err == nil && v.Type() == pcommon.ValueTypeInt {
			v.SetInt(n)
		} else if f, err := strconv.ParseFloat(out, 64); err == nil {
			v.SetDouble(f)
		} else {
			v.SetStr(out)
		}
	}
}

func (r *rule) apply(s string) string { return r.pattern.ReplaceAllString(s, r.repl) }
