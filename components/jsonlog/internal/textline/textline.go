package textline

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// headBytes is how much of a line is looked at.
const headBytes = 256

// Facts are what a line says.
type Facts struct {
	Severity plog.SeverityNumber // 0: none
	Text     string              // the level as it was written
	Time     time.Time           // zero: none
}

// Read looks at the beginning of a line.
func Read(line string) (f Facts) {
	s := line[:min(len(line), headBytes)]
	if strings.IndexByte(s, 0x1b) >= 0 {
		s = uncoloured(s)
	}
	if s == "" || s[0] == '{' {
		return f
	}
	if n := f.priority(s); n > 0 {
		s = s[n:]
	}
	if f.Severity == 0 && f.start(s) {
		return f
	}
	f.afterTime(s)
	return f
}

// set keeps the first severity.
func (f *Facts) set(n plog.SeverityNumber, ok bool, text string) bool {
	if ok && f.Severity == 0 {
		f.Severity, f.Text = n, text
	}
	return ok
}

// uncoloured is s without CSI sequences: ESC, [, up to 32 bytes and a letter.
func uncoloured(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != 0x1b || i+1 == len(s) || s[i+1] != '[' {
			b.WriteByte(s[i])
			continue
		}
		end := i + 2
		for end < len(s) && end < i+34 && (s[end]|0x20 < 'a' || s[end]|0x20 > 'z') {
			end++
		}
		i = end
	}
	return b.String()
}

// priority reads syslog's <PRI> and returns how long it is.
func (f *Facts) priority(s string) int {
	if s[0] != '<' {
		return 0
	}
	digits := count(s[1:])
	if digits == 0 || digits > 3 || 1+digits == len(s) || s[1+digits] != '>' {
		return 0
	}
	if n := number(s[1 : 1+digits]); n < 192 {
		f.set(syslog[n&7], true, "")
		return 2 + digits
	}
	return 0
}

// start reads the forms that begin with the level, and logfmt.
func (f *Facts) start(s string) bool {
	word := letters(s)
	rest := s[len(word):]
	switch {
	case word == "":
		if !strings.HasPrefix(s, "[") {
			return false
		}
		inner, _, ok := strings.Cut(s[1:], "]")
		if !ok {
			return false
		}
		n, ok := anyCase(strings.TrimSpace(inner)) // [ERROR] text
		return f.set(n, ok, strings.TrimSpace(inner))
	case len(word) == 1 && strings.HasPrefix(rest, ", ["): // I, [2026-11-27T10:00:00.123456 #7]  INFO -- : text
		n, ok := ruby(word[0])
		return f.set(n, ok, word)
	case len(word) == 1 && count(rest) == 4 && len(rest) > 13 && rest[4] == ' ': // I1127 10:00:00.000000       7 main.go:7] text
		_, _, _, clocked := hms(rest[5:])
		n, ok := ruby(word[0])
		return f.set(n, ok && clocked > 0 && strings.IndexByte("IWEF", word[0]) >= 0, word)
	case strings.HasPrefix(rest, ": ") && dotnet[word] != 0 && strings.HasSuffix(firstField(rest[2:]), "]"): // info: Shop.Orders[0]
		return f.set(dotnet[word], true, word)
	case strings.HasPrefix(rest, ":") && len(rest) > 1: // ERROR:shop.orders:text, INFO:     text
		n, ok := level(word)
		return f.set(n, ok && (rest[1] == ' ' || strings.IndexByte(firstField(rest[1:]), ':') > 0), word)
	case strings.HasPrefix(rest, "["): // INFO[0007] text
		n, ok := level(word)
		seconds := count(rest[1:])
		return f.set(n, ok && seconds >= 4 && strings.HasPrefix(rest[1+seconds:], "]"), word)
	case strings.HasPrefix(rest, "="):
		return f.logfmt(s)
	}
	return false
}

// logfmt reads level= and time= of a line that begins with a key.
func (f *Facts) logfmt(s string) bool {
	for s != "" {
		key, rest, ok := strings.Cut(s, "=")
		if !ok || strings.IndexByte(key, ' ') >= 0 {
			break
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				break
			}
			value, rest = rest[1:1+end], rest[2+end:]
		} else {
			value = firstField(rest)
			rest = rest[len(value):]
		}
		switch key {
		case "level", "lvl", "severity":
			n, ok := anyCase(value)
			f.set(n, ok, value)
		case "time", "ts", "timestamp":
			if n, t, zoned := clock(value); zoned && n == len(value) && f.Time.IsZero() {
				f.Time = t
			}
		case "msg", "message":
			return true
		}
		s = strings.TrimLeft(rest, " ")
	}
	return true
}

// maxFields is how many fields may stand between the time and the level: process, thread, name.
const maxFields = 4

// afterTime reads the forms that begin with a time.
func (f *Facts) afterTime(s string) {
	n, t, zoned := clock(s)
	switch {
	case n > 0:
		s = s[n:]
	case strings.HasPrefix(s, "["):
		inner, rest, ok := strings.Cut(s[1:], "]")
		if !ok {
			return
		}
		if n, t, zoned = clock(inner); n > 0 {
			// [12:00:00 INF] text, [2026-11-27T10:00:00Z INFO  shop] text
			word := strings.TrimLeft(inner[n:], " ")
			word = firstField(word)
			number, ok := level(word)
			if !ok {
				number, ok = serilog[word]
			}
			f.set(number, ok, word)
		} else if !isApacheTime(inner) {
			return
		}
		s = rest
	default:
		return
	}
	if zoned {
		f.Time = t
	}
	if f.Severity == 0 {
		f.fields(s)
	}
}

// fields looks for the level behind the time.
func (f *Facts) fields(s string) {
	if strings.HasPrefix(s, "|") { // 2026-11-27 10:00:00.1234|ERROR|Shop|text
		word, _, ok := strings.Cut(s[1:], "|")
		n, known := level(word)
		f.set(n, ok && known, word)
		return
	}
	if strings.HasPrefix(s, "\t") { // zap: tabs around it, any case
		word, _, ok := strings.Cut(s[1:], "\t")
		n, known := anyCase(word)
		f.set(n, ok && known, word)
		return
	}
	if strings.HasPrefix(s, " - ") { // Python: time - name - LEVEL - text
		if name, rest, ok := strings.Cut(s[3:], " - "); ok {
			if n, ok := level(name); ok {
				f.set(n, true, name)
				return
			}
			word, _, ok := strings.Cut(rest, " - ")
			n, known := level(word)
			f.set(n, ok && known && strings.IndexByte(name, ' ') < 0, word)
		}
		return
	}
	for range maxFields {
		s = strings.TrimLeft(s, " ")
		if s == "" {
			return
		}
		if s[0] == '[' {
			inner, rest, ok := strings.Cut(s[1:], "]")
			if !ok || f.bracket(inner) {
				return
			}
			s = rest
			continue
		}
		field := firstField(s)
		if f.field(field) || !between(field) {
			return
		}
		s = s[len(field):]
	}
}

// bracket reads [error], [core:error], [ERROR].
func (f *Facts) bracket(inner string) bool {
	if _, after, ok := strings.Cut(inner, ":"); ok {
		inner = after
	}
	inner = strings.TrimSpace(inner)
	n, ok := anyCase(inner)
	return f.set(n, ok, inner)
}

// field reads LEVEL, LEVEL: and channel.LEVEL:.
func (f *Facts) field(field string) bool {
	word, colon := strings.CutSuffix(field, ":")
	if n, ok := level(word); ok {
		return f.set(n, true, word)
	}
	if !colon {
		return false
	}
	if n, ok := postgres[word]; ok {
		return f.set(n, true, word)
	}
	if dot := strings.LastIndexByte(word, '.'); dot > 0 {
		n, ok := level(word[dot+1:])
		return f.set(n, ok, word[dot+1:])
	}
	return false
}

// between reports whether a field may stand between the time and the level: a number, a zone, a user of a database.
func between(field string) bool {
	return count(field) == len(field) || field == "UTC" || field == "GMT" || strings.IndexByte(field, '@') > 0
}

// isApacheTime recognises Fri Nov 27 10:00:00.000000 2026.
func isApacheTime(s string) bool {
	if len(s) < len("Fri Nov 27 10:00:00 2026") || s[3] != ' ' || s[7] != ' ' || s[10] != ' ' {
		return false
	}
	_, _, _, n := hms(s[11:])
	return n > 0
}

// letters are those s begins with.
func letters(s string) string {
	n := 0
	for n < len(s) && s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' {
		n++
	}
	return s[:n]
}

// firstField is s up to its first blank or tab.
func firstField(s string) string {
	if i := strings.IndexAny(s, " \t"); i >= 0 {
		return s[:i]
	}
	return s
}
