package ddpropagation

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const metricPrefix = "otelcol_processor_dd_propagation_"

// counts is the ids counter by its attributes, without the processor's name.
type counts map[[3]string]int64

func (c counts) add(signal, source, outcome string, n int64) {
	c[[3]string{signal, source, outcome}] += n
}

// collector is one component id in a running collector, with its metrics.
type collector struct {
	factory processor.Factory
	cfg     *Config
	tel     *componenttest.Telemetry
	set     processor.Settings
}

func newCollector(t testing.TB, cfg *Config) *collector {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(typ)
	set.ID = component.NewID(typ)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	return &collector{factory: NewFactory(), cfg: cfg, tel: tel, set: set}
}

func (c *collector) traces(t testing.TB) processor.Traces {
	p, err := c.factory.CreateTraces(t.Context(), c.set, c.cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

func (c *collector) logs(t testing.TB) processor.Logs {
	p, err := c.factory.CreateLogs(t.Context(), c.set, c.cfg, consumertest.NewNop())
	require.NoError(t, err)
	return started(t, p)
}

// ids reads the ids counter.
func (c *collector) ids(t testing.TB) counts {
	got := counts{}
	for _, p := range c.sum(t, "ids") {
		signal, _ := p.Attributes.Value("signal")
		source, _ := p.Attributes.Value("source")
		outcome, _ := p.Attributes.Value("outcome")
		got.add(signal.AsString(), source.AsString(), outcome.AsString(), p.Value)
	}
	return got
}

// value reads one number of a metric: the sum over all its attributes, or of those with this label.
func (c *collector) value(t testing.TB, name string, labels ...attribute.KeyValue) (total int64) {
	for _, p := range c.sum(t, name) {
		matches := true
		for _, label := range labels {
			v, ok := p.Attributes.Value(label.Key)
			matches = matches && ok && v == label.Value
		}
		if matches {
			total += p.Value
		}
	}
	return total
}

func (c *collector) sum(t testing.TB, name string) []metricdata.DataPoint[int64] {
	m, err := c.tel.GetMetric(metricPrefix + name)
	if err != nil {
		return nil // nothing was counted yet
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		return data.DataPoints
	case metricdata.Gauge[int64]:
		return data.DataPoints
	}
	t.Fatalf("%s is a %T", name, m.Data)
	return nil
}

// countIDs sends data through a new processor and returns what it counted.
func countIDs(t testing.TB, cfg *Config, data any) counts {
	t.Helper()
	c := newCollector(t, cfg)
	switch data := data.(type) {
	case plog.Logs:
		require.NoError(t, c.logs(t).ConsumeLogs(t.Context(), data))
	case ptrace.Traces:
		require.NoError(t, c.traces(t).ConsumeTraces(t.Context(), data))
	default:
		t.Fatalf("no pipeline for %T", data)
	}
	return c.ids(t)
}
