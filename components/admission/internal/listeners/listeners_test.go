package listeners

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/otlpprice"
)

func find(t *testing.T, text string) (*Found, error) {
	r, err := confmap.NewRetrievedFromYAML([]byte(text))
	require.NoError(t, err)
	conf, err := r.AsConf()
	require.NoError(t, err)
	return Find(conf.ToStringMap(), component.MustNewID("admission"))
}

func TestListenersAreNamedByTheirReceivers(t *testing.T) {
	t.Parallel()
	f, err := find(t, `
receivers:
  otlp: {protocols: {grpc: {endpoint: "0.0.0.0:1", middlewares: [id: admission]}, http: {endpoint: "0.0.0.0:2", middlewares: [id: admission], compression_algorithms: [], traces_url_path: /t}}}
  otlp/second: {protocols: {grpc: , http: {middlewares: [{id: admission/other}], compression_algorithms: []}}}
  otlp/unused: {protocols: {grpc: {endpoint: "0.0.0.0:9"}}}
  zipkin: {endpoint: "0.0.0.0:3", middlewares: [id: admission]}
  fluent: {endpoint: "0.0.0.0:4"}
service: {pipelines: {traces: {receivers: [otlp, otlp/second, zipkin]}, logs: {receivers: [fluent]}}}
`)
	require.NoError(t, err)
	for port, name := range map[int]string{1: "otlp/grpc", 2: "otlp/http", 3: "zipkin", 4: "fluent", 4317: "otlp/second/grpc", 5: "5"} {
		require.Equal(t, name, f.NameOf(&net.TCPAddr{Port: port}))
	}
	require.Equal(t, []string{"zipkin"}, f.Decompressing)
	require.Equal(t, []string{"otlp/second/grpc"}, f.Unguarded)
	require.Equal(t, map[string]otlpprice.Root{"/t": otlpprice.Traces}, f.Paths)
	c, err := f.Credentials(t.Context())
	require.NoError(t, err)
	require.Nil(t, c)
}

func TestDifferentTLSBehindOneExtensionIsAnError(t *testing.T) {
	t.Parallel()
	_, err := find(t, `
receivers:
  otlp: {protocols: {grpc: {middlewares: [id: admission], tls: {cert_file: a}}}}
  otlp/second: {protocols: {grpc: {middlewares: [id: admission]}}}
service: {pipelines: {traces: {receivers: [otlp, otlp/second]}}}
`)
	require.ErrorContains(t, err, "admission stands before gRPC listeners with different tls (otlp/grpc, otlp/second/grpc): give each its own, as in admission/<name>")
}

func TestTLSThatCannotBeLoadedIsAnErrorAndNeverPlainText(t *testing.T) {
	t.Parallel()
	f, err := find(t, `
receivers: {otlp: {protocols: {grpc: {middlewares: [id: admission], tls: {cert_file: /nowhere, key_file: /nowhere}}}}}
service: {pipelines: {traces: {receivers: [otlp]}}}
`)
	require.NoError(t, err)
	_, err = f.Credentials(t.Context())
	require.ErrorContains(t, err, "load otlp/grpc::tls")
}
