package datadogreceiver

import (
	"context"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/stats"
)

// decodeStats makes one pmetric.Metrics of a payload of statistics.
func (r *datadogReceiver) decodeStats(ctx context.Context, sender *sender, body []byte) (send, error) {
	result, err := stats.Decode(body, r.cfg.MaxSpansPerRequest)
	r.telemetry.receivedStats(ctx, sender, len(body), result)
	if err != nil {
		return nil, undecodable(err)
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
