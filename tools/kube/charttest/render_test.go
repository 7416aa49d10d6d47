package charttest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLintFindsNothing(t *testing.T) {
	timed(t)
	for name, values := range valuesFiles(t) {
		out, errs, err := helm(t, "lint", "--strict", "--quiet", chart, "--kube-version", recent, "--values", values)
		require.NoError(t, err, "%s: %s%s", name, out, errs)
		require.Empty(t, errs, name)
	}
}

func TestTheChartsUnitTestsPass(t *testing.T) {
	timed(t)
	out, err := exec.Command(tool(t, "helm-unittest"), "--strict", chart).CombinedOutput()
	require.NoError(t, err, string(out))
}

// The examples are what users read to see what the chart makes of a few values.
func TestExamplesAreRenderedAsCommitted(t *testing.T) {
	timed(t)
	dirs, err := filepath.Glob(chart + "/examples/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		got := render(t, recent, "--values", filepath.Join(dir, "values.yaml"))
		golden := filepath.Join(dir, "rendered.yaml")
		if *update {
			require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err, "make chart-golden writes it")
		require.Equal(t, string(want), got, "%s: read the difference, then make chart-golden", dir)
	}
}

// The schemas are Kubernetes' own, made by ../schemagen into the folder of the
// tools, and refuse what the API server would prune in silence.
func TestKubernetesKnowsEveryField(t *testing.T) {
	timed(t)
	versions, err := filepath.Glob(tool(t, "schemas") + "/v*")
	require.NoError(t, err)
	require.Len(t, versions, 3)
	for _, dir := range versions {
		version := filepath.Base(dir)
		all := t.TempDir()
		for name, values := range valuesFiles(t) {
			file := filepath.Join(all, strings.ReplaceAll(name, "/", "-")+".yaml")
			require.NoError(t, os.WriteFile(file, []byte(render(t, version, "--values", values)), 0o600))
		}
		out, err := kubeconform(t, version, all)
		require.NoError(t, err, "%s: %s", version, out)
	}
}

func TestAMisspeltFieldIsNoticed(t *testing.T) {
	timed(t)
	file := filepath.Join(t.TempDir(), "manifests.yaml")
	manifest := "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {selectr: {a: b}}\n"
	require.NoError(t, os.WriteFile(file, []byte(manifest), 0o600))
	out, err := kubeconform(t, recent, file)
	require.Error(t, err)
	require.Contains(t, out, "selectr")
}

func kubeconform(t *testing.T, version, file string) (string, error) {
	t.Helper()
	const name = "{{.ResourceKind}}{{.KindSuffix}}.json"
	out, err := exec.Command(tool(t, "kubeconform"), "-strict", "-kubernetes-version", version[1:],
		"-schema-location", tool(t, "schemas")+"/{{.NormalizedKubernetesVersion}}/"+name,
		"-schema-location", tool(t, "schemas")+"/crds/"+name, file).CombinedOutput()
	return string(out), err
}
