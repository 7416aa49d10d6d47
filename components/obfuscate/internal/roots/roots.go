// Package roots drops traces by what their local root says: the span without a parent, or whose parent is in another process.
package roots

import (
	"regexp"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Tag is what an attribute of the root is compared with. Without a value and pattern every value will do.
type Tag struct {
	Key, Value string
	Pattern    *regexp.Regexp
}

func (t *Tag) fits(value string) bool {
	if t.Pattern != nil {
		return t.Pattern.MatchString(value)
	}
	return t.Value == "" || t.Value == value
}

// Rule is why a trace was dropped.
type Rule uint8

// The rules.
const (
	None Rule = iota
	IgnoredResource
	RejectedTag
	RequiredTag
	RuleCount
)

// String returns the rule as metrics spell it.
func (r Rule) String() string {
	return [RuleCount]string{"none", "ignore_resources", "reject", "require"}[r]
}

// Filter is which traces are dropped.
type Filter struct {
	IgnoreResources []*regexp.Regexp
	Reject, Require []Tag
}

// Empty reports whether nothing is ever dropped.
func (f *Filter) Empty() bool { return len(f.IgnoreResources)+len(f.Reject)+len(f.Require) == 0 }

type spanKey struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

type root struct {
	whole bool // it has no parent at all
	rule  Rule
}

// Apply removes the spans of dropped traces, and returns how many each rule removed.
func (f *Filter) Apply(td ptrace.Traces) (removed [RuleCount]int64) {
	here := map[spanKey]bool{}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				here[spanKey{span.TraceID(), span.SpanID()}] = true
			}
		}
	}
	found := map[pcommon.TraceID]root{}
	for _, rs := range td.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, span := range ss.Spans().All() {
				whole := span.ParentSpanID().IsEmpty()
				if !whole && here[spanKey{span.TraceID(), span.ParentSpanID()}] {
					continue
				}
				if r, ok := found[span.TraceID()]; !ok || whole && !r.whole {
					found[span.TraceID()] = root{whole, f.judge(span, rs.Resource().Attributes())}
				}
			}
		}
	}
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				rule := found[span.TraceID()].rule
				removed[rule]++
				return rule != None
			})
			return ss.Spans().Len() == 0
		})
		return rs.ScopeSpans().Len() == 0
	})
	return removed
}

func (f *Filter) judge(span ptrace.Span, resource pcommon.Map) Rule {
	name := span.Name()
	if v, ok := span.Attributes().Get("resource.name"); ok {
		name = v.AsString()
	}
	for _, pattern := range f.IgnoreResources {
		if pattern.MatchString(name) {
			return IgnoredResource
		}
	}
	for i := range f.Reject {
		if v, ok := lookUp(f.Reject[i].Key, span.Attributes(), resource); ok && f.Reject[i].fits(v) {
			return RejectedTag
		}
	}
	for i := range f.Require {
		if v, ok := lookUp(f.Require[i].Key, span.Attributes(), resource); !ok || !f.Require[i].fits(v) {
			return RequiredTag
		}
	}
	return None
}

// otherNames are what OpenTelemetry calls Datadog's tags of a resource.
var otherNames = map[string][]string{
	"env":     {"deployment.environment.name", "deployment.environment"},
	"version": {"service.version"},
	"service": {"service.name"},
}

func lookUp(key string, span, resource pcommon.Map) (string, bool) {
	for _, m := range []pcommon.Map{span, resource} {
		if v, ok := m.Get(key); ok {
			return v.AsString(), true
		}
	}
	for _, other := range otherNames[key] {
		if v, ok := resource.Get(other); ok {
			return v.AsString(), true
		}
	}
	return "", false
}
