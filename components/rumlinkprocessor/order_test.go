package rumlinkprocessor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/processor/processortest"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
	"github.com/otelcol-obs/otelcol-obs/internal/pipelineorder"
)

// ordered is a collector that shows the order of its processors.
func ordered(t *testing.T, pipelines map[string][]any) component.Host {
	ext := &struct {
		component.StartFunc
		component.ShutdownFunc
		pipelineorder.Watcher
	}{}
	all := map[string]any{}
	for name, processors := range pipelines {
		all[name] = map[string]any{"processors": processors}
	}
	conf := confmap.NewFromStringMap(map[string]any{"service": map[string]any{"pipelines": all}})
	require.NoError(t, ext.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, nil)))
	return journaltest.Host{component.MustNewID("watcher"): ext}
}

func TestAnOrderThatDoesNotWorkIsSaidWithWhatMendsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pipelines map[string][]any
		want      []string
	}{
		"as shipped": {map[string][]any{
			"traces": {"memory_limiter", "dd_propagation", "rum_link", "dd_sampler", "tag_truncate"},
			"logs":   {"memory_limiter", "json_log", "dd_propagation", "dd_sampler", "rum_link", "tag_truncate"},
		}, nil},
		"alone": {map[string][]any{"traces": {"rum_link"}, "logs": {"rum_link"}}, nil},
		"in the wrong place": {map[string][]any{
			"traces": {"tag_truncate/dash0", "rum_link"},
			"logs/b": {"rum_link", "json_log", "dd_propagation"},
		}, []string{
			"put json_log before rum_link in service::pipelines::logs/b::processors: the ids are in the JSON that it reads",
			"put dd_propagation before rum_link in service::pipelines::logs/b::processors: it completes the ids by which logs and spans are joined",
			"put tag_truncate/dash0 behind rum_link in service::pipelines::traces::processors: what rum_link writes must be within the backend's limits too",
		}},
		"in logs alone": {map[string][]any{"traces": {"batch"}, "logs": {"rum_link"}}, []string{
			"put rum_link in the processors of a traces pipeline too: logs are joined to what passes there",
		}},
		"in traces alone": {map[string][]any{"traces": {"rum_link"}}, []string{
			"put rum_link in the processors of a logs pipeline too: spans count the logs that pass there",
		}},
		"under two ids": {map[string][]any{"traces": {"rum_link"}, "logs": {"rum_link/logs"}}, []string{
			"put rum_link in place of rum_link/logs in service::pipelines::logs::processors: spans count the logs that pass there, and two ids share nothing",
		}},
	} {
		core, seen := observer.New(zap.WarnLevel)
		set := processortest.NewNopSettings(metadata.Type)
		set.ID = component.NewID(metadata.Type)
		set.Logger = zap.New(core)
		newLinkerWith(t, createDefaultConfig().(*Config), set, ordered(t, c.pipelines))
		var got []string
		for _, entry := range seen.All() {
			got = append(got, entry.Message)
		}
		for i := range c.want {
			c.want[i] = "The order of processors does not work: " + c.want[i]
		}
		require.ElementsMatch(t, c.want, got, name)
	}
}

// Without an extension that knows the order, it is known for which signals the
// processor was made.
func TestOneSignalAloneIsSaidWithoutKnowingTheOrder(t *testing.T) {
	t.Parallel()
	for _, linksOrphans := range []bool{false, true} {
		core, seen := observer.New(zap.WarnLevel)
		set := processortest.NewNopSettings(metadata.Type)
		set.Logger = zap.New(core)
		cfg := createDefaultConfig().(*Config)
		if linksOrphans { // which needs no logs
			cfg.Keys = []KeyConfig{{Name: "job", Span: []string{"job"}}}
			cfg.Spans.LinkOrphansBy = []string{"job"}
		}
		p, err := NewFactory().CreateTraces(t.Context(), set, cfg, consumertest.NewNop())
		require.NoError(t, err)
		require.NoError(t, p.Start(t.Context(), componenttest.NewNopHost()))
		require.NoError(t, p.Shutdown(t.Context()))
		require.Equal(t, linksOrphans, seen.Len() == 0)
	}
}
