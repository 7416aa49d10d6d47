package datadogexporter

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/answers"
	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

// telemetry counts what happens.
type telemetry struct {
	self     attribute.KeyValue
	built    *metadata.TelemetryBuilder
	counters map[string]metric.Int64Counter // by the end of their names

	mu     sync.Mutex
	series func() int
	logged map[string]time.Time
}

func newTelemetry(set exporter.Settings, key *intake.Key) (*telemetry, error) {
	tb, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{self: attribute.String("exporter", set.ID.String()), built: tb, logged: map[string]time.Time{}}
	t.counters = map[string]metric.Int64Counter{
		"delta_points_left_out":     tb.ExporterDatadogIntakeDeltaPointsLeftOut,
		"trace_statistics_left_out": tb.ExporterDatadogIntakeTraceStatisticsLeftOut,
		"dropped_items":             tb.ExporterDatadogIntakeDroppedItems,
		"host_metadata_failures":    tb.ExporterDatadogIntakeHostMetadataFailures,
		"ignored_spans":             tb.ExporterDatadogIntakeIgnoredSpans,
		"late_items":                tb.ExporterDatadogIntakeLateItems,
		"repairs":                   tb.ExporterDatadogIntakeRepairs,
		"spans_sampled_out":         tb.ExporterDatadogIntakeSpansSampledOut,
		"splits":                    tb.ExporterDatadogIntakeSplits,
		"stats_groups":              tb.ExporterDatadogIntakeStatsGroups,
		"stats_late_spans":          tb.ExporterDatadogIntakeStatsLateSpans,
		"stats_overflow":            tb.ExporterDatadogIntakeStatsOverflow,
		"traces_kept":               tb.ExporterDatadogIntakeTracesKept,
		"truncated_entries":         tb.ExporterDatadogIntakeTruncatedEntries,
	}
	self := metric.WithAttributeSet(attribute.NewSet(t.self))
	err = tb.RegisterExporterDatadogIntakeKeyStateCallback(func(_ context.Context, o metric.Int64Observer) error {
		state := int64(1)
		if key.Refused() {
			state = 0
		}
		o.Observe(state, self)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, tb.RegisterExporterDatadogIntakeDeltaSeriesCallback(func(_ context.Context, o metric.Int64Observer) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.series != nil {
			o.Observe(int64(t.series()), self)
		}
		return nil
	})
}

func (t *telemetry) shutdown() { t.built.Shutdown() }

// request counts one request to an endpoint. Code 0 is none.
func (t *telemetry) request(ctx context.Context, endpoint string, code int, act answers.Action, raw, sent int) {
	text := "none"
	if code > 0 && code < 600 {
		text = strconv.Itoa(code)
	} else if code != 0 {
		text = "other"
	}
	t.built.ExporterDatadogIntakeRequests.Add(ctx, 1, t.with(attribute.String("endpoint", endpoint), attribute.String("code", text), attribute.String("action", act.String())))
	t.built.ExporterDatadogIntakeRequestBytes.Add(ctx, int64(raw), t.with(attribute.String("endpoint", endpoint), attribute.String("form", "raw")))
	t.built.ExporterDatadogIntakeRequestBytes.Add(ctx, int64(sent), t.with(attribute.String("endpoint", endpoint), attribute.String("form", "sent")))
}

// add counts n of a counter, with attributes in pairs of key and value.
func (t *telemetry) add(ctx context.Context, name string, n int, pairs ...string) {
	if n == 0 {
		return
	}
	attrs := make([]attribute.KeyValue, 0, 1+len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		attrs = append(attrs, attribute.String(pairs[i], pairs[i+1]))
	}
	t.counters[name].Add(ctx, int64(n), t.with(attrs...))
}

func (t *telemetry) repaired(ctx context.Context, done ddspan.Repairs) {
	for i, n := range done {
		t.add(ctx, "repairs", n, "reason", ddspan.RepairNames[i])
	}
}

func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.self)...))
}

// mayLog reports whether a message was not logged within the last minute.
func (t *telemetry) mayLog(message string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.logged[message]) < time.Minute {
		return false
	}
	t.logged[message] = time.Now()
	return true
}

// watchSeries says where the number of remembered series is.
func (t *telemetry) watchSeries(series func() int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.series = series
}
