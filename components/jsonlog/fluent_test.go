package jsonlog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// field of a fluent record; records are ordered.
type field struct{ key, value string }

// fromFluent is a record as the fluent receiver hands it on: log or message is the body, the rest are attributes.
func fromFluent(line string, fields ...field) plog.LogRecord {
	record := plog.NewLogRecord()
	record.SetTimestamp(pcommon.NewTimestampFromTime(time.Unix(1767323046, 0)))
	record.SetObservedTimestamp(pcommon.NewTimestampFromTime(time.Unix(1767323047, 0)))
	record.Body().SetStr(line)
	record.Attributes().PutStr("fluent.tag", "app")
	for _, f := range fields {
		record.Attributes().PutStr(f.key, f.value)
	}
	return record
}

const structlogLine = `{"event":"profile updated","log_level":"info","user":"u7","timestamp":"2026-01-02T03:04:05.678901Z"}`

func TestALineParsedByFluentdGivesTheSameRecord(t *testing.T) {
	raw := fromFluent(structlogLine)
	// The parser filter with reserve_data true keeps log and appends the keys.
	reserved := fromFluent(structlogLine, field{"event", "profile updated"}, field{"log_level", "info"},
		field{"user", "u7"}, field{"timestamp", "2026-01-02T03:04:05.678901Z"})
	for _, record := range []plog.LogRecord{raw, reserved} {
		require.Equal(t, parsed, newTestSpreader(t).process(record, new(tally)))
		require.Equal(t, "profile updated", record.Body().Str())
		require.Equal(t, plog.SeverityNumberInfo, record.SeverityNumber())
		require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC), record.Timestamp().AsTime())
		require.Equal(t, time.Unix(1767323047, 0).UTC(), record.ObservedTimestamp().AsTime())
		require.Equal(t, map[string]any{
			"fluent.tag": "app", "log_level": "info", "user": "u7", "timestamp": "2026-01-02T03:04:05.678901Z", originalKey: structlogLine,
		}, record.Attributes().AsRaw())
	}
}

func TestAMessageBesideTheLineIsKeptAndNeverTakenForIt(t *testing.T) {
	record := fromFluent("GET /cart 200", field{"message", "beside it"})
	require.Equal(t, plain, newTestSpreader(t).process(record, new(tally)))
	require.Equal(t, "GET /cart 200", record.Body().Str())
	require.Equal(t, map[string]any{"fluent.tag": "app", "fluent.message": "beside it"}, record.Attributes().AsRaw())
}
