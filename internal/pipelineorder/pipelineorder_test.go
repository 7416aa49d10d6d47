package pipelineorder

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/pipeline"
)

type extension struct {
	component.StartFunc
	component.ShutdownFunc
	Watcher
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

func TestAComponentSeesTheOrderOfProcessors(t *testing.T) {
	t.Parallel()
	ext := new(extension)
	h := host{component.MustNewID("other"): nil, component.MustNewID("ours"): ext}
	require.Nil(t, Of(h), "the collector has not shown its configuration")
	conf := confmap.NewFromStringMap(map[string]any{"service": map[string]any{"pipelines": map[string]any{
		"traces":    map[string]any{"processors": []any{"a", "b/two"}},
		"logs/b":    map[string]any{"processors": []any{"b/two", 7, "1 no id"}},
		"logs/a":    map[string]any{"processors": []any{"b/two"}},
		"metrics":   map[string]any{"receivers": []any{"x"}},
		"nonsense!": map[string]any{"processors": []any{"a"}},
	}}})
	require.NoError(t, ext.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil)))
	a, b := component.MustNewID("a"), component.MustNewIDWithName("b", "two")
	traces, logsA, logsB := pipeline.NewID(pipeline.SignalTraces), pipeline.NewIDWithName(pipeline.SignalLogs, "a"), pipeline.NewIDWithName(pipeline.SignalLogs, "b")
	require.Equal(t, Pipelines{traces: {a, b}, logsA: {b}, logsB: {b}}, Of(h))
	require.Equal(t, []pipeline.ID{logsA, logsB, traces}, Of(h).Names(b))
}

func TestAConfigurationWithoutPipelinesIsNoError(t *testing.T) {
	t.Parallel()
	for _, conf := range []*confmap.Conf{nil, confmap.New(), confmap.NewFromStringMap(map[string]any{"service": "text"})} {
		ext := new(extension)
		require.NoError(t, ext.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil)))
		require.Empty(t, Of(host{component.MustNewID("ours"): ext}))
	}
}
