package charttest

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "rewrite the golden renderings")

const (
	root  = "../../.."
	chart = root + "/deploy/helm/otelcol-obs"
	// What the chart is rendered for where nothing else is said.
	recent = "v1.37.1"
)

type object = map[string]any

// TestMain prints how long each test took: the steps of `make chart`.
func TestMain(m *testing.M) {
	code := m.Run()
	for _, name := range slices.Sorted(maps.Keys(took)) {
		fmt.Printf("%-44s %6.1f s\n", name, took[name].Seconds())
	}
	os.Exit(code)
}

var took = map[string]time.Duration{}

// timed records the test's time for the summary.
func timed(t *testing.T) {
	start := time.Now()
	t.Cleanup(func() { took[t.Name()] = time.Since(start) })
}

// tool is the path of a program `make kube-tools` builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("KUBE_TOOLS")
	if dir == "" {
		dir = root + "/.cache/kube"
	}
	return program(t, filepath.Join(dir, name), "make kube-tools")
}

func collector(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("OTELCOL_OBS_BIN")
	if bin == "" {
		bin = root + "/bin/otelcol-obs"
	}
	return program(t, bin, "make build")
}

func program(t *testing.T, path, command string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	require.NoError(t, err)
	_, err = os.Stat(abs)
	require.NoError(t, err, "%s makes it", command)
	return abs
}

// helm runs helm and returns what it printed and said.
func helm(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(tool(t, "helm"), args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	// Neither the user's plugins nor a cluster he happens to be logged in to.
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// render returns the chart's manifests as text; values are files or --set words.
func render(t *testing.T, version string, values ...string) string {
	t.Helper()
	out, errs, err := helm(t, append([]string{"template", "obs", chart, "--namespace", "monitoring", "--kube-version", version}, values...)...)
	require.NoError(t, err, errs)
	return out
}

// documents splits manifests and decodes them.
func documents(t *testing.T, manifests string) []object {
	t.Helper()
	var docs []object
	for part := range strings.SplitSeq("\n"+manifests, "\n---\n") {
		var doc object
		require.NoError(t, yaml.Unmarshal([]byte(part), &doc), part)
		if len(doc) > 0 {
			docs = append(docs, doc)
		}
	}
	require.NotEmpty(t, docs)
	return docs
}

// at walks maps and lists by key and index.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch key := step.(type) {
		case string:
			m, ok := v.(object)
			require.True(t, ok, "%v: no map before %q", path, key)
			v = m[key]
		case int:
			l, ok := v.([]any)
			require.True(t, ok && key < len(l), "%v: no element %d", path, key)
			v = l[key]
		}
	}
	return v
}

func find(t *testing.T, docs []object, kind, name string) object {
	t.Helper()
	for _, doc := range docs {
		if doc["kind"] == kind && at(t, doc, "metadata", "name") == name {
			return doc
		}
	}
	require.Fail(t, "not rendered", "%s %s", kind, name)
	return nil
}

// valuesFiles are the values the chart is tried with: ci/ and examples/.
func valuesFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"ci/*-values.yaml", "examples/*/values.yaml"} {
		found, err := filepath.Glob(filepath.Join(chart, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		for _, file := range found {
			name, err := filepath.Rel(chart, file)
			require.NoError(t, err)
			files[strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), "values")] = file
		}
	}
	return files
}
