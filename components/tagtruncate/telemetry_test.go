package tagtruncate

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-obs/otelcol-obs/components/tagtruncate/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

// strict is a configuration under which one span and one log meet every reason.
func strict() *Config {
	cfg := createDefaultConfig().(*Config)
	for _, l := range cfg.everyLimits() {
		*l = Limits{MaxValue: 4, MaxKey: 4, MaxAttributes: 9, MaxElements: 1, MaxDepth: 1}
	}
	cfg.Span.MaxName, cfg.Span.MaxStatusMessage, cfg.Span.MaxEvents, cfg.Span.MaxLinks = 4, 4, 1, 1
	cfg.Log.MaxBodyBytes = 4
	cfg.InvalidUTF8 = utf8RepairAll
	cfg.Rules = map[string]Rule{"url": {StripQuery: true}, "mail": {Action: actionHash}, "drop": {Action: actionDrop}}
	return cfg
}

func everyReason() (ptrace.Traces, plog.Logs) {
	td := ptrace.NewTraces()
	span := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	a := span.Attributes()
	a.PutStr("drop", "x")
	a.PutStr("long", "12345")
	a.PutStr("url", "a?b=c")
	a.PutStr("mail", "ada@example.com")
	a.PutStr("bad", "\xff")
	list := a.PutEmptySlice("list")
	list.AppendEmpty().SetEmptySlice().AppendEmpty().SetStr("deep")
	list.AppendEmpty()
	a.PutStr("12345", "first")
	a.PutStr("12346", "second")
	a.PutStr("a", "")
	a.PutStr("b", "")
	a.PutStr("one too many", "")
	span.SetName("12345")
	span.Status().SetMessage("12345")
	for range 2 {
		span.Events().AppendEmpty()
		span.Links().AppendEmpty()
	}
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr("12345")
	return td, ld
}

func TestEveryReasonIsCountedByScope(t *testing.T) {
	tel := componenttest.NewTelemetry()
	defer func() { require.NoError(t, tel.Shutdown(t.Context())) }()
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	p, err := newTruncator(set, strict())
	require.NoError(t, err)
	td, ld := everyReason()
	_, err = p.processTraces(t.Context(), td)
	require.NoError(t, err)
	_, err = p.processLogs(t.Context(), ld)
	require.NoError(t, err)

	var rm metricdata.ResourceMetrics
	require.NoError(t, tel.Reader.Collect(t.Context(), &rm))
	got := map[string]int64{}
	for _, m := range rm.ScopeMetrics[0].Metrics {
		short := strings.TrimPrefix(m.Name, "otelcol_processor_tag_truncate_")
		for _, point := range m.Data.(metricdata.Sum[int64]).DataPoints {
			scope, _ := point.Attributes.Value("scope")
			reason, _ := point.Attributes.Value("reason")
			got[short+" "+scope.AsString()+" "+reason.AsString()] = point.Value
		}
	}
	require.Equal(t, map[string]int64{
		"cut_values span value_length":  3, // long, "first", and "second" before its key meets the first one's
		"cut_values span key_length":    1,
		"cut_values span name_length":   1,
		"cut_values span status_length": 1,
		"cut_values span depth":         1,
		"cut_values span strip_query":   1,
		"cut_values span hash":          1,
		"cut_values span invalid_utf8":  1,
		"cut_values log body_length":    1,

		"dropped_attributes span attribute_count": 1,
		"dropped_attributes span rule":            1,
		"dropped_attributes span key_collision":   1,
		"dropped_items event count":               1,
		"dropped_items link count":                1,
		"dropped_items span element_count":        1,

		"removed_bytes span value_length":  4,
		"removed_bytes span key_length":    1,
		"removed_bytes span name_length":   1,
		"removed_bytes span status_length": 1,
		"removed_bytes span strip_query":   4,
		"removed_bytes log body_length":    1,
	}, got)

	documented, err := os.ReadFile("documentation.md")
	require.NoError(t, err)
	for _, name := range slices.Concat(scopeNames[:], reasonNames[:]) {
		require.True(t, strings.Contains(string(documented), "``"+name+"``"), "metadata.yaml does not list %s", name)
	}
}

func TestTheDebugLogNamesASampleOfTheKeysAndNoValue(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	set := processortest.NewNopSettings(metadata.Type)
	set.Logger = zap.New(core)
	cfg := createDefaultConfig().(*Config)
	p, err := newTruncator(set, cfg)
	require.NoError(t, err)
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range 100 {
		spans.AppendEmpty().Attributes().PutStr("http.request.body", strings.Repeat("secret", 1000))
	}
	_, err = p.processTraces(t.Context(), td)
	require.NoError(t, err)
	require.Equal(t, notesPerInterval, logs.Len())
	entry := logs.All()[0]
	require.Equal(t, map[string]any{"scope": "span", "reason": "value_length", "key": "http.request.body"}, entry.ContextMap())
	require.NotContains(t, entry.Message, "secret")
}

// Every configuration the README shows is loaded and validated, and its tables
// name every key, every profile and the defaults.
func TestREADMEShowsWhatLoads(t *testing.T) {
	text := readmetest.Text(t)
	var last *Config
	readmetest.Configs(t, "processors", "tag_truncate", func(block string, conf *confmap.Conf) {
		last = createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(last), block)
		require.NoError(t, last.Validate(), block)
	})
	for _, name := range profileNames() {
		require.Contains(t, text, "`"+name+"`")
	}

	_, list, _ := strings.Cut(text, "**Protected by default:**")
	list, _, _ = strings.Cut(list, "\n\n")
	protected := []string{}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(list, -1) {
		protected = append(protected, m[1])
	}
	require.ElementsMatch(t, identityKeys(), protected)

	// The last configuration turns the first JSON block into the second.
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(text, -1)
	require.Len(t, example, 2)
	var before, after map[string]any
	require.NoError(t, json.Unmarshal([]byte(example[0][1]), &before))
	require.NoError(t, json.Unmarshal([]byte(example[1][1]), &after))
	p, err := newTruncator(processortest.NewNopSettings(metadata.Type), last)
	require.NoError(t, err)
	attrs := pcommon.NewMap()
	require.NoError(t, attrs.FromRaw(before))
	p.span.limit(attrs, new(tally), nil)
	require.Equal(t, after, attrs.AsRaw())

	shown := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[a-z_:`, ]+`) \\| `([0-9]+)` \\|").FindAllStringSubmatch(text, -1) {
		for _, key := range regexp.MustCompile("[a-z_:]+").FindAllString(row[1], -1) {
			shown[key] = row[2]
		}
	}
	cfg := createDefaultConfig().(*Config)
	cfg.Rules = nil
	for _, l := range cfg.named() {
		want, found := shown[l.name]
		if !found {
			_, key, _ := strings.Cut(l.name, "::")
			want, found = shown[key]
		}
		require.True(t, found, "%s is not in the README", l.name)
		require.Equal(t, want, strconv.Itoa(l.limit), l.name)
	}
	require.Len(t, shown, 5+6, "the README names limits that do not exist")
}
