package datadogreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/stats"
)

const (
	// maxSenders bounds the attribute sets that come from headers. Further senders are counted as "other".
	maxSenders = 200
	// maxLabelBytes bounds one such attribute.
	maxLabelBytes = 32
)

// telemetry is what the receiver says about itself. Spans accepted and refused by the pipeline are counted by receiverhelper.
type telemetry struct {
	metrics  *metadata.TelemetryBuilder
	receiver attribute.KeyValue

	mu      sync.RWMutex
	senders map[senderKey]metric.MeasurementOption
	// constant are the attributes of counters that need no header: by a reason or a kind.
	constant map[attribute.KeyValue]metric.MeasurementOption
}

type senderKey struct{ protocol, lang, version string }

// newTelemetry makes the instruments. services returns how many services are answered a sampling rate.
func newTelemetry(set receiver.Settings, services func() int) (*telemetry, error) {
	metrics, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		metrics: metrics, receiver: attribute.String("receiver", set.ID.String()),
		senders: make(map[senderKey]metric.MeasurementOption), constant: make(map[attribute.KeyValue]metric.MeasurementOption),
	}
	for _, kind := range []string{spanLink, spanEvent, traceID, attributeKind, sketch, statsGroup} {
		t.constant[attribute.String("kind", kind)] = t.attributes(attribute.String("kind", kind))
	}
	for _, reason := range decode.DropReasons {
		t.constant[attribute.String("reason", reason)] = t.attributes(attribute.String("reason", reason))
	}
	own := t.attributes()
	return t, metrics.RegisterReceiverDatadogSamplingServicesCallback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(services()), own)
		return nil
	})
}

// Kinds of values that can't be read.
const (
	spanLink      = "span_link"
	spanEvent     = "span_event"
	traceID       = "trace_id"
	attributeKind = "attribute"
	sketch        = "sketch"
	statsGroup    = "stats_group"
)

func (t *telemetry) shutdown() { t.metrics.Shutdown() }

func (t *telemetry) attributes(kvs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(kvs, t.receiver)...))
}

// received counts a payload that was read and, with a nil error or not, decoded.
func (t *telemetry) received(ctx context.Context, s *sender, bytes int, decoded decode.Stats) {
	by := t.sender(s)
	t.metrics.ReceiverDatadogPayloads.Add(ctx, 1, by)
	t.metrics.ReceiverDatadogBytes.Add(ctx, int64(bytes), by)
	t.metrics.ReceiverDatadogSpans.Add(ctx, int64(decoded.Spans), by)
	add(ctx, t.metrics.ReceiverDatadogDroppedP0Traces, s.droppedTraces, by)
	add(ctx, t.metrics.ReceiverDatadogDroppedP0Spans, s.droppedSpans, by)
	for i, n := range decoded.Dropped {
		add(ctx, t.metrics.ReceiverDatadogDroppedSpans, int64(n), t.constant[attribute.String("reason", decode.DropReasons[i])])
	}
	t.unreadable(ctx, spanLink, decoded.BadLinks)
	t.unreadable(ctx, spanEvent, decoded.BadEvents)
	t.unreadable(ctx, traceID, decoded.BadTIDs)
	t.unreadable(ctx, attributeKind, decoded.BadAttributes)
}

// receivedStats counts a payload of statistics that was read and, with a nil error or not, decoded.
func (t *telemetry) receivedStats(ctx context.Context, s *sender, bytes int, r stats.Result) {
	by := t.sender(s)
	t.metrics.ReceiverDatadogPayloads.Add(ctx, 1, by)
	t.metrics.ReceiverDatadogBytes.Add(ctx, int64(bytes), by)
	t.metrics.ReceiverDatadogStatsGroups.Add(ctx, int64(r.Groups), by)
	t.unreadable(ctx, sketch, r.BadSketches)
	t.unreadable(ctx, statsGroup, r.Dropped)
}

func (t *telemetry) unreadable(ctx context.Context, kind string, n int) {
	add(ctx, t.metrics.ReceiverDatadogUnreadableValues, int64(n), t.constant[attribute.String("kind", kind)])
}

// refused counts a payload not accepted. That is rare enough to build the attributes each time.
func (t *telemetry) refused(ctx context.Context, s *sender, reason string) {
	by := t.attributes(attribute.String("protocol", s.protocol), attribute.String("reason", reason))
	t.metrics.ReceiverDatadogRefusedPayloads.Add(ctx, 1, by)
	add(ctx, t.metrics.ReceiverDatadogRefusedTraces, s.traces, by)
}

func (t *telemetry) forgot(ctx context.Context, services int64) {
	if services > 0 {
		t.metrics.ReceiverDatadogForgottenServices.Add(ctx, services, t.attributes())
	}
}

// sideRequest counts a request for something other than traces, statistics and /info, and the bytes that were forwarded.
func (t *telemetry) sideRequest(ctx context.Context, endpoint, outcome string, bytes int64) {
	t.metrics.ReceiverDatadogSideRequests.Add(ctx, 1, t.attributes(attribute.String("endpoint", endpoint), attribute.String("outcome", outcome)))
	if bytes > 0 {
		t.metrics.ReceiverDatadogSideBytes.Add(ctx, bytes, t.attributes(attribute.String("endpoint", endpoint)))
	}
}

// sender returns the attributes for a sender, "other" for those beyond maxSenders.
func (t *telemetry) sender(s *sender) metric.MeasurementOption {
	key := senderKey{s.protocol, label(s.headers.Lang), label(s.headers.TracerVersion)}
	t.mu.RLock()
	by, ok := t.senders[key]
	t.mu.RUnlock()
	if ok {
		return by
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if by, ok := t.senders[key]; ok {
		return by
	}
	if len(t.senders) >= maxSenders {
		key.lang, key.version = "other", "other"
	}
	by = t.attributes(attribute.String("protocol", key.protocol), attribute.String("language", key.lang),
		attribute.String("tracer_version", key.version))
	t.senders[key] = by
	return by
}

// label makes what a stranger sent short and printable.
func label(v string) string {
	if v == "" {
		return "unknown"
	}
	if len(v) > maxLabelBytes {
		return "other"
	}
	for _, c := range []byte(v) {
		if c <= ' ' || c > '~' {
			return "other"
		}
	}
	return v
}

// add counts what happened; what did not makes no time series.
func add(ctx context.Context, c metric.Int64Counter, n int64, by metric.MeasurementOption) {
	if n != 0 {
		c.Add(ctx, n, by)
	}
}
