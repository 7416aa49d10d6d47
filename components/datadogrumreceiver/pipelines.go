package datadogrumreceiver

import (
	"context"

	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/receiverhelper"
)

const format = "datadog_rum"

// pipelines are those that share the receiver, any may be nil: what would go
// there goes nowhere, by configuration.
type pipelines struct {
	obs     *receiverhelper.ObsReport
	traces  consumer.Traces
	logs    consumer.Logs
	metrics consumer.Metrics
}

func newPipelines(set receiver.Settings) (*pipelines, error) {
	obs, err := receiverhelper.NewObsReport(receiverhelper.ObsReportSettings{
		ReceiverID: set.ID, Transport: "http", ReceiverCreateSettings: set,
	})
	return &pipelines{obs: obs}, err
}

func (p *pipelines) consumeTraces(ctx context.Context, td ptrace.Traces, n int) error {
	if p.traces == nil || n == 0 {
		return nil
	}
	ctx = p.obs.StartTracesOp(ctx)
	err := p.traces.ConsumeTraces(ctx, td)
	p.obs.EndTracesOp(ctx, format, n, err)
	return err
}

func (p *pipelines) consumeLogs(ctx context.Context, ld plog.Logs, n int) error {
	if p.logs == nil || n == 0 {
		return nil
	}
	ctx = p.obs.StartLogsOp(ctx)
	err := p.logs.ConsumeLogs(ctx, ld)
	p.obs.EndLogsOp(ctx, format, n, err)
	return err
}

func (p *pipelines) consumeMetrics(ctx context.Context, md pmetric.Metrics, n int) error {
	if p.metrics == nil || n == 0 {
		return nil
	}
	ctx = p.obs.StartMetricsOp(ctx)
	err := p.metrics.ConsumeMetrics(ctx, md)
	p.obs.EndMetricsOp(ctx, format, n, err)
	return err
}
