package retrypolicy

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"google.golang.org/grpc/codes"

	"github.com/otelcol-obs/otelcol-obs/components/retrypolicy/internal/metadata"
)

const (
	transportHTTP = "http"
	transportGRPC = "grpc"
)

// telemetry counts what became of requests; metadata.yaml describes the metrics.
type telemetry struct {
	*metadata.TelemetryBuilder
	self attribute.KeyValue
	sets sync.Map // of answerKey to metric.MeasurementOption
}

func newTelemetry(set extension.Settings, q *quarantine) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{TelemetryBuilder: b, self: attribute.String("extension", set.ID.String())}
	self := metric.WithAttributeSet(attribute.NewSet(t.self))
	return t, errors.Join(
		b.RegisterExtensionRetryPolicyQuarantineBytesCallback(func(_ context.Context, o metric.Int64Observer) error {
			bytes, _ := q.size()
			o.Observe(bytes, self)
			return nil
		}),
		b.RegisterExtensionRetryPolicyQuarantineFilesCallback(func(_ context.Context, o metric.Int64Observer) error {
			_, files := q.size()
			o.Observe(files, self)
			return nil
		}))
}

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
	t.ExtensionRetryPolicyAnswers.Add(context.Background(), 1, option.(metric.MeasurementOption))
}

func (t *telemetry) quarantined(signal, reason string) {
	t.ExtensionRetryPolicyQuarantinedRequests.Add(context.Background(), 1, t.with(attribute.String("signal", signal), attribute.String("reason", reason)))
}

func (t *telemetry) quarantineFull(signal string) {
	t.ExtensionRetryPolicyQuarantineRefusals.Add(context.Background(), 1, t.with(attribute.String("signal", signal)))
}

func (t *telemetry) expired(n int64) {
	t.ExtensionRetryPolicyQuarantineExpired.Add(context.Background(), n, t.with())
}

func (t *telemetry) rejected(signal string, n int64) {
	t.ExtensionRetryPolicyRejectedItems.Add(context.Background(), n, t.with(attribute.String("signal", signal)))
}

func (t *telemetry) with(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(more, t.self)...))
}
