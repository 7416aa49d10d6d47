package retrypolicy

import (
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// Signals as they appear in metrics and file names.
const (
	traces   = "traces"
	logs     = "logs"
	metrics  = "metrics"
	profiles = "profiles"
	unknown  = "unknown"
)

const (
	protobuf = "application/x-protobuf"
	jsonType = "application/json"
)

// signalOf guesses the signal from a URL path or a gRPC method: the last word
// in it that names one, as in /v1/traces, /api/v2/otlpmetrics or
// /opentelemetry.proto.collector.logs.v1.LogsService/Export.
func signalOf(path string) string {
	path = strings.ToLower(path)
	signal, at := unknown, -1
	for word, s := range map[string]string{"trace": traces, "log": logs, "metric": metrics, "profile": profiles} {
		if i := strings.LastIndex(path, word); i > at {
			signal, at = s, i
		}
	}
	return signal
}

var (
	errNotSplittable = errors.New("only OTLP traces, logs and metrics can be split")
	errOneItem       = errors.New("a single item can't be split")
)

// halve cuts an OTLP export request in two. Order is kept: all that is in the
// first half came before all that is in the second.
func halve(signal, contentType string, body []byte) (first, second []byte, err error) {
	asJSON := strings.HasPrefix(contentType, jsonType)
	if !asJSON && !strings.HasPrefix(contentType, protobuf) {
		return nil, nil, fmt.Errorf("%w, got %s", errNotSplittable, contentType)
	}
	switch signal {
	case traces:
		req := ptraceotlp.NewExportRequest()
		if err := unmarshal(req, body, asJSON); err != nil {
			return nil, nil, err
		}
		a, b := halveTraces(req.Traces())
		if a.SpanCount() == 0 || b.SpanCount() == 0 {
			return nil, nil, errOneItem
		}
		return marshalBoth(ptraceotlp.NewExportRequestFromTraces(a), ptraceotlp.NewExportRequestFromTraces(b), asJSON)
	case logs:
		req := plogotlp.NewExportRequest()
		if err := unmarshal(req, body, asJSON); err != nil {
			return nil, nil, err
		}
		a, b := halveLogs(req.Logs())
		if a.LogRecordCount() == 0 || b.LogRecordCount() == 0 {
			return nil, nil, errOneItem
		}
		return marshalBoth(plogotlp.NewExportRequestFromLogs(a), plogotlp.NewExportRequestFromLogs(b), asJSON)
	case metrics:
		req := pmetricotlp.NewExportRequest()
		if err := unmarshal(req, body, asJSON); err != nil {
			return nil, nil, err
		}
		a, b := halveMetrics(req.Metrics())
		if a.DataPointCount() == 0 || b.DataPointCount() == 0 {
			return nil, nil, errOneItem
		}
		return marshalBoth(pmetricotlp.NewExportRequestFromMetrics(a), pmetricotlp.NewExportRequestFromMetrics(b), asJSON)
	}
	return nil, nil, errNotSplittable
}

type message interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

func unmarshal(m message, body []byte, asJSON bool) error {
	if asJSON {
		return m.UnmarshalJSON(body)
	}
	return m.UnmarshalProto(body)
}

func marshalBoth(a, b message, asJSON bool) (first, second []byte, err error) {
	marshal := message.MarshalProto
	if asJSON {
		marshal = message.MarshalJSON
	}
	if first, err = marshal(a); err != nil {
		return nil, nil, err
	}
	second, err = marshal(b)
	return first, second, err
}

// rejected returns the number of items that a 2xx answer says were not taken.
// An answer that can't be read is one without rejections, as for the exporter.
func rejected(signal, contentType string, body []byte) int64 {
	asJSON := strings.HasPrefix(contentType, jsonType)
	if len(body) == 0 || !asJSON && !strings.HasPrefix(contentType, protobuf) {
		return 0
	}
	switch signal {
	case traces:
		resp := ptraceotlp.NewExportResponse()
		if unmarshal(resp, body, asJSON) == nil {
			return resp.PartialSuccess().RejectedSpans()
		}
	case logs:
		resp := plogotlp.NewExportResponse()
		if unmarshal(resp, body, asJSON) == nil {
			return resp.PartialSuccess().RejectedLogRecords()
		}
	case metrics:
		resp := pmetricotlp.NewExportResponse()
		if unmarshal(resp, body, asJSON) == nil {
			return resp.PartialSuccess().RejectedDataPoints()
		}
	}
	return 0
}

func halveTraces(td ptrace.Traces) (a, b ptrace.Traces) {
	b = ptrace.NewTraces()
	left := td.SpanCount() / 2
	td.ResourceSpans().RemoveIf(func(rs ptrace.ResourceSpans) bool {
		rest := ptrace.NewResourceSpans()
		rs.ScopeSpans().RemoveIf(func(ss ptrace.ScopeSpans) bool {
			n := ss.Spans().Len()
			if n <= left {
				left -= n
				return false
			}
			moved := rest.ScopeSpans().AppendEmpty()
			ss.Scope().CopyTo(moved.Scope())
			moved.SetSchemaUrl(ss.SchemaUrl())
			keep := left
			left = 0
			ss.Spans().RemoveIf(func(span ptrace.Span) bool {
				if keep > 0 {
					keep--
					return false
				}
				span.MoveTo(moved.Spans().AppendEmpty())
				return true
			})
			return ss.Spans().Len() == 0
		})
		if rest.ScopeSpans().Len() > 0 {
			rs.Resource().CopyTo(rest.Resource())
			rest.SetSchemaUrl(rs.SchemaUrl())
			rest.MoveTo(b.ResourceSpans().AppendEmpty())
		}
		return rs.ScopeSpans().Len() == 0
	})
	return td, b
}

func halveLogs(ld plog.Logs) (a, b plog.Logs) {
	b = plog.NewLogs()
	left := ld.LogRecordCount() / 2
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rest := plog.NewResourceLogs()
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			n := sl.LogRecords().Len()
			if n <= left {
				left -= n
				return false
			}
			moved := rest.ScopeLogs().AppendEmpty()
			sl.Scope().CopyTo(moved.Scope())
			moved.SetSchemaUrl(sl.SchemaUrl())
			keep := left
			left = 0
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				if keep > 0 {
					keep--
					return false
				}
				lr.MoveTo(moved.LogRecords().AppendEmpty())
				return true
			})
			return sl.LogRecords().Len() == 0
		})
		if rest.ScopeLogs().Len() > 0 {
			rl.Resource().CopyTo(rest.Resource())
			rest.SetSchemaUrl(rl.SchemaUrl())
			rest.MoveTo(b.ResourceLogs().AppendEmpty())
		}
		return rl.ScopeLogs().Len() == 0
	})
	return ld, b
}
