package jsonlog

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// severities by lower-case name, as the OpenTelemetry logs data model's
// appendix B maps them, except critical: most JSON lines that say it come from
// Python, whose OpenTelemetry SDK calls it FATAL.
var severities = map[string]plog.SeverityNumber{
	"trace": plog.SeverityNumberTrace, "finest": plog.SeverityNumberTrace, "verbose": plog.SeverityNumberTrace,
	"debug": plog.SeverityNumberDebug, "fine": plog.SeverityNumberDebug,
	"info": plog.SeverityNumberInfo, "information": plog.SeverityNumberInfo, "informational": plog.SeverityNumberInfo,
	"notice": plog.SeverityNumberInfo2,
	"warn":   plog.SeverityNumberWarn, "warning": plog.SeverityNumberWarn,
	"error": plog.SeverityNumberError, "err": plog.SeverityNumberError, "exception": plog.SeverityNumberError,
	"severe": plog.SeverityNumberError,
	"fatal":  plog.SeverityNumberFatal, "critical": plog.SeverityNumberFatal, "crit": plog.SeverityNumberFatal,
	"dpanic": plog.SeverityNumberFatal, "panic": plog.SeverityNumberFatal2, "alert": plog.SeverityNumberFatal2,
	"emergency": plog.SeverityNumberFatal3, "emerg": plog.SeverityNumberFatal3,
}

// numbered levels of bunyan and pino. They are read under the key level only:
// Python's 10 to 50 mean other things but stand under levelno, and syslog's 0
// to 7 and zap's -1 to 5 contradict each other and are left alone.
var numbered = map[int64]struct {
	number plog.SeverityNumber
	text   string
}{
	10: {plog.SeverityNumberTrace, "TRACE"},
	20: {plog.SeverityNumberDebug, "DEBUG"},
	30: {plog.SeverityNumberInfo, "INFO"},
	40: {plog.SeverityNumberWarn, "WARN"},
	50: {plog.SeverityNumberError, "ERROR"},
	60: {plog.SeverityNumberFatal, "FATAL"},
}

// longestLevel is longer than any name above and slog's "ERROR+2147483647".
const longestLevel = 24

// severity reads the value of key. The text is the level as written.
func severity(key string, v pcommon.Value) (number plog.SeverityNumber, text string, ok bool) {
	switch v.Type() {
	case pcommon.ValueTypeInt:
		level, ok := numbered[v.Int()]
		return level.number, level.text, ok && key == "level"
	case pcommon.ValueTypeStr:
		if len(v.Str()) > longestLevel {
			return 0, "", false
		}
		name := strings.ToLower(strings.TrimSpace(v.Str()))
		if number, ok = severities[name]; !ok {
			number, ok = slogLevel(name)
		}
		return number, v.Str(), ok
	}
	return 0, "", false
}

// slogLevel reads the levels Go's slog has no name for, as info+2 and debug-4.
// slog and OpenTelemetry both count four steps from one name to the next.
func slogLevel(name string) (plog.SeverityNumber, bool) {
	at := strings.IndexAny(name, "+-")
	if at < 0 {
		return 0, false
	}
	base, known := severities[name[:at]]
	step, err := strconv.Atoi(name[at:])
	if !known || err != nil {
		return 0, false
	}
	n := int(base) + step
	return plog.SeverityNumber(min(max(n, int(plog.SeverityNumberTrace)), int(plog.SeverityNumberFatal4))), true
}
