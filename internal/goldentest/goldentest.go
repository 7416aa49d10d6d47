// Package goldentest reads OTLP written as YAML and compares what a component
// produced with what a golden file says it should.
package goldentest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "rewrite golden files with what the code produced")

// Cases calls f once, as a subtest, for every folder matching pattern that
// holds a config.yaml. It fails when there is none.
func Cases(t *testing.T, pattern string, f func(t *testing.T, dir string)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pattern, "config.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files, pattern)
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) { f(t, dir) })
	}
}

// Config reads dir/config.yaml over cfg, a factory's default, and validates
// it when it can be validated.
func Config(t testing.TB, dir string, cfg any) {
	t.Helper()
	conf, err := confmaptest.LoadConf(filepath.Join(dir, "config.yaml"))
	require.NoError(t, err)
	require.NoError(t, conf.Unmarshal(cfg))
	if v, ok := cfg.(interface{ Validate() error }); ok {
		require.NoError(t, v.Validate())
	}
}

// Traces reads a golden file.
func Traces(t testing.TB, file string) ptrace.Traces {
	t.Helper()
	td, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces(toJSON(t, file))
	require.NoError(t, err, file)
	return td
}

// Logs reads a golden file.
func Logs(t testing.TB, file string) plog.Logs {
	t.Helper()
	ld, err := new(plog.JSONUnmarshaler).UnmarshalLogs(toJSON(t, file))
	require.NoError(t, err, file)
	return ld
}

// Metrics reads a golden file.
func Metrics(t testing.TB, file string) pmetric.Metrics {
	t.Helper()
	md, err := new(pmetric.JSONUnmarshaler).UnmarshalMetrics(toJSON(t, file))
	require.NoError(t, err, file)
	return md
}

// EqualTraces compares got with the golden file, or rewrites the file under -update.
func EqualTraces(t testing.TB, file string, got ptrace.Traces) {
	t.Helper()
	raw, err := new(ptrace.JSONMarshaler).MarshalTraces(got)
	require.NoError(t, err)
	equal(t, file, raw, func() ([]byte, error) { return new(ptrace.JSONMarshaler).MarshalTraces(Traces(t, file)) })
}

// EqualLogs compares got with the golden file, or rewrites the file under -update.
func EqualLogs(t testing.TB, file string, got plog.Logs) {
	t.Helper()
	raw, err := new(plog.JSONMarshaler).MarshalLogs(got)
	require.NoError(t, err)
	equal(t, file, raw, func() ([]byte, error) { return new(plog.JSONMarshaler).MarshalLogs(Logs(t, file)) })
}

// EqualMetrics compares got with the golden file, or rewrites the file under -update.
func EqualMetrics(t testing.TB, file string, got pmetric.Metrics) {
	t.Helper()
	raw, err := new(pmetric.JSONMarshaler).MarshalMetrics(got)
	require.NoError(t, err)
	equal(t, file, raw, func() ([]byte, error) { return new(pmetric.JSONMarshaler).MarshalMetrics(Metrics(t, file)) })
}

// equal compares got with what reading the golden file and writing it again
// gives, so that a spelling the reader does not care about does not fail.
func equal(t testing.TB, file string, got []byte, golden func() ([]byte, error)) {
	t.Helper()
	if *update {
		writeYAML(t, file, got)
	}
	want, err := golden()
	require.NoError(t, err)
	require.YAMLEq(t, string(want), string(got), file)
}

func toJSON(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var doc any
	require.NoError(t, yaml.Unmarshal(raw, &doc), file)
	out, err := json.Marshal(doc)
	require.NoError(t, err)
	return out
}

func writeYAML(t testing.TB, file string, raw []byte) {
	t.Helper()
	var doc any
	require.NoError(t, yaml.Unmarshal(raw, &doc))
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	require.NoError(t, enc.Encode(doc))
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o644))
}

// Updating reports whether golden files are to be rewritten.
func Updating() bool { return *update }
