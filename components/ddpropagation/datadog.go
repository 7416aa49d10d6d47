package ddpropagation

import (
	"context"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

const (
	logTraceIDKey = "dd.trace_id"
	logSpanIDKey  = "dd.span_id"
)

// datadogWriter writes the ids of log records as the attributes Datadog's log intake reads, for ways that do not end in the Datadog exporter.
type datadogWriter struct {
	format string
	telemetry
}

func newDatadogWriter(set processor.Settings, cfg *Config) (*datadogWriter, error) {
	tel, err := newTelemetry(set, "logs", []string{"record"})
	return &datadogWriter{format: cfg.Logs.Format, telemetry: tel}, err
}

func (w *datadogWriter) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	var counts tally
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				w.write(record, &counts[0])
			}
		}
	}
	w.add(ctx, &counts)
	return ld, nil
}

// write adds the pair of attributes, or neither when another trace's or an unknown trace's are there. A placeholder gives way.
func (w *datadogWriter) write(record plog.LogRecord, counts *[outcomeCount]int64) {
	id := identityOf(record)
	if !id.hasTrace() {
		counts[absent]++
		return
	}
	attrs := record.Attributes()
	trace, o := fieldIn(attrs, logTraceIDKey).traceID(ddid.DatadogKey)
	span, spanOutcome := fieldIn(attrs, logSpanIDKey).spanID(ddid.DatadogKey, trace)
	sameSpan := spanOutcome == mapped && span == id.span
	switch {
	case o == mapped && id.is(trace):
		counts[unchanged]++
	case o != absent, spanOutcome != absent && !sameSpan:
		counts[conflictExisting]++
		return
	case w.format == formatDecimal64 && id.lower == 0:
		counts[outOfRange]++ // legal for W3C, but 0 is Datadog's word for none
		return
	default:
		put(attrs, logTraceIDKey, w.traceID(id))
		counts[mapped]++
	}
	if id.span == 0 {
		return
	}
	switch {
	case sameSpan:
		counts[unchanged]++
	case spanOutcome != absent:
		counts[conflictExisting]++
	default:
		put(attrs, logSpanIDKey, strconv.FormatUint(id.span, 10))
		counts[mapped]++
	}
}

// put writes value where path stands, flat or nested, and otherwise as a flat attribute.
func put(attrs pcommon.Map, path, value string) {
	if v, ok := findIn(attrs, path); ok {
		v.SetStr(value)
		return
	}
	attrs.PutStr(path, value)
}

func (w *datadogWriter) traceID(id identity) string {
	if w.format == formatDecimal64 || w.format == formatAuto && id.upper == 0 {
		return strconv.FormatUint(id.lower, 10)
	}
	var buf [32]byte
	return string(ddcontext.AppendHex64(ddcontext.AppendHex64(buf[:0], id.upper), id.lower))
}
