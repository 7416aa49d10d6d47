package rumlinkprocessor

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

func TestReadmeConfigurationsLoad(t *testing.T) {
	readmetest.Configs(t, "processors", "rum_link", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

// The table of keys is the configuration's own list of keys, with its defaults.
func TestReadmeListsEveryKeyAndDefault(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	want := map[string]string{}
	for _, key := range conf.AllKeys() {
		var text string
		switch v := conf.Get(key).(type) {
		case time.Duration:
			text = strings.TrimSuffix(v.String(), "m0s") + "m"
			if v == 0 {
				text = "0s"
			}
		case string:
			text = v
			if v == "" {
				text = `""`
			}
		case []any:
			var all []string
			for _, item := range v {
				all = append(all, item.(string))
			}
			text = "[" + strings.Join(all, ", ") + "]"
		default:
			raw, err := yaml.Marshal(v)
			require.NoError(t, err)
			text = strings.TrimSpace(string(raw))
		}
		want[key] = "`" + text + "`"
	}
	got := map[string]string{}
	section := strings.Split(strings.Split(readmetest.Text(t), "## Configuration")[1], "## Before")[0]
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9_:]+)` \\| (.+?) \\|").FindAllStringSubmatch(section, -1) {
		got[row[1]] = row[2]
	}
	require.Equal(t, want, got)
}

// emitted runs a collector in which everything happens that can be counted.
func emitted(t *testing.T) map[string][]string {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()

	free := createDefaultConfig().(*Config)
	free.Spans.Events.MaxPerSpan = 1
	l := newLinkerWith(t, free, set, componenttest.NewNopHost())
	failing := func() *linker { // two errors for one span
		ld := someLogs(traceID(1), spanID(1), "one", "two")
		for _, lr := range ld.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().All() {
			lr.SetSeverityNumber(17)
		}
		l.putLogs(ld)
		return l
	}
	failing()
	failing() // duplicates
	l.putTraces(someSpan(traceID(1), spanID(1), "span"))
	low := traceID(1)
	low[0] = 0
	l.putLogs(someLogs(low, spanID(1), "low half and late"))
	low[0] = 0x11
	l.putLogs(someLogs(low, spanID(1), "another upper half"))

	full := createDefaultConfig().(*Config)
	full.Store.MaxEntries, full.Store.OnFull = 1, dropNew
	l = newLinkerWith(t, full, set, componenttest.NewNopHost())
	l.putLogs(someLogs(traceID(1), spanID(1), "counted"))
	l.putLogs(someLogs(traceID(2), spanID(2), "uncounted"))

	d := journaltest.NewDisk()
	l = newLinkerWith(t, storedConfig(), set, d.Host())
	l.putLogs(someLogs(traceID(1), spanID(1), "waits"))
	l.advance(2 * time.Minute)
	l.eventually("waits id")
	l.putLogs(someLogs(traceID(1), spanID(1), "waits"))
	l.next.refuse(errPermanent)
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { r, _ := l.queues[1].Held(); return r == 0 }, soon, time.Millisecond)
	l.next.refuse(nil)
	d.Refuse(context.DeadlineExceeded)
	l.putLogs(someLogs(traceID(1), spanID(2), "passes"))
	d.Refuse(nil)

	var data metricdata.ResourceMetrics
	require.NoError(t, tel.Reader.Collect(t.Context(), &data))
	all := map[string][]string{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			if !strings.HasPrefix(m.Name, "otelcol_processor_rum_link_") {
				continue
			}
			var set attribute.Set
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				set = data.DataPoints[0].Attributes
			case metricdata.Gauge[int64]:
				set = data.DataPoints[0].Attributes
			case metricdata.Histogram[float64]:
				set = data.DataPoints[0].Attributes
			}
			keys := []string{}
			for _, attr := range set.ToSlice() {
				if attr.Key != "processor" {
					keys = append(keys, string(attr.Key))
				}
			}
			require.True(t, set.HasValue("processor"), m.Name)
			all[m.Name] = keys
		}
	}
	return all
}

// The README's metrics and their attributes are those that are emitted.
func TestReadmeListsEveryMetric(t *testing.T) {
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(otelcol_[a-z0-9_]+)` \\| (.*?) ?\\|").FindAllStringSubmatch(readmetest.Text(t), -1) {
		keys := strings.FieldsFunc(strings.ReplaceAll(row[2], "`", ""), func(r rune) bool { return r == ',' || r == ' ' })
		if keys == nil {
			keys = []string{}
		}
		slices.Sort(keys)
		documented[row[1]] = keys
	}
	require.Equal(t, documented, emitted(t))
}
