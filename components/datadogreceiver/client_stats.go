package datadogreceiver

import (
	"context"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/stats"
)

// statsExpansion is how many times larger statistics are decoded, at most.
const statsExpansion = 48

// decodeStats makes one pmetric.Metrics of a payload of statistics.
func (r *datadogReceiver) decodeStats(ctx context.Context, sender *sender, body []byte, charge func(int) error) (send, error) {
	// Groups become points of some metrics each: see statsExpansion.
	if err := charge(statsExpansion * len(body)); err != nil {
		return nil, r.intake.refusal(err)
	}
	result, err := stats.Decode(body, r.intake.maxSpans)
	r.telemetry.receivedStats(ctx, sender, len(body), result)
	if err != nil {
		return nil, r.undecodable(err)
	}
	if result.Groups == 0 {
		return nil, nil
	}
	points := result.Metrics.DataPointCount()
	return func(ctx context.Context) error {
		ctx = r.obs.StartMetricsOp(ctx)
		err := r.metrics.ConsumeMetrics(ctx, result.Metrics)
		r.obs.EndMetricsOp(ctx, sender.protocol, points, err)
		return err
	}, nil
}
