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
	"github.com/otelcol-obs/otelcol-obs/internal/answers"
	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

const (
	scopeName = "github.com/otelcol-obs/otelcol-obs/components/datadogexporter"
	prefix    = "otelcol_exporter_datadog_intake_"
)

// counters are those with one attribute beside the exporter, by name.
var counters = map[string]struct{ unit, text string }{
	"splits":                 {"{split}", "Requests that were cut because they were too large or refused, by endpoint and reason."},
	"spans_sampled_out":      {"{span}", "Spans left out by sampling, by reason."},
	"traces_kept":            {"{trace}", "Traces kept that sampling would have left out, by reason."},
	"ignored_spans":          {"{span}", "Spans left out because of traces::ignore_resources."},
	"dropped_spans":          {"{span}", "Spans that can neither be sent nor kept, by reason."},
	"repairs":                {"{repair}", "Fields of spans that were repaired, by reason."},
	"stats_groups":           {"{group}", "Groups of statistics handed to the queue."},
	"stats_late_spans":       {"{span}", "Spans counted in another bucket because theirs had been sent."},
	"stats_overflow":         {"{span}", "Spans counted in the overflow group because there were too many."},
	"late_items":             {"{item}", "Log entries and points older than Datadog takes, by signal."},
	"truncated_entries":      {"{entry}", "Log entries whose largest text was cut."},
	"delta_points_left_out":  {"{point}", "Points of cumulative series that gave no difference, by reason."},
	"host_metadata_failures": {"{request}", "Reports on hosts that Datadog did not take."},
}

// telemetry counts what happens.
type telemetry struct {
	self     attribute.KeyValue
	counters map[string]metric.Int64Counter

	requests, bytes metric.Int64Counter
	registration    metric.Registration

	mu     sync.Mutex
	series func() int
	logged map[string]time.Time
}

func newTelemetry(set exporter.Settings, key *intake.Key) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{self: attribute.String("exporter", set.ID.String()), counters: map[string]metric.Int64Counter{}, logged: map[string]time.Time{}}
	for name, c := range counters {
		counter, err := meter.Int64Counter(prefix+name, metric.WithUnit(c.unit), metric.WithDescription(c.text))
		if err != nil {
			return nil, err
		}
		t.counters[name] = counter
	}
	var err error
	if t.requests, err = meter.Int64Counter(prefix+"requests", metric.WithUnit("{request}"), metric.WithDescription("Requests sent, by endpoint, code and action.")); err != nil {
		return nil, err
	}
	if t.bytes, err = meter.Int64Counter(prefix+"request_bytes", metric.WithUnit("By"), metric.WithDescription("Size of requests, by endpoint and form: raw or sent.")); err != nil {
		return nil, err
	}
	keyState, err := meter.Int64ObservableGauge(prefix+"key_state", metric.WithUnit("1"), metric.WithDescription("1, or 0 while Datadog refuses the API key."))
	if err != nil {
		return nil, err
	}
	series, err := meter.Int64ObservableGauge(prefix+"delta_series", metric.WithUnit("{series}"), metric.WithDescription("Cumulative series that are remembered."))
	if err != nil {
		return nil, err
	}
	self := metric.WithAttributeSet(attribute.NewSet(t.self))
	t.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		state := int64(1)
		if key.Refused() {
			state = 0
		}
		o.ObserveInt64(keyState, state, self)
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.series != nil {
			o.ObserveInt64(series, int64(t.series()), self)
		}
		return nil
	}, keyState, series)
	return t, err
}

func (t *telemetry) shutdown() error { return t.registration.Unregister() }

// request counts one request to an endpoint. Code 0 is none.
func (t *telemetry) request(ctx context.Context, endpoint string, code int, act answers.Action, raw, sent int) {
	text := "none"
	if code > 0 && code < 600 {
		text = strconv.Itoa(code)
	} else if code != 0 {
		text = "other"
	}
	t.requests.Add(ctx, 1, t.with(attribute.String("endpoint", endpoint), attribute.String("code", text), attribute.String("action", act.String())))
	t.bytes.Add(ctx, int64(raw), t.with(attribute.String("endpoint", endpoint), attribute.String("form", "raw")))
	t.bytes.Add(ctx, int64(sent), t.with(attribute.String("endpoint", endpoint), attribute.String("form", "sent")))
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
