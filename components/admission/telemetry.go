package admission

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/grpcguard"
	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// logEvery is how often a refusal is logged, for each listener and reason.
const logEvery = 10 * time.Second

// maxAgent is how much of a User-Agent a log line has.
const maxAgent = 64

// telemetry is what the extension says about itself, and about everything that is refused.
type telemetry struct {
	builder *metadata.TelemetryBuilder
	log     *zap.Logger
	pools   *admission.Pools

	mu   sync.Mutex
	seen map[refusedKey]*seen
}

// refusedKey is what refusals are counted by: a few listeners, a few reasons.
type refusedKey struct {
	listener string
	reason   admission.Reason
}

type seen struct {
	attributes metric.MeasurementOption
	logged     time.Time
	unlogged   int
}

func newTelemetry(set extension.Settings, pools *admission.Pools) (*telemetry, error) {
	b, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	t := &telemetry{builder: b, log: set.Logger, pools: pools, seen: make(map[refusedKey]*seen)}
	type register = func(metric.Int64Callback) error
	perPool := func(value func(admission.Usage) int64) metric.Int64Callback {
		reception := metric.WithAttributeSet(attribute.NewSet(attribute.String("pool", "reception")))
		decoding := metric.WithAttributeSet(attribute.NewSet(attribute.String("pool", "decoding")))
		return func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(value(pools.Reception.Usage()), reception)
			o.Observe(value(pools.Decoding.Usage()), decoding)
			return nil
		}
	}
	for _, r := range []struct {
		register register
		callback metric.Int64Callback
	}{
		{b.RegisterAdmissionHeldBytesCallback, perPool(func(u admission.Usage) int64 { return u.Held })},
		{b.RegisterAdmissionLimitBytesCallback, perPool(func(u admission.Usage) int64 { return u.Limit })},
		{b.RegisterAdmissionWaitingCallback, perPool(func(u admission.Usage) int64 { return int64(u.Waiting) })},
		{b.RegisterAdmissionEvictedCallback, perPool(func(u admission.Usage) int64 { return u.Evicted })},
		{b.RegisterAdmissionConnectionsCallback, func(_ context.Context, o metric.Int64Observer) error {
			open, _ := pools.Connections.Open()
			o.Observe(int64(open))
			return nil
		}},
		{b.RegisterAdmissionOrphanedBytesCallback, func(_ context.Context, o metric.Int64Observer) error {
			o.Observe(grpcguard.Orphaned())
			return nil
		}},
	} {
		if err := r.register(r.callback); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *telemetry) shutdown() { t.builder.Shutdown() }

// start counts nothing at each listener: a counter that is there from the start shows
// its first refusal as an increase.
func (t *telemetry) start(listeners []string) {
	ctx := context.Background()
	for _, listener := range slices.Compact(listeners) {
		for _, reason := range admission.Reasons {
			attributes := refusedAttributes(listener, reason)
			t.builder.AdmissionRefusedRequests.Add(ctx, 0, attributes)
			t.builder.AdmissionRefusedBytes.Add(ctx, 0, attributes)
		}
	}
}

func refusedAttributes(listener string, reason admission.Reason) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(attribute.String("listener", listener), attribute.String("reason", string(reason))))
}

// refused counts a refusal, and logs it if none like it has just been.
func (t *telemetry) refused(e admission.Event) {
	key := refusedKey{e.Listener, e.Refusal.Reason}
	t.mu.Lock()
	s, ok := t.seen[key]
	if !ok {
		s = &seen{attributes: refusedAttributes(e.Listener, e.Refusal.Reason)}
		t.seen[key] = s
	}
	now := time.Now()
	log := now.Sub(s.logged) >= logEvery
	unlogged := s.unlogged
	if log {
		s.logged, s.unlogged = now, 0
	} else {
		s.unlogged++
	}
	t.mu.Unlock()
	ctx := context.Background()
	t.builder.AdmissionRefusedRequests.Add(ctx, 1, s.attributes)
	t.builder.AdmissionRefusedBytes.Add(ctx, e.Bytes, s.attributes)
	if !log {
		return
	}
	fields := []zap.Field{
		zap.String("listener", e.Listener), zap.String("reason", string(e.Refusal.Reason)), zap.String("what", e.Refusal.Message),
		zap.String("peer", e.Peer), zap.Int64("bytes_read", e.Bytes),
	}
	if e.UserAgent != "" {
		fields = append(fields, zap.String("user_agent", e.UserAgent[:min(len(e.UserAgent), maxAgent)]))
	}
	if unlogged > 0 {
		fields = append(fields, zap.Int("and_since_the_last_line", unlogged))
	}
	t.log.Warn("refused a request", fields...)
}
