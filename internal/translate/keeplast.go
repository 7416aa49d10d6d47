package translate

import "go.opentelemetry.io/collector/pdata/pcommon"

// KeepLast removes all entries of one key but the last from a map that was built without looking for them. Its time is linear in
// the entries.
func KeepLast(m pcommon.Map) {
	if m.Len() <= 1 {
		return
	}
	last := make(map[string]int, m.Len())
	i := 0
	for key := range m.All() {
		last[key] = i
		i++
	}
	if len(last) == m.Len() {
		return
	}
	i = -1
	m.RemoveIf(func(key string, _ pcommon.Value) bool {
		i++
		return last[key] != i
	})
}
