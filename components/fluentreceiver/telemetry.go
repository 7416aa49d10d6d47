package fluentreceiver

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/inflate"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/server"
)

// telemetry is what the receiver says about itself. Records accepted and refused are counted by receiverhelper.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	self    attribute.KeyValue
	plain   metric.MeasurementOption
	// warnings are what is logged of what is counted.
	warnings warnings

	mu   sync.RWMutex
	sets map[string]metric.MeasurementOption // by metric and values; the values are a few constants
	kind map[kind]metric.MeasurementOption
}

// kind is what messages are counted by.
type kind struct {
	mode        decode.Mode
	compression inflate.Format
	ack         bool
}

func newTelemetry(set receiver.Settings, open func() int64) (*telemetry, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	self := attribute.String("receiver", set.ID.String())
	t := &telemetry{
		builder: builder, self: self, plain: metric.WithAttributeSet(attribute.NewSet(self)),
		sets: make(map[string]metric.MeasurementOption), kind: make(map[kind]metric.MeasurementOption),
	}
	return t, builder.RegisterReceiverFluentConnectionsCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(open(), t.plain)
		return nil
	})
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }

// by returns the attributes of a counter with one more.
func (t *telemetry) by(key, value string) metric.MeasurementOption {
	t.mu.RLock()
	option, ok := t.sets[key+value]
	t.mu.RUnlock()
	if ok {
		return option
	}
	option = metric.WithAttributeSet(attribute.NewSet(t.self, attribute.String(key, value)))
	t.mu.Lock()
	t.sets[key+value] = option
	t.mu.Unlock()
	return option
}

func (t *telemetry) byKind(k kind) metric.MeasurementOption {
	t.mu.RLock()
	option, ok := t.kind[k]
	t.mu.RUnlock()
	if ok {
		return option
	}
	option = metric.WithAttributeSet(attribute.NewSet(t.self, attribute.String("mode", k.mode.String()),
		attribute.String("compression", k.compression.String()), attribute.Bool("ack", k.ack)))
	t.mu.Lock()
	t.kind[k] = option
	t.mu.Unlock()
	return option
}

// took counts messages that were read, and what of them was not.
func (t *telemetry) took(messages []server.Message, result decode.Result) {
	ctx := context.Background()
	bytes := 0
	for i := range messages {
		m := &messages[i]
		bytes += m.Bytes
		t.builder.ReceiverFluentMessages.Add(ctx, 1, t.byKind(kind{m.Mode, m.Compression, len(m.Chunk) > 0}))
	}
	t.builder.ReceiverFluentBytes.Add(ctx, int64(bytes), t.plain)
	for what, n := range result.Unreadable {
		if n > 0 {
			t.builder.ReceiverFluentUnreadable.Add(ctx, int64(n), t.by("what", decode.Unreadables[what]))
		}
	}
}

func (t *telemetry) dropped(messages, records int, reason server.Reason) {
	ctx := context.Background()
	t.builder.ReceiverFluentRefusedMessages.Add(ctx, int64(messages), t.by("reason", string(reason)))
	t.builder.ReceiverFluentRefusedRecords.Add(ctx, int64(records), t.by("reason", string(reason)))
}

// refused counts what a connection was closed for.
func (t *telemetry) refused(reason server.Reason) {
	counter := t.builder.ReceiverFluentRefusedMessages
	switch reason {
	case server.Connections, server.Auth, server.TLS:
		counter = t.builder.ReceiverFluentConnectionsRefused
	}
	counter.Add(context.Background(), 1, t.by("reason", string(reason)))
}

func (t *telemetry) acked(d time.Duration) {
	ctx := context.Background()
	t.builder.ReceiverFluentAcks.Add(ctx, 1, t.plain)
	t.builder.ReceiverFluentAckDuration.Record(ctx, d.Seconds(), t.plain)
}

func (t *telemetry) beat(b server.Beat) {
	t.builder.ReceiverFluentHeartbeats.Add(context.Background(), 1, t.by("kind", string(b)))
}

func (t *telemetry) joined(outcome string, n int) {
	if n > 0 {
		t.builder.ReceiverFluentPartialLines.Add(context.Background(), int64(n), t.by("outcome", outcome))
	}
}
