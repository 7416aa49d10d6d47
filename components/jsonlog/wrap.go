package jsonlog

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// ioStreamKey is the attribute of the semantic conventions for stdout and stderr.
const ioStreamKey = "log.iostream"

// unwrapCRI takes what the container runtime writes before a line off the body: time, stream and F for a whole line. A piece of a line
// stays as it is.
func unwrapCRI(record plog.LogRecord) {
	body := record.Body()
	if body.Type() != pcommon.ValueTypeStr {
		return
	}
	for {
		at, stream, line, ok := criPrefix(body.Str())
		if !ok {
			return
		}
		body.SetStr(line)
		setStream(record, stream)
		setTime(record, at)
	}
}

// criPrefix reads "2026-11-27T10:00:00.000000000Z stdout F line".
func criPrefix(s string) (at pcommon.Timestamp, stream, line string, ok bool) {
	// Nearly no line begins so: look before cutting.
	if len(s) < len("2026-11-27T10:00:00Z stdout F ") || s[0]-'0' > 9 || s[10] != 'T' {
		return 0, "", "", false
	}
	written, rest, _ := strings.Cut(s, " ")
	stream, rest, _ = strings.Cut(rest, " ")
	tag, line, ok := strings.Cut(rest, " ")
	if !ok || !isStream(stream) || tag != "F" && !strings.HasPrefix(tag, "F:") {
		return 0, "", "", false
	}
	at, ok = timeText(written)
	return at, stream, line, ok
}

func isStream(s string) bool { return s == "stdout" || s == "stderr" }

func setStream(record plog.LogRecord, stream string) {
	if v, found := record.Attributes().GetOrPutEmpty(ioStreamKey); !found {
		v.SetStr(stream)
	}
}

// wrapped is a line that another writer put into an object of its own, as Docker's json-file does: {"log":"…\n","stream":"stdout",
// "time":"…"}.
type wrapped struct {
	line   string
	docker bool // log, stream and time and nothing that is the application's
}

// unwrap tells whether values, an object that was read, wrap a line: log is an object itself, or the object is Docker's.
func unwrap(values pcommon.Map) (w wrapped, ok bool) {
	v, found := values.Get("log")
	if !found || v.Type() != pcommon.ValueTypeStr {
		return w, false
	}
	w.line = v.Str()
	stream, hasStream := values.Get("stream")
	_, hasTime := values.Get("time")
	w.docker = hasStream && hasTime && stream.Type() == pcommon.ValueTypeStr && isStream(stream.Str())
	return w, w.docker || looksLikeObject(w.line)
}

// takeStream makes the stream Docker names the attribute of the conventions.
func takeStream(record plog.LogRecord, values pcommon.Map) {
	v, found := values.Get("stream")
	if !found || v.Type() != pcommon.ValueTypeStr || !isStream(v.Str()) {
		return
	}
	setStream(record, v.Str())
	values.Remove("stream")
}
