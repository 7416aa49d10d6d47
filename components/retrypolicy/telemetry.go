package retrypolicy

import (
	"context"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"
)

const (
	scopeName = "github.com/otelcol-obs/otelcol-obs/components/retrypolicy"
	prefix    = "otelcol_extension_retry_policy_"

	transportHTTP = "http"
	transportGRPC = "grpc"
)

type telemetry struct {
	self attribute.KeyValue
	sets sync.Map // of answerKey to metric.MeasurementOption

	answers, quarantinedRequests, refusedRequests, expiredRequests, rejectedItems metric.Int64Counter
	registration                                                                  metric.Registration
}

func newTelemetry(set extension.Settings, q *quarantine) (*telemetry, error) {
	meter := set.MeterProvider.Meter(scopeName)
	t := &telemetry{self: attribute.String("extension", set.ID.String())}
	var firstErr error
	counter := func(name, unit, text string) metric.Int64Counter {
		c, err := meter.Int64Counter(prefix+name, metric.WithUnit(unit), metric.WithDescription(text))
		if err != nil && firstErr == nil {
			firstErr = err
		}
		return c
	}
	t.answers = counter("answers", "{answer}", "Answers of backends that were not a delivery, by transport, code and action: retry, quarantine or split.")
	t.quarantinedRequests = counter("quarantined_requests", "{request}", "Requests, or parts of them, written to quarantine, by signal and reason.")
	t.refusedRequests = counter("quarantine_refusals", "{request}", "Requests that quarantine could not take, by signal. They are retried, except after a partial success.")
	t.expiredRequests = counter("quarantine_expired", "{request}", "Requests removed from quarantine at their age.")
	t.rejectedItems = counter("rejected_items", "{item}", "Items that backends rejected in an answer that was otherwise a success, by signal.")
	bytes, err := meter.Int64ObservableGauge(prefix+"quarantine_bytes", metric.WithUnit("By"), metric.WithDescription("Size of the files in quarantine."))
	if err != nil {
		return nil, err
	}
	files, err := meter.Int64ObservableGauge(prefix+"quarantine_files", metric.WithUnit("{file}"), metric.WithDescription("Files in quarantine."))
	if err != nil {
		return nil, err
	}
	if firstErr != nil {
		return nil, firstErr
	}
	self := metric.WithAttributeSet(attribute.NewSet(t.self))
	t.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		b, f := q.size()
		o.ObserveInt64(bytes, b, self)
		o.ObserveInt64(files, f, self)
		return nil
	}, bytes, files)
	return t, err
}

func (t *telemetry) shutdown() error { return t.registration.Unregister() }

type answerKey struct {
	transport string
	act       action
	code      int
}

// answer counts an answer that was not a delivery. Codes are those of HTTP
// or gRPC; what a backend makes up is other.
func (t *telemetry) answer(transport string, act action, code int) {
	if act == deliver {
		return
	}
	if code < 0 || code > 599 {
		code = 600
	}
	key := answerKey{transport, act, code}
	option, ok := t.sets.Load(key)
	if !ok {
		text := strconv.Itoa(code)
		if transport == transportGRPC {
			text = codes.Code(code).String()
		}
		if transport == transportGRPC && code > int(codes.Unauthenticated) || code > 599 {
			text = "other"
		}
		option, _ = t.sets.LoadOrStore(key, t.with(attribute.String("transport", transport),
			attribute.String("code", text), attribute.String("action", act.String())))
	}
	t.answers.Add(context.Background(), 1, option.(metric.MeasurementOption))
}

func (t *telemetry) quarantined(signal, reason string) {
	t.quarantinedRequests.Add(context.Background(), 1, t.with(attribute.String("signal", signal), attribute.String("reason", reason)))
}

func (t *telemetry) quarantineFull(signal string) {
	t.refusedRequests.Add(context.Background(), 1, t.with(attribute.String("signal", signal)))
}

func (t *telemetry) expired(n int64) {
	t.expiredRequests.Add(context.Background(), n, t.with())
}

func (t *telemetry) rejected(signal string, n int64) {
	t.rejectedItems.Add(context.Background(), n, t.with(attribute.String("signal", signal)))
}

func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.self)...))
}
