package retrypolicy

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func readme(t *testing.T) string {
	t.Helper()
	return string(mustRead(t, "README.md"))
}

// The documented command, with the directory and the port of this test.
func TestTheREADMEsReplayCommandDeliversWhatIsInQuarantine(t *testing.T) {
	k, b := newKit(t), &backend{}
	b.status = func(int, []string) int { return 400 }
	exp := overHTTP(t, k, b, nil)
	require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(5)))
	require.NoError(t, exp.ConsumeLogs(t.Context(), someLogs(7)))
	require.Len(t, k.files(t), 2)

	b.status = nil // the cause is mended
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	command := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(readme(t))[1]
	command = strings.NewReplacer("/var/lib/otelcol-obs/quarantine", k.dir, "http://localhost:4318", srv.URL).Replace(command)
	out, err := exec.Command("sh", "-c", command).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Len(t, b.taken(), 12)
	require.Empty(t, k.files(t))
	require.Equal(t, http.MethodPost, b.method)

	// A file that is refused again stays.
	require.NoError(t, os.WriteFile(filepath.Join(k.dir, "x-refused.logs.pb"), bytes.Repeat([]byte{0xff}, 9), 0o600))
	_, _ = exec.Command("sh", "-c", command).CombinedOutput()
	require.Len(t, k.files(t), 1)
}

func TestREADMEShowsWhatLoads(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		file := filepath.Join(t.TempDir(), "config.yaml")
		require.NoError(t, os.WriteFile(file, []byte(block[1]), 0o600))
		conf, err := confmaptest.LoadConf(file)
		require.NoError(t, err, block[1])
		sub, err := conf.Sub("extensions::retry_policy")
		require.NoError(t, err)
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, sub.Unmarshal(cfg), block[1])
		require.NoError(t, cfg.Validate(), block[1])
	}
}

func TestREADMEListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readme(t), "| `"+key+"` | `")
	}
}

func TestREADMEListsEveryMetric(t *testing.T) {
	k := newKit(t)
	k.policy.tel.answer(transportHTTP, retry, 500)
	k.policy.tel.quarantined(logs, "refused")
	k.policy.tel.quarantineFull(logs)
	k.policy.tel.expired(1)
	k.policy.tel.rejected(logs, 1)
	var data metricdata.ResourceMetrics
	require.NoError(t, k.tel.Reader.Collect(t.Context(), &data))
	var emitted, listed []string
	for _, sm := range data.ScopeMetrics {
		for _, m := range sm.Metrics {
			if strings.HasPrefix(m.Name, prefix) {
				emitted = append(emitted, m.Name)
			}
		}
	}
	for _, l := range regexp.MustCompile("(?m)^\\| `("+prefix+"[a-z_]+)`").FindAllStringSubmatch(readme(t), -1) {
		listed = append(listed, l[1])
	}
	slices.Sort(listed)
	slices.Sort(emitted)
	require.Equal(t, emitted, listed)
}
