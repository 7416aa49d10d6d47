package retrypolicy

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

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
	command := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(readmetest.Text(t))[1]
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
	readmetest.Configs(t, "extensions", "retry_policy", func(block string, conf *confmap.Conf) {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, conf.Unmarshal(cfg), block)
		require.NoError(t, cfg.Validate(), block)
	})
}

func TestREADMEListsEveryKey(t *testing.T) {
	conf := confmap.New()
	require.NoError(t, conf.Marshal(createDefaultConfig()))
	for _, key := range conf.AllKeys() {
		require.Contains(t, readmetest.Text(t), "| `"+key+"` | `")
	}
}
