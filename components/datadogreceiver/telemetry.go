package datadogreceiver

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/stats"
)

const (
	scopeName = "github.com/otelcol-obs/otelcol-obs/components/datadogreceiver"
	prefix    = "otelcol_receiver_datadog_"
	// maxSenders bounds the attribute sets that come from headers. Further senders are counted as "other".
	maxSenders = 200
	// maxLabelBytes bounds one such attribute.
	maxLabelBytes = 32
)

// telemetry is what the receiver says about itself. Spans accepted and refused by the pipeline are counted by receiverhelper.
type telemetry struct {
	payloads, bytes, spans      metric.Int64Counter
	refusedPayloads             metric.Int64Counter
	refusedTraces               metric.Int64Counter
	dropped, unreadable, groups metric.Int64Counter
	droppedTraces, droppedSpans metric.Int64Counter
	side                        metric.Int64Counter

	receiver       attribute.KeyValue
	droppedReasons [len(decode.DropReasons)]metric.MeasurementOption
	badLinks       metric.MeasurementOption
	badEvents      metric.MeasurementOption
	badTIDs        metric.MeasurementOption
	badAttributes  metric.MeasurementOption
	badSketches    metric.MeasurementOption
	emptyGroups    metric.MeasurementOption
	unknownSide    metric.MeasurementOption

	mu      sync.RWMutex
	senders map[senderKey]metric.MeasurementOption
}

type senderKey struct{ protocol, lang, version string }

func newTelemetry(set receiver.Settings) (*telemetry, error) {
	t := &telemetry{
		receiver: attribute.String("receiver", set.ID.String()),
		senders:  make(map[senderKey]metric.MeasurementOption),
	}
	meter := set.MeterProvider.Meter(scopeName)
	for _, c := range []struct {
		counter                 *metric.Int64Counter
		name, unit, description string
	}{
		{&t.payloads, "payloads", "{payload}", "Payloads read, by protocol, language and tracer version."},
		{&t.bytes, "bytes", "By", "Size of the payloads read, decompressed, by protocol, language and tracer version."},
		{&t.spans, "spans", "{span}", "Spans decoded, by protocol, language and tracer version."},
		{&t.refusedPayloads, "refused_payloads", "{payload}", "Payloads not accepted, by protocol and reason."},
		{&t.refusedTraces, "refused_traces", "{trace}", "Traces in payloads not accepted, as X-Datadog-Trace-Count says, by protocol and reason."},
		{&t.dropped, "dropped_spans", "{span}", "Spans of accepted payloads left out, by reason."},
		{&t.groups, "stats_groups", "{group}", "Groups of spans in statistics read, by protocol, language and tracer version."},
		{&t.unreadable, "unreadable_values", "{value}", "Span links, span events, attributes, upper halves of trace ids, sketches and groups of statistics that make no sense, by kind."},
		{&t.droppedTraces, "dropped_p0_traces", "{trace}", "Unsampled traces the tracer dropped before sending, by its own account."},
		{&t.droppedSpans, "dropped_p0_spans", "{span}", "Unsampled spans the tracer dropped before sending, by its own account."},
		{&t.side, "side_requests", "{request}", "Requests for something other than traces, statistics and /info, answered and dropped, by endpoint."},
	} {
		var err error
		*c.counter, err = meter.Int64Counter(prefix+c.name, metric.WithDescription(c.description), metric.WithUnit(c.unit))
		if err != nil {
			return nil, err
		}
	}
	for i, reason := range decode.DropReasons {
		t.droppedReasons[i] = t.attributes(attribute.String("reason", reason))
	}
	t.badLinks = t.attributes(attribute.String("kind", "span_link"))
	t.badEvents = t.attributes(attribute.String("kind", "span_event"))
	t.badTIDs = t.attributes(attribute.String("kind", "trace_id"))
	t.badAttributes = t.attributes(attribute.String("kind", "attribute"))
	t.badSketches = t.attributes(attribute.String("kind", "sketch"))
	t.emptyGroups = t.attributes(attribute.String("kind", "stats_group"))
	t.unknownSide = t.attributes(attribute.String("endpoint", "unknown"))
	return t, nil
}

func (t *telemetry) attributes(kvs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(kvs, t.receiver)...))
}

// received counts a payload that was read and, with a nil error or not, decoded.
func (t *telemetry) received(ctx context.Context, s *sender, bytes int, decoded decode.Stats) {
	by := t.sender(s)
	t.payloads.Add(ctx, 1, by)
	t.bytes.Add(ctx, int64(bytes), by)
	t.spans.Add(ctx, int64(decoded.Spans), by)
	add(ctx, t.droppedTraces, s.droppedTraces, by)
	add(ctx, t.droppedSpans, s.droppedSpans, by)
	for i, n := range decoded.Dropped {
		add(ctx, t.dropped, int64(n), t.droppedReasons[i])
	}
	add(ctx, t.unreadable, int64(decoded.BadLinks), t.badLinks)
	add(ctx, t.unreadable, int64(decoded.BadEvents), t.badEvents)
	add(ctx, t.unreadable, int64(decoded.BadTIDs), t.badTIDs)
	add(ctx, t.unreadable, int64(decoded.BadAttributes), t.badAttributes)
}

// receivedStats counts a payload of statistics that was read and, with a nil error or not, decoded.
func (t *telemetry) receivedStats(ctx context.Context, s *sender, bytes int, r stats.Result) {
	by := t.sender(s)
	t.payloads.Add(ctx, 1, by)
	t.bytes.Add(ctx, int64(bytes), by)
	t.groups.Add(ctx, int64(r.Groups), by)
	add(ctx, t.unreadable, int64(r.BadSketches), t.badSketches)
	add(ctx, t.unreadable, int64(r.Dropped), t.emptyGroups)
}

// refused counts a payload not accepted. That is rare enough to build the attributes each time.
func (t *telemetry) refused(ctx context.Context, s *sender, reason string) {
	by := t.attributes(attribute.String("protocol", s.protocol), attribute.String("reason", reason))
	t.refusedPayloads.Add(ctx, 1, by)
	add(ctx, t.refusedTraces, s.traces, by)
}

func (t *telemetry) sideRequest(endpoint string) func(context.Context) {
	by := t.attributes(attribute.String("endpoint", endpoint))
	return func(ctx context.Context) { t.side.Add(ctx, 1, by) }
}

func (t *telemetry) unknownRequest(ctx context.Context) { t.side.Add(ctx, 1, t.unknownSide) }

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
