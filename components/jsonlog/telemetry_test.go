package jsonlog

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"
	otelattribute "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/components/jsonlog/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

// everyOutcome holds one record for each outcome, and both kinds of unused values.
func everyOutcome() plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for _, line := range []string{
		`{"a":1,"a":2,"taken":"mine"}`, `plain`, `{"message":"was json"}`, `{`,
		`{"a":"` + strings.Repeat("x", 256<<10) + `"}`, strings.Repeat(`{"a":`, 100), `[`, `{"a":[` + strings.Repeat("1,", 600) + `1]}`,
	} {
		record := records.AppendEmpty()
		record.Body().SetStr(line)
		record.Attributes().PutStr("taken", "by another")
	}
	records.At(2).Attributes().PutStr(originalKey, "the line it came from")
	return ld
}

func TestEveryRecordIsCountedOnce(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	p, err := newSpreader(set, createDefaultConfig().(*Config))
	require.NoError(t, err)
	_, err = p.processLogs(t.Context(), everyOutcome())
	require.NoError(t, err)

	require.Equal(t, map[string]int64{
		"parsed": 1, "plain": 2, "already_parsed": 1, "invalid": 1, "too_large": 1, "too_deep": 1, "too_many_values": 1,
	}, counts(t, tel, "otelcol_processor_json_log_records", "outcome"))
	require.Equal(t, map[string]int64{"duplicate_key": 1, "existing_attribute": 1},
		counts(t, tel, "otelcol_processor_json_log_unused_values", "reason"))

	for _, name := range slices.Concat(outcomeNames[:], unusedNames[:]) {
		require.Contains(t, readmetest.Text(t), "`"+name+"`")
	}
	readmetest.EqualMetrics(t, tel.Reader, "otelcol_processor_json_log_")
}

func counts(t *testing.T, tel *componenttest.Telemetry, name, attribute string) map[string]int64 {
	t.Helper()
	m, err := tel.GetMetric(name)
	require.NoError(t, err)
	got := map[string]int64{}
	for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
		v, ok := point.Attributes.Value("processor")
		require.True(t, ok)
		require.Equal(t, metadata.Type.String(), v.AsString()[:len(metadata.Type.String())])
		v, _ = point.Attributes.Value(otelattribute.Key(attribute))
		got[v.AsString()] += point.Value
	}
	return got
}

// Every configuration the README shows is loaded and validated, and every key
// of its table with its default is what the code has.
func TestREADMEShowsWhatLoads(t *testing.T) {
	readmetest.Configs(t, "processors", "json_log", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
	text := readmetest.Text(t)

	// The first JSON block becomes the second.
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1)
	require.Len(t, example, 2)
	var before, after map[string]any
	require.NoError(t, json.Unmarshal([]byte(example[0][1]), &before))
	require.NoError(t, json.Unmarshal([]byte(example[1][1]), &after))
	record := plog.NewLogRecord()
	record.Body().SetStr(before["body"].(string))
	require.Equal(t, parsed, newTestSpreader(t).process(record, new(tally)))
	attrs := record.Attributes().AsRaw()
	require.Equal(t, before["body"], attrs[originalKey])
	attrs[originalKey] = after["attributes"].(map[string]any)[originalKey] // shortened there
	attrs["user_id"] = float64(attrs["user_id"].(int64))
	require.Equal(t, after, map[string]any{
		"timeUnixNano":   strconv.FormatInt(record.Timestamp().AsTime().UnixNano(), 10),
		"severityNumber": float64(record.SeverityNumber()), "severityText": record.SeverityText(),
		"body": record.Body().Str(), "attributes": attrs,
	})

	shown := map[string]any{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| `([^`]*)` \\|").FindAllStringSubmatch(text, -1) {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(row[2]), &v), row[2])
		shown[row[1]] = v
	}
	fromTable := new(Config)
	require.NoError(t, confmap.NewFromStringMap(shown).Unmarshal(fromTable))
	require.Equal(t, createDefaultConfig(), fromTable)
}
