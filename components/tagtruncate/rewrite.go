package tagtruncate

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// hashPrefix marks a hashed value; 16 bytes of SHA-256 follow in hex: enough
// that two different values do not meet, short enough for every backend.
const hashPrefix = "sha256:"

// hash replaces v by a digest of its text, so that equal values stay equal.
func (l *limiter) hash(key string, v pcommon.Value, done *tally) bool {
	if v.Type() == pcommon.ValueTypeStr && isHash(v.Str()) {
		return false
	}
	text := v.AsString()
	sum := sha256.Sum256([]byte(text))
	digest := hashPrefix + hex.EncodeToString(sum[:16])
	l.count(key, hashed, len(text)-len(digest), done)
	v.SetStr(digest)
	return true
}

func isHash(s string) bool {
	digits, marked := strings.CutPrefix(s, hashPrefix)
	return marked && len(digits) == 32 && strings.Trim(digits, "0123456789abcdef") == ""
}

// stripQuery removes a URL's query, and the fragment behind it.
func (l *limiter) stripQuery(key string, v pcommon.Value, done *tally) bool {
	if v.Type() != pcommon.ValueTypeStr {
		return false
	}
	s := v.Str()
	at := strings.IndexByte(s, '?')
	if at < 0 {
		return false
	}
	l.count(key, stripQuery, len(s)-at, done)
	v.SetStr(strings.Clone(s[:at]))
	return true
}

// flatten replaces a container that is too deep by the beginning of its JSON
// text, so that what it said can still be read.
func (l *limiter) flatten(key string, v pcommon.Value, limit int, done *tally) bool {
	text := jsonText{left: math.MaxInt}
	if limit > 0 {
		text.left = limit*utf8.UTFMax + 1
	}
	text.value(v)
	out, _, _ := l.cutter.cut(string(text.buf), limit)
	l.count(key, depth, 0, done)
	v.SetStr(out)
	return true
}
