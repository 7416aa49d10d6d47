package decode

import "go.opentelemetry.io/collector/pdata/pcommon"

// keySet finds duplicates: by looking at a few keys, by hash at many.
type keySet struct {
	few    [16]sym
	values [16]pcommon.Value
	n      int
	many   map[sym]pcommon.Value
}

func (s *keySet) find(key sym) (pcommon.Value, bool) {
	if s.many != nil {
		v, ok := s.many[key]
		return v, ok
	}
	for i, k := range s.few[:s.n] {
		if k == key {
			return s.values[i], true
		}
	}
	return pcommon.Value{}, false
}

func (s *keySet) add(key sym, value pcommon.Value, expected int) {
	if s.many == nil && expected > len(s.few) {
		s.many = make(map[sym]pcommon.Value)
	}
	if s.many != nil {
		s.many[key] = value
		return
	}
	s.few[s.n], s.values[s.n] = key, value
	s.n++
}
