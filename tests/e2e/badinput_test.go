package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/story"
)

func post(t *testing.T, url, contentType string, body []byte) (status int, answer string) {
	t.Helper()
	resp, err := http.Post(url, contentType, bytes.NewReader(body))
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(raw)
}

// What cannot be read is refused to its sender in words, and the next good
// request is served as if nothing had been.
func TestMalformedInputIsRefusedAndTheCollectorLivesOn(t *testing.T) {
	backend := sink.Start(t)
	c := toSink(t, backend, "")
	for _, bad := range []struct{ name, url, contentType, body, says string }{
		{"msgpack v0.4", "http://" + c.Datadog + "/v0.4/traces", "application/msgpack", "\x91\x91\xc1", "decode"},
		{"msgpack v0.5", "http://" + c.Datadog + "/v0.5/traces", "application/msgpack", "\x92\x91\xa1a\x91\x91\x93", "decode"},
		{"a length that is a lie", "http://" + c.Datadog + "/v0.4/traces", "application/msgpack", "\xdd\x7f\xff\xff\xff", "decode"},
		{"otlp protobuf", "http://" + c.OTLPHTTP + "/v1/traces", "application/x-protobuf", "\x0a\xff", "EOF"},
		{"otlp json traces", "http://" + c.OTLPHTTP + "/v1/traces", "application/json", `{"resourceSpans":[{`, "nexpected"},
		{"otlp json logs", "http://" + c.OTLPHTTP + "/v1/logs", "application/json", `[]`, "decode"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			status, answer := post(t, bad.url, bad.contentType, []byte(bad.body))
			require.Equal(t, http.StatusBadRequest, status, answer)
			require.NotEmpty(t, strings.TrimSpace(answer))
		})
	}
	hexID, err := story.Play(t.Context(), endpoints(c))
	require.NoError(t, err)
	backend.WaitFor(t, "the order after the bad requests", func() bool {
		for _, span := range backend.Spans() {
			if span.TraceID() == traceID(t, hexID) {
				return true
			}
		}
		return false
	})
}

func TestAWrongConfigurationNamesItsKey(t *testing.T) {
	for _, wrong := range []struct {
		name string
		env  []string
		yaml string
		says []string
	}{
		{"unknown key", nil, "processors: {tag_truncate: {max_value_bites: 1}}", []string{"tag_truncate", "max_value_bites"}},
		{"unknown component", nil, "service: {pipelines: {traces: {processors: [tag_trunkate]}}}", []string{"tag_trunkate"}},
		{"empty variable", []string{"OTEL_EXPORTER_OTLP_ENDPOINT="}, "", []string{"OTEL_EXPORTER_OTLP_ENDPOINT is empty: set it to"}},
	} {
		t.Run(wrong.name, func(t *testing.T) {
			bin, err := collector.Binary()
			require.NoError(t, err)
			cmd := exec.Command(bin, "validate", "--config", filepath.Join(collector.Root(), "config/gateway.yaml"),
				"--config", filepath.Join(collector.Root(), "config/export/otlp.yaml"), "--config", "yaml:"+wrong.yaml)
			cmd.Env = append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_HEADERS=api-key=secret"}, wrong.env...)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, string(out))
			for _, says := range wrong.says {
				require.Contains(t, string(out), says)
			}
			require.NotContains(t, string(out), "secret")
		})
	}
}
