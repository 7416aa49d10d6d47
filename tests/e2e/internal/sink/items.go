package sink

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Span is a span that arrived, with the resource it came under.
type Span struct {
	ptrace.Span
	Resource pcommon.Map
}

// Service is the resource's service.name, "" when it has none.
func (s Span) Service() string { return Str(s.Resource, "service.name") }

// Log is a log record that arrived, with the resource it came under.
type Log struct {
	plog.LogRecord
	Resource pcommon.Map
}

// Str is the attribute as a string, "" when it is missing.
func Str(attrs pcommon.Map, key string) string {
	v, ok := attrs.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

// Spans are all spans that arrived, in order of arrival.
func (s *Sink) Spans() []Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var spans []Span
	for _, td := range s.traces {
		for _, rs := range td.ResourceSpans().All() {
			for _, ss := range rs.ScopeSpans().All() {
				for _, span := range ss.Spans().All() {
					spans = append(spans, Span{span, rs.Resource().Attributes()})
				}
			}
		}
	}
	return spans
}

// Logs are all log records that arrived, in order of arrival.
func (s *Sink) Logs() []Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	var logs []Log
	for _, ld := range s.logs {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, record := range sl.LogRecords().All() {
					logs = append(logs, Log{record, rl.Resource().Attributes()})
				}
			}
		}
	}
	return logs
}

// Metrics are all metrics that arrived, in order of arrival.
func (s *Sink) Metrics() []pmetric.Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var metrics []pmetric.Metric
	for _, md := range s.metrics {
		for _, rm := range md.ResourceMetrics().All() {
			for _, sm := range rm.ScopeMetrics().All() {
				for _, metric := range sm.Metrics().All() {
					metrics = append(metrics, metric)
				}
			}
		}
	}
	return metrics
}
