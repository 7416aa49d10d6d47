package index

import "go.opentelemetry.io/collector/pdata/pcommon"

func mapOf(pairs ...string) pcommon.Map {
	m := pcommon.NewMap()
	for i := 0; i < len(pairs); i += 2 {
		m.PutStr(pairs[i], pairs[i+1])
	}
	return m
}
