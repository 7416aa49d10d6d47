package rumlinkprocessor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Strangers write bodies and attributes: whatever is in them, nothing panics,
// the record's text stays, and an id is set as a whole or not at all.
func FuzzParseIDs(f *testing.F) {
	f.Add(`{"dd.trace_id": 11113860776713014118, "dd.span_id": "1"}`, "dd.trace_id", "6720f3a8000000009a3c5d7e1f204b66")
	f.Add(`{"dd": {"trace_id": "1", "span_id": 2}}`, "traceparent", "00-6720f3a8000000009a3c5d7e1f204b66-8000000000000001-01")
	f.Add(`{"trace_id": {}, "dd": 1}`, "traceparent", "00--")
	f.Fuzz(func(t *testing.T, body, name, value string) {
		lr := plog.NewLogRecord()
		lr.Body().SetStr(body)
		lr.Attributes().PutStr(name, value)
		(&IDsConfig{ParseAttributes: true, ParseBody: true}).parseIDs(lr)
		require.Equal(t, body, lr.Body().Str())
		require.Equal(t, 1, lr.Attributes().Len())
		if lr.TraceID().IsEmpty() {
			require.True(t, lr.SpanID().IsEmpty())
		}
	})
}
