package textline

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/plog"
)

const (
	trace  = plog.SeverityNumberTrace
	debug  = plog.SeverityNumberDebug
	info   = plog.SeverityNumberInfo
	notice = plog.SeverityNumberInfo2
	warn   = plog.SeverityNumberWarn
	fail   = plog.SeverityNumberError
	fatal  = plog.SeverityNumberFatal
	panics = plog.SeverityNumberFatal2
	emerg  = plog.SeverityNumberFatal3
)

// names are the levels as loggers write them in capitals.
var names = map[string]plog.SeverityNumber{
	"TRACE": trace, "FINEST": trace, "VERBOSE": trace, "DEBUG": debug, "FINE": debug, "INFO": info, "INFORMATION": info, "NOTICE": notice,
	"WARN": warn, "WARNING": warn, "ERROR": fail, "ERR": fail, "SEVERE": fail, "FATAL": fatal, "CRITICAL": fatal, "CRIT": fatal,
	"DPANIC": fatal, "PANIC": panics, "ALERT": panics, "EMERGENCY": emerg, "EMERG": emerg,
}

// longestName is the length of the longest.
const longestName = len("INFORMATION")

// level reads a word in capitals.
func level(word string) (plog.SeverityNumber, bool) {
	if len(word) < 3 || len(word) > longestName || word[0] < 'A' || word[0] > 'Z' {
		return 0, false
	}
	n, ok := names[word]
	return n, ok
}

// anyCase reads a word in a place where nothing but a level stands.
func anyCase(word string) (plog.SeverityNumber, bool) {
	if len(word) < 3 || len(word) > longestName {
		return 0, false
	}
	var upper [longestName]byte
	for i := range len(word) {
		c := word[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return 0, false
		}
		upper[i] = c &^ 0x20
	}
	n, ok := names[string(upper[:len(word)])]
	return n, ok
}

// The short names of some loggers, each in its own place.
var (
	dotnet   = map[string]plog.SeverityNumber{"trce": trace, "dbug": debug, "info": info, "warn": warn, "fail": fail, "crit": fatal}
	serilog  = map[string]plog.SeverityNumber{"VRB": trace, "DBG": debug, "INF": info, "WRN": warn, "ERR": fail, "FTL": fatal}
	postgres = map[string]plog.SeverityNumber{
		"DEBUG1": debug, "DEBUG2": debug, "DEBUG3": debug, "DEBUG4": debug, "DEBUG5": debug, "INFO": info, "NOTICE": notice, "LOG": info,
		"WARNING": warn, "ERROR": fail, "FATAL": fatal, "PANIC": panics,
	}
	// syslog is by the lower three bits of <PRI>.
	syslog = [8]plog.SeverityNumber{emerg, panics, fatal, fail, warn, notice, info, debug}
)

func ruby(c byte) (plog.SeverityNumber, bool) {
	i := strings.IndexByte("DIWEFA", c)
	if i < 0 {
		return 0, false
	}
	return [...]plog.SeverityNumber{debug, info, warn, fail, fatal, info}[i], true
}
