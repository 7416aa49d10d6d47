package ddpropagation

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pipeline"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/service"
	"go.opentelemetry.io/collector/service/pipelines"
	servicetelemetry "go.opentelemetry.io/collector/service/telemetry"
)

// The cache is shared because the collector's own graph hands all instances of a component id one *Config. This holds it to that: what
// one pipeline's spans say completes the spans of another and the logs of a third.
func TestCollectorSharesTheCacheBetweenPipelines(t *testing.T) {
	cfg := createDefaultConfig().(*Config)
	cfg.TraceIDCache.ShareWithLogs = true
	in, self, out := new(taps), component.NewID(typ), component.MustNewID("nop")
	srv, err := service.New(t.Context(), service.Settings{
		ReceiversConfigs:    map[component.ID]component.Config{component.MustNewIDWithName("tap", "a"): &struct{}{}, component.MustNewIDWithName("tap", "b"): &struct{}{}},
		ReceiversFactories:  map[component.Type]receiver.Factory{component.MustNewType("tap"): in.factory()},
		ProcessorsConfigs:   map[component.ID]component.Config{self: cfg},
		ProcessorsFactories: map[component.Type]processor.Factory{typ: NewFactory()},
		ExportersConfigs:    map[component.ID]component.Config{out: exportertest.NewNopFactory().CreateDefaultConfig()},
		ExportersFactories:  map[component.Type]exporter.Factory{component.MustNewType("nop"): exportertest.NewNopFactory()},
		TelemetryFactory:    servicetelemetry.NewFactory(func() component.Config { return nil }),
	}, service.Config{Pipelines: pipelines.Config{
		pipeline.NewIDWithName(pipeline.SignalTraces, "a"): through("a", self, out),
		pipeline.NewIDWithName(pipeline.SignalTraces, "b"): through("b", self, out),
		pipeline.NewID(pipeline.SignalLogs):                through("a", self, out),
	}})
	require.NoError(t, err)
	require.NoError(t, srv.Start(t.Context()))
	defer func() { require.NoError(t, srv.Shutdown(context.WithoutCancel(t.Context()))) }()
	require.Len(t, in.traces, 2)
	require.Len(t, in.logs, 1)

	require.Equal(t, traceIDOf(t, tidA+low1), send(t, in.traces[0], zeros+low1, tidA))
	require.Equal(t, traceIDOf(t, tidA+low1), send(t, in.traces[1], zeros+low1, ""))
	ld, record := oneRecord()
	record.Attributes().PutStr("dd.trace_id", traceDec)
	require.NoError(t, in.logs[0].ConsumeLogs(t.Context(), ld))
	require.Equal(t, traceIDOf(t, tidA+low1), record.TraceID())
}

func through(name string, p, out component.ID) *pipelines.PipelineConfig {
	return &pipelines.PipelineConfig{
		Receivers:  []component.ID{component.MustNewIDWithName("tap", name)},
		Processors: []component.ID{p},
		Exporters:  []component.ID{out},
	}
}

// taps are receivers that let the test put data into pipelines.
type taps struct {
	traces []consumer.Traces
	logs   []consumer.Logs
}

type tap struct {
	component.StartFunc
	component.ShutdownFunc
}

func (in *taps) factory() receiver.Factory {
	return receiver.NewFactory(component.MustNewType("tap"), func() component.Config { return &struct{}{} },
		receiver.WithTraces(func(_ context.Context, _ receiver.Settings, _ component.Config, next consumer.Traces) (receiver.Traces, error) {
			in.traces = append(in.traces, next)
			return tap{}, nil
		}, component.StabilityLevelStable),
		receiver.WithLogs(func(_ context.Context, _ receiver.Settings, _ component.Config, next consumer.Logs) (receiver.Logs, error) {
			in.logs = append(in.logs, next)
			return tap{}, nil
		}, component.StabilityLevelStable))
}
