package tagtruncate

import "go.opentelemetry.io/collector/pdata/pcommon"

// dropByRule removes the attributes a drop rule names.
func (l *limiter) dropByRule(attrs pcommon.Map, done *tally, report *keyList) {
	if !l.ruleSet.anyFirstByte {
		return
	}
	attrs.RemoveIf(func(k string, _ pcommon.Value) bool {
		if !l.ruleSet.look(k).drop {
			return false
		}
		l.count(k, dropRule, 0, done)
		report.add(k)
		return true
	})
}

// dropByCount removes what exceeds the attribute count. Protected attributes
// are kept first, then the others, both in the order they stand in: the rule
// the SDKs follow, so a span they limited already loses nothing here.
func (l *limiter) dropByCount(attrs pcommon.Map, done *tally, report *keyList) {
	if attrs.Len() <= l.maxAttributes {
		return
	}
	space := l.maxAttributes
	if report != nil && !has(attrs, report.name) {
		space-- // for the report itself
	}
	protected := 0
	for k := range attrs.All() {
		if l.ruleSet.look(k).protected {
			protected++
		}
	}
	protected = min(protected, space)
	others := space - protected
	anyProtected := protected > 0
	attrs.RemoveIf(func(k string, _ pcommon.Value) bool {
		left := &others
		if anyProtected && l.ruleSet.look(k).protected {
			left = &protected
		}
		if *left > 0 {
			*left--
			return false
		}
		l.count(k, attributeCount, 0, done)
		report.add(k)
		return true
	})
}

func has(attrs pcommon.Map, key string) bool {
	_, found := attrs.Get(key)
	return found
}

// cutKeys shortens the keys that are too long. Of two keys that become the
// same the first one stays, unless another had that name already: OTLP wants
// keys to be unique.
func (l *limiter) cutKeys(attrs pcommon.Map, done *tally, report *keyList) {
	taken := make(map[string]struct{}, attrs.Len())
	for k := range attrs.All() {
		if l.keyFits(k) {
			taken[k] = struct{}{}
		}
	}
	out := pcommon.NewMap()
	out.EnsureCapacity(attrs.Len())
	for k, v := range attrs.All() {
		name := k
		if !l.keyFits(k) {
			short, cut, _ := l.keys.cut(k, l.limits.MaxKey)
			name = short
			report.add(name)
			if _, collides := taken[name]; collides {
				l.count(name, keyCollision, 0, done)
				continue
			}
			taken[name] = struct{}{}
			why := invalidUTF8
			if cut {
				why = keyLength
			}
			l.count(name, why, len(k)-len(name), done)
		}
		dest, twice := out.GetOrPutEmpty(name)
		if twice {
			l.count(name, keyCollision, 0, done)
			continue
		}
		v.MoveTo(dest)
	}
	out.MoveTo(attrs)
}
