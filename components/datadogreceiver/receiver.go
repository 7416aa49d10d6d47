package datadogreceiver

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/forward"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/rates"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/originid"
)

// datadogReceiver serves one configuration, on one or two listeners, for a traces pipeline, a metrics pipeline or both.
type datadogReceiver struct {
	cfg     *Config
	set     receiver.Settings
	traces  consumer.Traces
	metrics consumer.Metrics

	obs       *receiverhelper.ObsReport
	telemetry *telemetry
	info      discovery
	rates     *rates.Table
	intake    *intake
	forward   *forward.Forwarder
	decoders  sync.Pool
	listeners listeners
}

func newReceiver(set receiver.Settings, cfg *Config, pools *admission.Pools) (*datadogReceiver, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	})
	if err != nil {
		return nil, err
	}
	table := rates.New(cfg.Sampling.options())
	tel, err := newTelemetry(set, table.Size)
	if err != nil {
		return nil, err
	}
	r := &datadogReceiver{cfg: cfg, set: set, obs: obs, telemetry: tel, rates: table, intake: newIntake(cfg, pools),
		forward: forward.New(cfg.SideChannels.Forward.options()), listeners: listeners{origins: originid.New(cfg.CgroupRoot)},
	}
	r.decoders.New = func() any {
		return decode.New(decode.Options{
			Mode: cfg.Translation, KeepEncoding: cfg.KeepEncoding, MaxSpans: r.intake.maxSpans, Roots: table.Learns(),
		})
	}
	return r, nil
}

// Start listens.
func (r *datadogReceiver) Start(ctx context.Context, host component.Host) error {
	if r.cfg.ClientDropP0s && r.metrics == nil {
		return errors.New("client_drop_p0s needs this receiver in a metrics pipeline, or the statistics that replace the dropped traces are lost")
	}
	r.intake.size(r.cfg)
	r.info = newDiscovery(r)
	return r.listen(ctx, host)
}

// Shutdown stops listening and waits until the pipeline has answered for every request, or ctx ends.
func (r *datadogReceiver) Shutdown(ctx context.Context) error {
	err := r.listeners.stop(ctx)
	r.forward.Close()
	r.telemetry.shutdown()
	return err
}
