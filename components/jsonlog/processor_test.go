package jsonlog

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processortest"

	"github.com/otelcol-obs/otelcol-obs/components/jsonlog/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

// Every folder of testdata is one case: a config, what came in, what goes out.
// What goes out is sent through once more: twice must be once.
func TestGolden(t *testing.T) {
	goldentest.Cases(t, "testdata/*", func(t *testing.T, dir string) {
		cfg := createDefaultConfig().(*Config)
		goldentest.Config(t, dir, cfg)
		in, out := filepath.Join(dir, "in.yaml"), filepath.Join(dir, "out.yaml")
		sink := new(consumertest.LogsSink)
		p, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, sink)
		require.NoError(t, err)
		require.NoError(t, p.ConsumeLogs(t.Context(), goldentest.Logs(t, in)))
		goldentest.EqualLogs(t, out, sink.AllLogs()[0])
		require.NoError(t, p.ConsumeLogs(t.Context(), goldentest.Logs(t, out)))
		goldentest.EqualLogs(t, out, sink.AllLogs()[1])
	})
}

func newTestSpreader(t testing.TB) *spreader {
	t.Helper()
	p, err := newSpreader(processortest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	require.NoError(t, err)
	return p
}

func TestInvalidUTF8IsRepairedInValuesAndKeptInTheOriginal(t *testing.T) {
	line := "{\"message\":\"caf\xe9\",\"k\xff\":\"v\xfe\"}"
	record := plog.NewLogRecord()
	record.Body().SetStr(line)
	require.Equal(t, parsed, newTestSpreader(t).process(record, new(tally)))
	require.Equal(t, "caf\uFFFD", record.Body().Str())
	require.Equal(t, map[string]any{originalKey: line, "k\uFFFD": "v\uFFFD"}, record.Attributes().AsRaw())
}

func TestALineThatDoesNotParseLeavesTheRecordAsItWas(t *testing.T) {
	for line, want := range map[string]outcome{
		`{"a":1,"b":{"c":[1,2,`:                        invalid,
		`{"a":1}` + "\x00":                             invalid,
		strings.Repeat(`{"a":`, 100):                   tooDeep,
		`{"a":[` + strings.Repeat("1,", 600) + `1]}`:   tooMany,
		`{"a":"` + strings.Repeat("x", 256<<10) + `"}`: tooLarge,
		`   `: plain,
		`{"message":"` + strings.Repeat(`\`, 9) + `"}`:  invalid,
		`{"message":"` + strings.Repeat(`\\`, 9) + `"}`: parsed,
	} {
		record, before := plog.NewLogRecord(), plog.NewLogRecord()
		record.Body().SetStr(line)
		record.Attributes().PutStr("kept", "yes")
		record.CopyTo(before)
		require.Equal(t, want, newTestSpreader(t).process(record, new(tally)), line[:min(len(line), 40)])
		if want != parsed {
			require.Equal(t, before, record)
		}
	}
}

func plainLogs(n int) plog.Logs {
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		record := records.AppendEmpty()
		record.Body().SetStr("GET /cart 200 12ms")
		record.Attributes().PutStr("http.route", "/cart")
		record.Attributes().PutInt("http.status_code", 200)
	}
	return ld
}

func TestConfigErrorsNameTheKeyTheRuleAndWhatWasGiven(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	require.NoError(t, cfg.Validate())
	cfg.MaxBytes, cfg.MaxDepth, cfg.MaxValues, cfg.BodyKeys = 0, 5000, -1, []string{"msg", ""}
	require.EqualError(t, cfg.Validate(), "max_bytes must be positive, got 0\n"+
		"max_values must be positive, got -1\n"+
		"max_depth must be at most 64, got 5000\n"+
		"body_keys must not hold an empty key")
}

// FuzzProcess holds any body and any attribute to three promises: no panic,
// twice is once, and what does not parse is not touched.
func FuzzProcess(f *testing.F) {
	f.Add(`{"message":"{\"a\":1}","level":"info"}`, "log", `{"b":2}`)
	f.Add(`plain`, "log", `{"msg":"plain","ts":1767323045.5}`)
	f.Add(``, "message", `{"message":"x","message":"y"}`)
	f.Add(`{"log.record.original":"x","log":"{}"}`, "log", `{}`)
	f.Add(`2026-11-27T10:00:00Z stdout F {"log":"{\"a\":1}\n","stream":"stderr","time":"2026-11-27T10:00:00Z"}`, "fluent.tag", `t`)
	f.Add(`2026-11-27T10:00:00Z stdout F 2026-11-27T10:00:00Z ERROR x`, "message", `text`)
	f.Fuzz(func(t *testing.T, body, key, value string) {
		p := newTestSpreader(t)
		record := plog.NewLogRecord()
		record.Body().SetStr(body)
		record.Attributes().PutStr(key, value)
		before := plog.NewLogRecord()
		record.CopyTo(before)

		got := p.process(record, new(tally))
		if got != parsed && got != plain && record.Body().Str() == body {
			require.Equal(t, before, record)
			return
		}
		kept, found := record.Attributes().Get(key)
		require.True(t, !found || key == ioStreamKey || kept.Str() == value)
		once := plog.NewLogRecord()
		record.CopyTo(once)
		p.process(record, new(tally))
		require.Equal(t, once, record)
	})
}
