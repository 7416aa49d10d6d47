package entry

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// maxAge is the age above which Datadog takes no entries, 18 h, less what they may still wait on the way.
const maxAge = 18*time.Hour - 10*time.Minute

// Maker makes entries.
type Maker struct {
	// Host is that of records and resources that name none.
	Host string
	// Tags are added to each entry.
	Tags []string
	// Clamp gives entries that are too old the present time.
	Clamp bool
	Now   func() time.Time
}

// Entry is one entry: the fields of Datadog's log intake.
// https://docs.datadoghq.com/api/latest/logs/#send-logs
type Entry map[string]any

// Make makes the entry of one record. late reports whether it is older than Datadog takes.
func (m *Maker) Make(r *Resource, record plog.LogRecord) (e Entry, late bool) {
	attrs := record.Attributes()
	e = make(Entry, attrs.Len()+len(r.attributes)+12)
	used := fields{
		"service":  first(text(attrs, "dd.service"), text(attrs, "service"), r.service, text(attrs, "service.name")),
		"ddsource": first(text(attrs, "ddsource"), text(attrs, "datadog.log.source"), r.source, "otlp_log_ingestion"),
		"hostname": first(r.host, text(attrs, "host.name"), m.Host),
		"status":   status(attrs, record),
		"ddtags":   r.tags(text(attrs, "dd.env"), text(attrs, "dd.version"), text(attrs, "ddtags"), m.Tags),
	}
	var f flat
	used["message"] = f.body(record.Body())
	f.attributes(attrs)
	f.missing(r.attributes)
	used.ids(attrs, record)
	late = m.time(record, used)
	f.into(e, used)
	return e, late
}

// fields are those with a meaning to the intake.
type fields map[string]any

func (f fields) ids(attrs pcommon.Map, record plog.LogRecord) {
	if id := record.TraceID(); !id.IsEmpty() {
		f["otel.trace_id"] = hex.EncodeToString(id[:])
		f["dd.trace_id"] = strconv.FormatUint(binary.BigEndian.Uint64(id[8:]), 10)
	}
	if id := record.SpanID(); !id.IsEmpty() {
		f["otel.span_id"] = hex.EncodeToString(id[:])
		f["dd.span_id"] = strconv.FormatUint(binary.BigEndian.Uint64(id[:]), 10)
	}
	for _, key := range [...]string{"dd.trace_id", "dd.span_id"} {
		if own := text(attrs, key); own != "" {
			f[key] = own
		}
	}
}

// time sets the time of an entry: its own, or when it was seen, never when it is sent.
func (m *Maker) time(record plog.LogRecord, f fields) (late bool) {
	at := record.Timestamp()
	if at == 0 {
		at = record.ObservedTimestamp()
	}
	now := m.Now()
	if at == 0 {
		f["timestamp"] = now.UnixMilli()
		return false
	}
	f["timestamp"] = at.AsTime().UnixMilli()
	if now.Sub(at.AsTime()) <= maxAge {
		return false
	}
	if m.Clamp {
		f["timestamp"] = now.UnixMilli()
		f["otel.timestamp"] = strconv.FormatUint(uint64(at), 10)
	}
	return true
}

// status is the level of a record, as Datadog writes it.
func status(attrs pcommon.Map, record plog.LogRecord) string {
	for _, s := range [...]string{str(attrs, "status"), str(attrs, "level"), record.SeverityText()} {
		if known := level(s); known != "" {
			return known
		}
	}
	switch n := record.SeverityNumber(); {
	case n <= plog.SeverityNumberUnspecified || n > plog.SeverityNumberFatal4:
		return "info"
	case n <= plog.SeverityNumberTrace4:
		return "trace"
	case n <= plog.SeverityNumberDebug4:
		return "debug"
	case n <= plog.SeverityNumberInfo4:
		return "info"
	case n <= plog.SeverityNumberWarn4:
		return "warn"
	case n <= plog.SeverityNumberError4:
		return "error"
	}
	return "fatal"
}

// level returns a level in lower case, and nothing for a text that is none: status may be anything's.
func level(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "trace", "debug", "info", "notice", "warn", "warning", "error", "err", "critical", "crit", "fatal", "alert", "emergency", "emerg", "panic", "ok", "verbose":
		return s
	case "information", "informational":
		return "info"
	case "severe":
		return "error"
	}
	return ""
}

func str(m pcommon.Map, key string) string {
	if v, ok := m.Get(key); ok && v.Type() == pcommon.ValueTypeStr {
		return v.Str()
	}
	return ""
}

func text(m pcommon.Map, key string) string {
	v, ok := m.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
