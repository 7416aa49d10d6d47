package tagtruncate

import (
	"math"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// limiter holds one scope's attributes within its limits.
type limiter struct {
	scope   scope
	limits  Limits
	cutter  *cutter
	keys    *cutter // the same without marker and graphemes: keys are compared, not read
	ruleSet *ruleSet
	notes   *notes
	long    reason // why a string was cut: value_length, or body_length

	// What fits needs to know about one attribute, as plain numbers.
	maxAttributes int
	shortValue    int // no value of at most this many bytes is too long
	shortKey      int
	looks         bool // lengths alone do not tell
}

func newLimiter(s scope, l Limits, b *ruleSet, c *cutter, n *notes) *limiter {
	keys := *c
	keys.marker, keys.markerSize, keys.graphemes = "", 0, false
	lim := &limiter{
		looks: b.anyFirstByte || c.checkAll,
		scope: s, limits: l, cutter: c, keys: &keys, ruleSet: b, notes: n, long: valueLength,
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
	// What goes is not cut first.
	l.dropByRule(attrs, done, report)
	l.dropByCount(attrs, done, report)
	if longKeys := l.cutValues(attrs, done, report); longKeys {
		l.cutKeys(attrs, done, report)
	}
	return uint32(before - attrs.Len())
}

// cutValues applies limits and rules to all values, and reports whether a key
// is too long.
func (l *limiter) cutValues(attrs pcommon.Map, done *tally, report *keyList) (longKeys bool) {
	cut, bytes := 0, 0
	for k, v := range attrs.All() {
		longKeys = longKeys || !l.keyFits(k)
		if l.short(v) && !l.ruleSet.watches(k) {
			continue
		}
		what := l.ruleSet.look(k)
		if what.protected {
			continue
		}
		// The usual cut is made and counted here: 0.80 instead of 0.96 ms for
		// the 16 000 values of BenchmarkTruncate.
		if end := l.plainEnd(v, what); end > 0 && !done.noted {
			cut++
			bytes += len(v.Str()) - end
			v.SetStr(v.Str()[:end])
			report.add(k)
		} else if l.value(k, v, what, done) {
			report.add(k)
		}
	}
	if cut > 0 {
		done.dirty = true
		done.n[l.scope][l.long] += int64(cut)
		done.bytes[l.scope][l.long] += int64(bytes)
	}
	return longKeys
}

// plainEnd is where value would cut v, if v is a string that is cut without
// marker, repair or copy; else 0.
func (l *limiter) plainEnd(v pcommon.Value, what *verdict) int {
	s, limit := v.Str(), l.limits.MaxValue
	if what.maxValue > 0 {
		limit = what.maxValue
	}
	if !l.cutter.plain || what.hash || what.stripQuery || limit == 0 || len(s) <= limit || len(s)-limit > keepAlive {
		return 0
	}
	if strings.HasSuffix(s, l.cutter.sendersMark) && l.cutter.sendersMark != "" {
		return 0
	}
	if l.cutter.reads && !ascii(s[:limit]) || !l.cutter.reads && !utf8.RuneStart(s[limit]) {
		return 0
	}
	return limit
}

// fits reports whether attrs certainly need no change. It is the whole cost of
// data within its limits, so it compares lengths and looks no key up.
func (l *limiter) fits(attrs pcommon.Map) bool {
	for k, v := range attrs.All() {
		s := v.Str()
		if len(s) > l.shortValue || len(k) > l.shortKey || s == "" && !plain(v) {
			return false
		}
	}
	return attrs.Len() <= l.maxAttributes && (!l.looks || l.unremarkable(attrs))
}

// plain reports whether v, which holds no text, can never be too long.
func plain(v pcommon.Value) bool {
	switch v.Type() {
	case pcommon.ValueTypeBytes, pcommon.ValueTypeMap, pcommon.ValueTypeSlice:
		return false
	}
	return true
}

// unremarkable reports whether no attribute is watched by a rule or, under
// repair_all, invalid.
func (l *limiter) unremarkable(attrs pcommon.Map) bool {
	for k, v := range attrs.All() {
		if l.ruleSet.watches(k) || l.cutter.checkAll && !(valid(k) && valid(v.Str())) {
			return false
		}
	}
	return true
}

// short reports whether v certainly needs no change but for a watched key.
func (l *limiter) short(v pcommon.Value) bool {
	s := v.Str()
	return len(s) <= l.shortValue && (s != "" || plain(v)) && (!l.cutter.checkAll || valid(s))
}

// keyFits reports whether k stays as it is. A protected key does: cut, it would
// be another key.
func (l *limiter) keyFits(k string) bool {
	short := len(k) <= l.shortKey || l.keys.end(k, l.limits.MaxKey) == len(k)
	return short && (!l.cutter.checkAll || valid(k)) || l.ruleSet.look(k).protected
}

// value applies what to v and reports whether it changed.
func (l *limiter) value(key string, v pcommon.Value, what *verdict, done *tally) bool {
	limit := l.limits.MaxValue
	if what.maxValue > 0 {
		limit = what.maxValue
	}
	switch {
	case what.hash:
		return l.hash(key, v, done)
	case what.stripQuery:
		stripped := l.stripQuery(key, v, done)
		return l.deep(key, v, limit, 0, done) || stripped
	case v.Type() == pcommon.ValueTypeStr:
		return l.str(key, v, v.Str(), limit, done)
	}
	return l.deep(key, v, limit, 0, done)
}

// deep cuts v and everything inside it. level is how many containers v is in.
func (l *limiter) deep(key string, v pcommon.Value, limit, level int, done *tally) (changed bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return l.str(key, v, v.Str(), limit, done)
	case pcommon.ValueTypeBytes:
		return l.bytes(key, v.Bytes(), limit, done)
	case pcommon.ValueTypeMap:
		if l.tooDeep(level) {
			return l.flatten(key, v, limit, done)
		}
		m := v.Map()
		if l.tooMany(m.Len()) {
			i := 0
			m.RemoveIf(func(string, pcommon.Value) bool { i++; return l.beyond(i, key, done) })
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
		if l.tooMany(s.Len()) {
			i := 0
			s.RemoveIf(func(pcommon.Value) bool { i++; return l.beyond(i, key, done) })
			changed = true
		}
		for i := range s.Len() {
			changed = l.deep(key, s.At(i), limit, level+1, done) || changed
		}
	}
	return changed
}

func (l *limiter) tooDeep(level int) bool { return l.limits.MaxDepth > 0 && level >= l.limits.MaxDepth }

func (l *limiter) tooMany(n int) bool { return l.limits.MaxElements > 0 && n > l.limits.MaxElements }

// beyond reports, and counts, that the i-th element is one too many.
func (l *limiter) beyond(i int, key string, done *tally) bool {
	if i <= l.limits.MaxElements {
		return false
	}
	l.count(key, elementCount, 0, done)
	return true
}

func (l *limiter) str(key string, v pcommon.Value, s string, limit int, done *tally) bool {
	out, short, repaired := l.cutter.cut(s, limit)
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
	kept := make([]byte, limit) // AsRaw would copy all of it
	for i := range kept {
		kept[i] = b.At(i)
	}
	b.FromRaw(kept)
	return true
}

func (l *limiter) count(key string, r reason, bytes int, done *tally) {
	done.add(l.scope, r, bytes)
	if done.noted {
		l.notes.write(l.scope, r, key)
	}
}
