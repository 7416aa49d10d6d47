package jsonlog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/transformprocessor"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/jsonlog/internal/metadata"
)

const benchLine = `{"event": "profile updated", "log_level": "info", "timestamp": "2026-01-02T03:04:05.678901Z", "logger": "app.profile", ` +
	`"dd.trace_id": "8234567890123456789", "dd.span_id": "1234567890", "dd.service": "sanic-backend", "dd.env": "staging", ` +
	`"user_id": 7, "took_ms": 12.5, "fields": ["displayName", "avatar"], "request": {"method": "POST", "path": "/profile"}}`

// BenchmarkParse compares ways to read one line into pdata, without bounds but
// for ours.
func BenchmarkParse(b *testing.B) {
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := parser{depth: 16, left: 512}
			if err := p.parse(benchLine, pcommon.NewMap()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding_json_use_number", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			d := json.NewDecoder(strings.NewReader(benchLine))
			d.UseNumber()
			raw := map[string]any{}
			if err := d.Decode(&raw); err != nil {
				b.Fatal(err)
			}
			// What FromRaw would do with a json.Number is one more walk; left out in its favour.
		}
	})
}

// BenchmarkProcess compares the whole processor with the nearest thing the
// transform processor can do: 100 records a batch.
func BenchmarkProcess(b *testing.B) {
	b.Run("json/ours", func(b *testing.B) { run(b, ours(b), benchLine) })
	b.Run("json/ottl", func(b *testing.B) { run(b, ottl(b), benchLine) })
	b.Run("plain/ours", func(b *testing.B) { run(b, ours(b), "GET /cart 200 12ms") })
	b.Run("plain/ottl", func(b *testing.B) { run(b, ottl(b), "GET /cart 200 12ms") })
}

func ours(b *testing.B) processor.Logs {
	p, err := NewFactory().CreateLogs(b.Context(), processortest.NewNopSettings(metadata.Type), createDefaultConfig(), consumertest.NewNop())
	require.NoError(b, err)
	return p
}

func ottl(b *testing.B) processor.Logs {
	factory := transformprocessor.NewFactory()
	cfg := factory.CreateDefaultConfig()
	require.NoError(b, confmap.NewFromStringMap(map[string]any{
		"log_statements": []any{map[string]any{"context": "log", "statements": []any{
			`merge_maps(attributes, ParseJSON(body), "insert") where IsMatch(body, "^\\s*\\{")`,
			`set(attributes["log.record.original"], body) where attributes["event"] != nil`,
			`set(time, Time(attributes["timestamp"], "%Y-%m-%dT%H:%M:%S.%LZ")) where attributes["timestamp"] != nil`,
			`set(severity_number, SEVERITY_NUMBER_INFO) where attributes["log_level"] == "info"`,
			`set(body, attributes["event"]) where attributes["event"] != nil`,
		}}},
	}).Unmarshal(cfg))
	p, err := factory.CreateLogs(b.Context(), processortest.NewNopSettings(factory.Type()), cfg, consumertest.NewNop())
	require.NoError(b, err)
	return p
}

func run(b *testing.B, p processor.Logs, line string) {
	records := plog.NewLogs()
	for range 100 {
		slice := records.ResourceLogs()
		if slice.Len() == 0 {
			slice.AppendEmpty().ScopeLogs().AppendEmpty()
		}
		slice.At(0).ScopeLogs().At(0).LogRecords().AppendEmpty().Body().SetStr(line)
	}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		ld := plog.NewLogs()
		records.CopyTo(ld)
		b.StartTimer()
		if err := p.ConsumeLogs(b.Context(), ld); err != nil {
			b.Fatal(err)
		}
	}
}
