package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
)

// What `otelcol-obs components` lists is what users build configurations from:
// a type that disappears breaks theirs.
func TestTheBinaryHasItsComponents(t *testing.T) {
	f, err := components()
	require.NoError(t, err)
	for kind, c := range map[string]struct{ got, want []string }{
		"receivers": {names(f.Receivers), []string{"datadog", "datadog_rum", "file_log", "fluent", "fluent_forward", "host_metrics", "kafka", "otlp"}},
		"processors": {names(f.Processors), []string{
			"attributes", "batch", "dd_propagation", "dd_sampler", "filter", "json_log", "k8s_attributes", "memory_limiter", "obfuscate", "probabilistic_sampler",
			"redaction", "resource", "resource_detection", "rum_link", "tag_truncate", "tail_sampling", "transform",
		}},
		"exporters":  {names(f.Exporters), []string{"datadog", "debug", "file", "kafka", "load_balancing", "nop", "otlp_grpc", "otlp_http"}},
		"connectors": {names(f.Connectors), []string{"forward", "span_metrics"}},
		"extensions": {names(f.Extensions), []string{
			"basicauth", "bearertokenauth", "durable_storage", "file_storage", "health_check", "pprof", "retry_policy", "zpages",
		}},
	} {
		require.Subset(t, c.got, c.want, kind)
	}
}

// The OTLP exporters have core's types and this project's code: `components` prints whose they are.
func TestTheOTLPExportersAreOurs(t *testing.T) {
	f, err := components()
	require.NoError(t, err)
	for _, typ := range []string{"otlp_grpc", "otlp_http"} {
		require.Contains(t, f.ExporterModules[component.MustNewType(typ)], "github.com/otelcol-obs/otelcol-obs", typ)
	}
}

func names[F any](factories map[component.Type]F) []string {
	var out []string
	for typ := range maps.Keys(factories) {
		out = append(out, typ.String())
	}
	return slices.Sorted(slices.Values(out))
}
