package crash

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// What the table of promises says of "an exporter of config/export" is so for
// each of them, and for whoever adds the next.
func TestShippedConfigsKeepThePromise(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(collector.Root(), "config", "*", "*.yaml"))
	require.NoError(t, err)
	bases, err := filepath.Glob(filepath.Join(collector.Root(), "config", "*.yaml"))
	require.NoError(t, err)
	balanced := 0
	for _, file := range append(files, bases...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var cfg map[string]any
			require.NoError(t, yaml.Unmarshal(text, &cfg))
			for id, pipeline := range at(cfg, "service", "pipelines") {
				for _, processor := range list(pipeline, "processors") {
					for _, holds := range []string{"batch", "groupbytrace", "tail_sampling"} {
						if strings.Split(processor, "/")[0] == holds {
							require.Contains(t, []string{"tail_sampling.yaml", "tail_sampling-datadog.yaml"}, filepath.Base(file), "%s acknowledges %s into memory", holds, id)
							require.Contains(t, string(text), "What becomes of the promise")
						}
					}
				}
			}
			for id, exporter := range at(cfg, "exporters") {
				kind := strings.Split(id, "/")[0]
				if kind == "load_balancing" {
					balanced++
					requireBalanced(t, exporter)
				}
				if kind != "debug" && kind != "file" && filepath.Base(filepath.Dir(file)) == "export" {
					requireDurable(t, kind, exporter)
				}
			}
		})
	}
	require.Positive(t, balanced, "no load_balancing exporter found")
}

// requireDurable holds an exporter to the queue and the retries of the README.
func requireDurable(t *testing.T, kind string, exporter any) {
	queue := at(exporter, "sending_queue")
	require.NotEqual(t, false, queue["enabled"])
	require.Equal(t, map[string]any{
		"storage": "durable_storage", "sizer": "bytes", "queue_size": 512 << 20, "block_on_overflow": false,
	}, without(queue, "enabled", "batch", "num_consumers"))
	batch := at(queue, "batch")
	require.Equal(t, "5s", batch["flush_timeout"])
	if kind != "kafka" { // its messages have a size
		require.Equal(t, 3, queue["num_consumers"])
		require.Equal(t, map[string]any{"flush_timeout": "5s", "sizer": "items", "min_size": 200, "max_size": 1000}, batch)
	}
	if kind == "datadog" {
		return // has retries of its own, and no promise
	}
	retry := at(exporter, "retry_on_failure")
	require.Equal(t, map[string]any{
		"enabled": true, "initial_interval": "1s", "max_interval": "60s", "multiplier": 2, "randomization_factor": 0.2, "max_elapsed_time": "0s",
	}, retry)
	if kind == "kafka" {
		return // not one of the collector's own clients
	}
	if kind == "datadog_intake" {
		require.Equal(t, "retry_policy", at(exporter)["retry_policy"]) // it asks the policy itself
		return
	}
	holder := exporter
	if kind == "load_balancing" {
		holder = at(exporter, "protocol", "otlp")
	}
	require.Equal(t, []any{map[string]any{"id": "retry_policy"}}, holder.(map[string]any)["middlewares"])
}

// requireBalanced holds a load balancer to routes that keep a trace together,
// and to nothing being held below the choice of a gateway.
func requireBalanced(t *testing.T, exporter any) {
	e := exporter.(map[string]any)
	if attributes := list(e, "routing_attributes"); attributes != nil {
		// An overlay that routes by the low half of the trace id.
		require.Equal(t, []string{"rum_link.route"}, attributes)
		require.Equal(t, "attributes", e["routing_key"])
		return
	}
	require.Equal(t, "traceID", e["routing_key"])
	require.Equal(t, map[string]any{"enabled": false}, at(e, "protocol", "otlp", "retry_on_failure"))
	require.Equal(t, map[string]any{"enabled": false}, at(e, "protocol", "otlp", "sending_queue"))
}

// at returns a mapping below a mapping, or an empty one.
func at(from any, path ...string) map[string]any {
	m, _ := from.(map[string]any)
	for _, key := range path {
		m, _ = m[key].(map[string]any)
	}
	return m
}

func list(from any, key string) (items []string) {
	values, _ := at(from)[key].([]any)
	for _, v := range values {
		items = append(items, v.(string))
	}
	return items
}

func without(m map[string]any, keys ...string) map[string]any {
	m = maps.Clone(m)
	maps.DeleteFunc(m, func(key string, _ any) bool { return slices.Contains(keys, key) })
	return m
}
