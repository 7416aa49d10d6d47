// Package deploy holds what is in this folder to the rest of the repository.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// The chart carries copies of the configurations, because Helm packages only
// what is inside it.
func TestTheChartCarriesTheConfigurationsOfTheRepository(t *testing.T) {
	const copies = "helm/otelcol-obs/files"
	files := 0
	require.NoError(t, filepath.WalkDir(copies, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		name, err := filepath.Rel(copies, path)
		require.NoError(t, err)
		assert.Equal(t, read(t, filepath.Join("../config", name)), read(t, path), "%s is stale: make chart-files", path)
		return nil
	}))
	exports, err := filepath.Glob("../config/export/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, exports)
	for _, export := range exports {
		assert.FileExists(t, filepath.Join(copies, "export", filepath.Base(export)), "make chart-files")
	}
	assert.Greater(t, files, len(exports))
}

// A null in an export file would be read as "delete" by the chart and as
// "nothing" by the collector.
func TestExportsHoldNoNulls(t *testing.T) {
	exports, err := filepath.Glob("../config/export/*.yaml")
	require.NoError(t, err)
	for _, export := range exports {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(read(t, export)), &v))
		assertNoNull(t, export, v)
	}
}

func assertNoNull(t *testing.T, where string, v any) {
	switch v := v.(type) {
	case nil:
		assert.Fail(t, "null", where)
	case map[string]any:
		for key, child := range v {
			assertNoNull(t, where+" "+key, child)
		}
	case []any:
		for _, child := range v {
			assertNoNull(t, where, child)
		}
	}
}

// `make image` and the Dockerfile make the same image: the files are the ones
// make wrote, the rest is said twice. `make image-test` compares the results.
func TestTheDockerfileMakesTheImageThatMakeImageMakes(t *testing.T) {
	mk, docker := read(t, "deploy.mk"), read(t, "../cmd/otelcol-obs/Dockerfile")

	assert.Equal(t, strings.ReplaceAll(filepath.Base(one(t, mk, `(?m)^IMAGE_ROOTFS := (\S+)$`)), "{arch}", "${TARGETARCH}"),
		one(t, docker, `(?m)^ADD (\S+) /$`))
	assert.NotContains(t, docker, "\nCOPY ", "a COPY keeps neither owner nor mode")
	for flag, pattern := range map[string]string{
		`-user (\S+)`: `(?m)^USER (\S+)$`, `-env (\S+)`: `(?m)^ENV (\S+)$`,
		`-entrypoint (\S+)`: `(?m)^ENTRYPOINT \["(\S+)"\]$`,
	} {
		assert.Equal(t, one(t, mk, flag), one(t, docker, pattern))
	}
	var args []string
	require.NoError(t, yaml.Unmarshal([]byte(one(t, docker, `(?m)^CMD (\[.*\])$`)), &args))
	assert.Equal(t, all(mk, `-cmd=(\S+)`), args)
	assert.Equal(t, all(mk, `-port (\d+)/tcp`), strings.Fields(one(t, docker, `(?m)^EXPOSE (.*)$`)))
	assert.Equal(t, all(strings.ReplaceAll(mk, "$(VERSION)", "${VERSION}"), `-label (\S+)`), all(docker, ` (org\.opencontainers\.\S+)`))
}

// Ports, names and variables are the Datadog agent's, so an application does
// not notice; and what the collector is told names files the image has.
func TestTheComposeExampleTakesTheAgentsPlace(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Environment map[string]string
			Command     []string
			Ports       []string
			Volumes     []string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			Logging     struct{ Options map[string]string }
			DependsOn   []string `yaml:"depends_on"`
		}
		Volumes map[string]any
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "compose/compose.yaml")), &compose))
	app, agent := compose.Services["notes"], compose.Services["datadog-agent"]

	assert.Equal(t, "datadog-agent", app.Environment["DD_AGENT_HOST"])
	assert.Contains(t, app.DependsOn, app.Environment["DD_AGENT_HOST"])
	published := map[string]bool{}
	for _, p := range agent.Ports {
		parts := strings.Split(p, ":")
		require.Len(t, parts, 3, "published on the loopback address only: %s", p)
		assert.Equal(t, "127.0.0.1", parts[0])
		published[parts[2]] = true
	}
	config := read(t, "../config/agent.yaml")
	for port := range published {
		assert.Contains(t, config, ":"+port+"\n", "agent.yaml listens on it")
	}
	assert.True(t, published[app.Environment["DD_TRACE_AGENT_PORT"]])
	_, logPort, _ := strings.Cut(app.Logging.Options["fluentd-address"], ":")
	assert.True(t, published[logPort])

	assert.True(t, agent.ReadOnly)
	assert.Equal(t, []string{"ALL"}, agent.CapDrop)
	queue, dir, _ := strings.Cut(agent.Volumes[0], ":")
	assert.Contains(t, compose.Volumes, queue)
	assert.Contains(t, config, ":-"+dir+"}/queue")

	// Each file of config/export/ that needs no other address than a backend's.
	for _, export := range []string{"datadog-otlp", "datadog", "otlp", "otlphttp", "debug"} {
		text := read(t, "../config/export/"+export+".yaml")
		for _, m := range regexp.MustCompile(`\$\{required:([A-Z_]+)`).FindAllStringSubmatch(text, -1) {
			assert.Contains(t, agent.Environment, m[1], "export/%s.yaml needs it", export)
		}
	}
	require.Len(t, agent.Command, 2)
	assert.Equal(t, "--config=/etc/otelcol-obs/agent.yaml", agent.Command[0])
	assert.Equal(t, "--config=/etc/otelcol-obs/export/${EXPORT:-datadog-otlp}.yaml", agent.Command[1])
}

// The unit, its environment and the package agree about paths.
func TestTheUnitFindsWhatThePackageInstalls(t *testing.T) {
	var nfpm struct {
		Contents []struct{ Src, Dst, Type string }
		Scripts  map[string]string
	}
	require.NoError(t, yaml.Unmarshal([]byte(read(t, "packages/nfpm.yaml")), &nfpm))
	var installed []string
	for _, c := range nfpm.Contents {
		installed = append(installed, c.Dst)
		if c.Type == "dir" {
			continue
		}
		if !strings.HasPrefix(c.Src, "bin/") {
			_, err := os.Stat(filepath.Join("..", c.Src))
			assert.NoError(t, err)
		}
	}
	for _, script := range nfpm.Scripts {
		assert.FileExists(t, filepath.Join("..", script))
	}
	unit, env := read(t, "packages/otelcol-obs.service"), read(t, "packages/otelcol-obs.conf")
	assert.Contains(t, installed, one(t, unit, `ExecStart=(\S+) \$OTELCOL_OPTIONS`))
	assert.Contains(t, installed, one(t, unit, `EnvironmentFile=(\S+)`))
	for _, m := range regexp.MustCompile(`--config=([^\s"]+)`).FindAllStringSubmatch(env, -1) {
		assert.True(t, slices.ContainsFunc(installed, func(dst string) bool {
			return dst == m[1] || strings.HasSuffix(dst, "/") && filepath.Dir(m[1])+"/" == dst
		}), m[1])
	}
	// Where the configurations keep their queues when nothing else is said.
	assert.Contains(t, read(t, "../config/agent.yaml"), ":-/var/lib/"+one(t, unit, `StateDirectory=(\S+)`)+"}")
}

// Removing keeps what waits in the queue, purging does not, and neither touches
// anything else. DPKG_ROOT is where dpkg installs to when it is not /.
func TestOnlyPurgingDeletesTheQueue(t *testing.T) {
	for action, kept := range map[string][]string{
		"remove": {"var/lib/private/otelcol-obs/queue/data"}, "upgrade": {"var/lib/private/otelcol-obs/queue/data"},
		"0": {"var/lib/private/otelcol-obs/queue/data"}, "purge": nil,
	} {
		t.Run(action, func(t *testing.T) {
			root := t.TempDir()
			for _, file := range []string{"var/lib/private/otelcol-obs/queue/data", "var/lib/private/other/data"} {
				require.NoError(t, os.MkdirAll(filepath.Join(root, filepath.Dir(file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(root, file), []byte("data"), 0o600))
			}
			require.NoError(t, os.Symlink("private/otelcol-obs", filepath.Join(root, "var/lib/otelcol-obs")))
			for _, script := range []string{"preremove.sh", "postremove.sh"} {
				cmd := exec.Command("packages/"+script, action)
				cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DPKG_ROOT=" + root}
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, string(out))
			}
			var left []string
			require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					left = append(left, strings.TrimPrefix(path, root+"/"))
				}
				return err
			}))
			assert.Equal(t, append(kept, "var/lib/private/other/data"), left)
			_, err := os.Lstat(filepath.Join(root, "var/lib/otelcol-obs"))
			assert.Equal(t, action == "purge", os.IsNotExist(err))
		})
	}
}

// The unit is as narrow as a restricted pod: no user of its own, no capability,
// nothing to write but its state.
func TestTheUnitIsRestricted(t *testing.T) {
	unit := read(t, "packages/otelcol-obs.service")
	for _, line := range []string{
		"DynamicUser=yes", "StateDirectoryMode=0750", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "AmbientCapabilities=",
		"ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "SystemCallFilter=@system-service", "UMask=0027",
	} {
		assert.Contains(t, unit, "\n"+line+"\n")
	}
	assert.NotRegexp(t, `(?m)^(User|Group|ReadWritePaths|AmbientCapabilities)=.`, unit)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func one(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	require.NotNil(t, m, pattern)
	return m[1]
}

func all(text, pattern string) (found []string) {
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

// One version, said in five places.
func TestTheVersionIsTheSameEverywhere(t *testing.T) {
	version := one(t, read(t, "../builder-config.yaml"), `(?m)^  version: (\S+)$`)
	assert.Equal(t, version, one(t, read(t, "helm/otelcol-obs/Chart.yaml"), `(?m)^appVersion: (\S+)$`))
	assert.Equal(t, version, one(t, read(t, "deploy.mk"), `(?m)^VERSION \?= (\S+)$`))
	assert.Equal(t, version, one(t, read(t, "../cmd/otelcol-obs/Dockerfile"), `VERSION=(\S+)`))
	assert.Equal(t, version, one(t, read(t, "compose/compose.yaml"), `otelcol-obs/otelcol-obs:(\S+)\}`))
}
