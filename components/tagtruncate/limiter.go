package tagtruncate

import (
	"math"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// limiter holds one scope's attributes within its limits.
type limiter struct {
	scope  scope
	limits Limits
	shears *shears
	keys   *shears // the same without marker and graphemes: keys are compared, not read
	book   *book
	notes  *notes
	long   reason // why a string was cut: value_length, or body_length

	// What fits needs to know about one attribute, as plain numbers.
	maxAttributes int
	shortValue    int // no value of at most this many bytes is too long
	shortKey      int
}

func newLimiter(s scope, l Limits, b *book, sh *shears, n *notes) *limiter {
	keys := *sh
	keys.marker, keys.markerSize, keys.graphemes = "", 0, false
	lim := &limiter{
		scope: s, limits: l, shears: sh, keys: &keys, book: b, notes: n, long: valueLength,
		maxAttributes: orNone(l.MaxAttributes), shortValue: orNone(l.MaxValue), shortKey: orNone(l.MaxKey),
	}
	if b.shortest > 0 {
		lim.shortValue = min(lim.shortValue, b.shortest)
	}
	return lim
}

func orNone(limit int) int {
	if limit == 0 {
		return math.MaxInt
	}
	return limit
}

// limit brings attrs within the limits, counts what it did in done, and
// returns how many attributes it removed. report, if not nil, collects keys.
func (l *limiter) limit(attrs pcommon.Map, done *tally, report *keyList) (dropped uint32) {
	if l.fits(attrs) {
		return 0
	}
	before := attrs.Len()
	l.dropByRule(attrs, done, report)
	l.dropByCount(attrs, done, report)
	longKeys := false
	for k, v := range attrs.All() {
		longKeys = longKeys || !l.keyFits(k)
		what := l.book.look(k)
		if what.protected {
			continue
		}
		if l.value(k, v, what, done) {
			report.add(k)
		}
	}
	if longKeys {
		l.cutKeys(attrs, done, report)
	}
	return uint32(before - attrs.Len())
}

// fits reports whether attrs certainly need no change. It is the whole cost of
// data within limits, so it compares lengths and looks no key up.
func (l *limiter) fits(attrs pcommon.Map) bool {
	if attrs.Len() > l.maxAttributes {
		return false
	}
	for k, v := range attrs.All() {
		switch v.Type() {
		case pcommon.ValueTypeStr:
			s := v.Str()
			if len(s) > l.shortValue || l.shears.repair && !utf8.ValidString(s) {
				return false
			}
		case pcommon.ValueTypeBytes:
			if v.Bytes().Len() > l.shortValue {
				return false
			}
		case pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
			return false
		}
		if len(k) > l.shortKey || l.shears.repair && !utf8.ValidString(k) {
			return false
		}
		if l.book.anyLead && (k == "" || l.book.lead[k[0]]) {
			return false
		}
	}
	return true
}

func (l *limiter) keyFits(k string) bool {
	return len(k) <= l.shortKey && !(l.shears.repair && !utf8.ValidString(k))
}

// value applies what to v and reports whether it changed.
func (l *limiter) value(key string, v pcommon.Value, what verdict, done *tally) bool {
	if what.hash {
		return l.hash(key, v, done)
	}
	changed := what.stripQuery && l.stripQuery(key, v, done)
	limit := l.limits.MaxValue
	if what.maxValue > 0 {
		limit = what.maxValue
	}
	return l.deep(key, v, limit, 0, done) || changed
}

// deep cuts v and everything inside it. level is how many containers v is in.
func (l *limiter) deep(key string, v pcommon.Value, limit, level int, done *tally) (changed bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return l.str(key, v, limit, done)
	case pcommon.ValueTypeBytes:
		return l.bytes(key, v.Bytes(), limit, done)
	case pcommon.ValueTypeMap:
		if l.tooDeep(level) {
			return l.flatten(key, v, limit, done)
		}
		m := v.Map()
		if n := l.excess(m.Len()); n > 0 {
			i := 0
			m.RemoveIf(func(string, pcommon.Value) bool { i++; return i > l.limits.MaxElements })
			l.count(key, elementCount, 0, done)
			changed = true
		}
		longKeys := false
		for k, inner := range m.All() {
			longKeys = longKeys || !l.keyFits(k)
			changed = l.deep(key, inner, limit, level+1, done) || changed
		}
		if longKeys {
			l.cutKeys(m, done, nil)
			changed = true
		}
	case pcommon.ValueTypeSlice:
		if l.tooDeep(level) {
			return l.flatten(key, v, limit, done)
		}
		s := v.Slice()
		if n := l.excess(s.Len()); n > 0 {
			i := 0
			s.RemoveIf(func(pcommon.Value) bool { i++; return i > l.limits.MaxElements })
			l.count(key, elementCount, 0, done)
			changed = true
		}
		for i := range s.Len() {
			changed = l.deep(key, s.At(i), limit, level+1, done) || changed
		}
	}
	return changed
}

func (l *limiter) tooDeep(level int) bool { return l.limits.MaxDepth > 0 && level >= l.limits.MaxDepth }

func (l *limiter) excess(n int) int {
	if l.limits.MaxElements == 0 {
		return 0
	}
	return n - l.limits.MaxElements
}

func (l *limiter) str(key string, v pcommon.Value, limit int, done *tally) bool {
	s := v.Str()
	out, short, repaired := l.shears.cut(s, limit)
	if !short && !repaired {
		return false
	}
	if repaired {
		l.count(key, invalidUTF8, 0, done)
	}
	if short {
		l.count(key, l.long, len(s)-len(out), done)
	}
	v.SetStr(out)
	return true
}

// bytes cuts a byte array, whose unit is always the byte.
func (l *limiter) bytes(key string, b pcommon.ByteSlice, limit int, done *tally) bool {
	if limit == 0 || b.Len() <= limit {
		return false
	}
	l.count(key, l.long, b.Len()-limit, done)
	b.FromRaw(b.AsRaw()[:limit])
	return true
}

func (l *limiter) count(key string, r reason, bytes int, done *tally) {
	done.add(l.scope, r, bytes)
	l.notes.write(l.scope, r, key)
}
