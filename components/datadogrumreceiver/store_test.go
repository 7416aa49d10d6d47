package datadogrumreceiver

import (
	"bytes"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/attr"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

func storedRig(t *testing.T, d *journaltest.Disk, edit func(*Config)) *rig {
	t.Helper()
	return newRig(t, func(cfg *Config) {
		cfg.Storage = &journaltest.ID
		if edit != nil {
			edit(cfg)
		}
	}).start(d.Host())
}

var errDisk = errors.New("no space left")

func refusingDisk() *journaltest.Disk {
	d := journaltest.NewDisk()
	d.Refuse(errDisk)
	return d
}

const viewLine = `{"type":"view","date":1795168790000,"service":"shop","application":{"id":"a"},"session":{"id":"s"},"view":{"id":"v","url":"/","is_active":true,"time_spent":9007199254740993},"_dd":{"document_version":3}}`

func TestHeldItemsSurviveACrash(t *testing.T) {
	first := journaltest.NewDisk()
	g := storedRig(t, first, func(cfg *Config) { cfg.ClientTokens = map[string]intake.TokenConfig{"pub1": {Tenant: "shop"}} })
	update := `{"type":"view_update","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","name":"home"},"_dd":{"document_version":5}}`
	require.Equal(t, http.StatusAccepted, g.post(joinLines(act("a1", "click", "Menu", 0), request(2, "a2", 5), viewLine, update)).code)
	after := first.Crash() // right after the 202

	g = storedRig(t, after, nil)
	require.Equal(t, 2, g.sizes().Actions)
	require.Equal(t, 1, g.sizes().Views)
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.spans(), 3, "the action, the placeholder and the load of the view")
	view := g.recordNamed("rum.view")
	name, _ := view.Attributes().Get(attr.ViewName)
	require.Equal(t, "home", name.Str())
	spent, _ := view.Attributes().Get("datadog.view.time_spent")
	require.EqualValues(t, 9007199254740993, spent.Int(), "no digit is lost")
	tenant, _ := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attr.TenantID)
	require.Equal(t, "shop", tenant.Str())

	g.flush(g.cfg.Actions.Remember)
	g.flush(4 * time.Hour) // so long a session is known
	require.Eventually(t, func() bool { return after.Items() == 0 }, 10*time.Second, time.Millisecond, "nothing is left behind")
	require.NoError(t, g.rum.Shutdown(t.Context()))
	require.Zero(t, after.Open())

	// What was handed on and forgotten does not come back.
	g = storedRig(t, after.Crash(), nil)
	require.Equal(t, session.Sizes{}, g.sizes())
}

func TestWhatCannotBeSavedIsNotAcknowledged(t *testing.T) {
	d := journaltest.NewDisk()
	g := storedRig(t, d, nil)
	d.Refuse(errDisk)
	got := g.post(clickLine)
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Contains(t, got.text, "no space left")
	require.Positive(t, g.count(t, "storage_errors"))
	d.Refuse(nil)
	require.Equal(t, http.StatusAccepted, g.post(clickLine).code)
	require.Equal(t, 1, d.Items())
	g.flush(g.cfg.Actions.Wait)
	require.Len(t, g.spans(), 1)
}

// The first try left views and traces in memory, so the retry changes nothing:
// it is still not acknowledged before they are on disk.
func TestARetryIsNotAcknowledgedBeforeWhatItRepeatsIsSaved(t *testing.T) {
	for body, items := range map[string]int{viewLine: 2 /* and its session */, request(1, "a1", 0): 1} {
		d := refusingDisk()
		g := storedRig(t, d, nil)
		for range 2 {
			require.Equal(t, http.StatusServiceUnavailable, g.post(body).code, body)
		}
		d.Refuse(nil)
		require.Equal(t, http.StatusAccepted, g.post(body).code)
		require.Equal(t, items, d.Items())
	}
}

// What could not be saved is saved later, without a request that asks for it.
func TestTheDiskIsTriedAgain(t *testing.T) {
	d := refusingDisk()
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusServiceUnavailable, g.post(viewLine).code)
	d.Refuse(nil)
	g.flush(0)
	require.Eventually(t, func() bool { return d.Items() == 2 }, 10*time.Second, time.Millisecond)
}

func TestShutdownLeavesInStorageWhatThePipelinesRefuse(t *testing.T) {
	d := journaltest.NewDisk()
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusAccepted, g.post(viewLine).code)
	g.flusher.mu.Lock()
	g.rum.out.logs = errConsumer{}
	g.flusher.mu.Unlock()
	require.Error(t, g.rum.Shutdown(t.Context()))
	g = storedRig(t, d, nil)
	require.Equal(t, 1, g.sizes().Views)
}

func TestADamagedItemDoesNotKeepTheReceiverFromStarting(t *testing.T) {
	d := journaltest.NewDisk()
	g := storedRig(t, d, nil)
	g.post(joinLines(act("a1", "click", "x", 0), act("a2", "click", "y", 1), viewLine))
	after := d.Crash()
	after.Edit(func(raw []byte) []byte {
		switch {
		case bytes.Contains(raw, []byte(`"a1"`)):
			return []byte("not JSON")
		case bytes.HasPrefix(raw, []byte(`{"view"`)):
			return []byte("{}")
		}
		return raw
	})
	g = storedRig(t, after, nil)
	require.Equal(t, 1, g.sizes().Actions)
	require.Zero(t, g.sizes().Views)
	require.EqualValues(t, 2, g.count(t, "storage_errors"))
}

func TestStorageMustBeThere(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Storage = &journaltest.ID })
	require.ErrorContains(t, g.rum.Start(t.Context(), componenttest.NewNopHost()), "storage disk is not among service::extensions")
}
