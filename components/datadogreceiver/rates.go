package datadogreceiver

import (
	"context"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/rates"
)

func newRates(c SamplingConfig) *rates.Table {
	o := rates.Options{Budget: c.TargetTPS, DefaultEnv: c.DefaultEnv, MaxPairs: c.MaxServices}
	for _, r := range c.Rates {
		o.Entries = append(o.Entries, rates.Entry{Service: r.Service, Env: r.Env, Rate: r.Rate})
	}
	return rates.New(o)
}

// learn tells the rates whose traces a payload holds, whatever becomes of it.
func (r *datadogReceiver) learn(ctx context.Context, found []decode.Root, sender *sender) {
	if len(found) == 0 {
		return
	}
	roots := make([]rates.Root, 0, len(found))
	for _, root := range found {
		roots = append(roots, rates.Root{Service: root.Service, Env: root.Env, Traces: float64(root.Undecided)})
	}
	r.telemetry.forgot(ctx, r.rates.Learn(roots, sender.droppedTraces, time.Now()))
}
