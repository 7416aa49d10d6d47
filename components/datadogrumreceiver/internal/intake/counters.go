package intake

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
)

// counters count requests.
type counters struct {
	tel *metadata.TelemetryBuilder
	id  attribute.KeyValue // the receiver's
}

func (c *counters) with(attrs ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(append(attrs, c.id)...))
}

func (c *counters) answered(ctx context.Context, track string, a answer) {
	c.tel.ReceiverDatadogRumRequests.Add(ctx, 1, c.with(trackAttr(track), codeAttr(a.code)))
	switch a.note {
	case nothing:
	case limitedByIP:
		c.tel.ReceiverDatadogRumRateLimited.Add(ctx, 1, c.with(attribute.String("by", "ip")))
	case limitedByToken:
		c.tel.ReceiverDatadogRumRateLimited.Add(ctx, 1, c.with(attribute.String("by", "token")))
	case duplicateBody:
		c.tel.ReceiverDatadogRumDuplicateBodies.Add(ctx, 1, c.with())
	case unusedRequest:
		c.tel.ReceiverDatadogRumUnusedRequests.Add(ctx, 1, c.with(trackAttr(track)))
	}
}

func (c *counters) passed(ctx context.Context, track string, code int) {
	c.tel.ReceiverDatadogRumPassthrough.Add(ctx, 1, c.with(trackAttr(track), codeAttr(code)))
}

func (c *counters) lost(ctx context.Context, track string) {
	c.tel.ReceiverDatadogRumPassthroughLost.Add(ctx, 1, c.with(trackAttr(track)))
}

func (c *counters) skew(ctx context.Context, milliseconds int64) {
	c.tel.ReceiverDatadogRumSkew.Record(ctx, milliseconds, c.with())
}

// trackAttr is the value of the attribute track: a closed set, whatever strangers name.
func trackAttr(track string) attribute.KeyValue {
	switch track {
	case "rum", "replay", "logs", "profile", "exposures", "flagevaluation", "debugger", "spans", "quota":
		return attribute.String("track", track)
	}
	return attribute.String("track", "other")
}

func codeAttr(code int) attribute.KeyValue { return attribute.String("code", strconv.Itoa(code)) }
