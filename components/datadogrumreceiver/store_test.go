package datadogrumreceiver

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// disk is a storage extension that survives the receivers that use it.
type disk struct {
	component.StartFunc
	component.ShutdownFunc
	mu    sync.Mutex
	items map[string][]byte
	fail  bool
	open  int
}

var errDisk = errors.New("no space left")

func (d *disk) GetClient(context.Context, component.Kind, component.ID, string) (storage.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open++
	return d, nil
}

func (d *disk) Get(_ context.Context, key string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.items[key], nil
}

func (d *disk) Set(ctx context.Context, key string, value []byte) error {
	return d.Batch(ctx, storage.SetOperation(key, value))
}

func (d *disk) Delete(ctx context.Context, key string) error {
	return d.Batch(ctx, storage.DeleteOperation(key))
}

func (d *disk) Batch(_ context.Context, ops ...*storage.Operation) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail {
		return errDisk
	}
	for _, op := range ops {
		switch op.Type {
		case storage.Set:
			d.items[op.Key] = op.Value
		case storage.Delete:
			delete(d.items, op.Key)
		case storage.Get:
			op.Value = d.items[op.Key]
		}
	}
	return nil
}

func (d *disk) Close(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	return nil
}

// crash returns what a machine that loses power now would find.
func (d *disk) crash() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &disk{items: maps.Clone(d.items)}
}

func (d *disk) keys() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key := range d.items {
		if key != slotsKey {
			n++
		}
	}
	return n
}

type diskHost struct {
	component.Host
	disk *disk
}

var diskID = component.MustNewID("disk")

func (h diskHost) GetExtensions() map[component.ID]component.Component {
	return map[component.ID]component.Component{diskID: h.disk}
}

func storedRig(t *testing.T, d *disk, edit func(*Config)) *rig {
	t.Helper()
	return newRig(t, func(cfg *Config) {
		cfg.Storage = &diskID
		if edit != nil {
			edit(cfg)
		}
	}).start(diskHost{componenttest.NewNopHost(), d})
}

const viewLine = `{"type":"view","date":1795168790000,"service":"shop","application":{"id":"a"},"session":{"id":"s"},"view":{"id":"v","url":"/","is_active":true,"time_spent":9007199254740993},"_dd":{"document_version":3}}`

func TestHeldItemsSurviveACrash(t *testing.T) {
	first := &disk{items: map[string][]byte{}}
	g := storedRig(t, first, func(cfg *Config) { cfg.ClientTokens = map[string]TokenConfig{"pub1": {Tenant: "shop"}} })
	update := `{"type":"view_update","date":1795168790000,"application":{"id":"a"},"view":{"id":"v","name":"home"},"_dd":{"document_version":5}}`
	require.Equal(t, http.StatusAccepted, g.post(joinLines(act("a1", "click", "Menu", 0), request(2, "a2", 5), viewLine, update)).code)
	after := first.crash() // right after the 202

	g = storedRig(t, after, nil)
	require.Equal(t, 2, g.held.sizes().actions)
	require.Equal(t, 1, g.held.sizes().views)
	g.flush(g.cfg.Views.Idle)
	require.Len(t, g.spans(), 2, "the action and the placeholder")
	view := g.recordNamed("rum.view")
	name, _ := view.Attributes().Get(attrViewName)
	require.Equal(t, "home", name.Str())
	spent, _ := view.Attributes().Get("datadog.view.time_spent")
	require.EqualValues(t, 9007199254740993, spent.Int(), "no digit is lost")
	tenant, _ := g.logs.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().Get(attrTenantID)
	require.Equal(t, "shop", tenant.Str())

	g.flush(g.cfg.Actions.Remember)
	require.Eventually(t, func() bool { return after.keys() == 0 }, 10*time.Second, time.Millisecond, "nothing is left behind")
	require.NoError(t, g.rum.Shutdown(t.Context()))
	require.Zero(t, after.open)

	// What was handed on and forgotten does not come back.
	g = storedRig(t, after.crash(), nil)
	require.Equal(t, heldSizes{}, g.held.sizes())
}

func TestWhatCannotBeSavedIsNotAcknowledged(t *testing.T) {
	d := &disk{items: map[string][]byte{}}
	g := storedRig(t, d, nil)
	d.fail = true
	got := g.post(clickLine)
	require.Equal(t, http.StatusServiceUnavailable, got.code)
	require.Contains(t, got.text, "no space left")
	require.Positive(t, g.count(t, "storage_errors"))
	d.mu.Lock()
	d.fail = false
	d.mu.Unlock()
	require.Equal(t, http.StatusAccepted, g.post(clickLine).code)
	require.Equal(t, 1, d.keys())
	g.flush(g.cfg.Actions.Wait)
	require.Len(t, g.spans(), 1)
}

// The first try left views and traces in memory, so the retry changes nothing:
// it is still not acknowledged before they are on disk.
func TestARetryIsNotAcknowledgedBeforeWhatItRepeatsIsSaved(t *testing.T) {
	for _, body := range []string{viewLine, request(1, "a1", 0)} {
		d := &disk{items: map[string][]byte{}, fail: true}
		g := storedRig(t, d, nil)
		for range 2 {
			require.Equal(t, http.StatusServiceUnavailable, g.post(body).code, body)
		}
		d.mu.Lock()
		d.fail = false
		d.mu.Unlock()
		require.Equal(t, http.StatusAccepted, g.post(body).code)
		require.Equal(t, 1, d.keys())
	}
}

// What could not be saved is saved later, without a request that asks for it.
func TestTheDiskIsTriedAgain(t *testing.T) {
	d := &disk{items: map[string][]byte{}, fail: true}
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusServiceUnavailable, g.post(viewLine).code)
	d.mu.Lock()
	d.fail = false
	d.mu.Unlock()
	g.flush(0)
	require.Eventually(t, func() bool { return d.keys() == 1 }, 10*time.Second, time.Millisecond)
}

func TestShutdownLeavesInStorageWhatThePipelinesRefuse(t *testing.T) {
	d := &disk{items: map[string][]byte{}}
	g := storedRig(t, d, nil)
	require.Equal(t, http.StatusAccepted, g.post(viewLine).code)
	g.flushing.Lock()
	g.rum.logs = errConsumer{}
	g.flushing.Unlock()
	require.Error(t, g.rum.Shutdown(t.Context()))
	g = storedRig(t, d, nil)
	require.Equal(t, 1, g.held.sizes().views)
}

func TestADamagedItemDoesNotKeepTheReceiverFromStarting(t *testing.T) {
	d := &disk{items: map[string][]byte{}}
	g := storedRig(t, d, nil)
	g.post(joinLines(act("a1", "click", "x", 0), act("a2", "click", "y", 1), viewLine))
	after := d.crash()
	after.items[actionSlot(0)] = []byte("not JSON")
	after.items[viewSlot(0)] = []byte("{}")
	g = storedRig(t, after, nil)
	require.Equal(t, 1, g.held.sizes().actions)
	require.Zero(t, g.held.sizes().views)
	require.EqualValues(t, 1, g.count(t, "storage_errors"))
}

func TestStorageMustBeThere(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Storage = &diskID })
	require.ErrorContains(t, g.rum.Start(t.Context(), componenttest.NewNopHost()), `storage extension "disk" is not configured`)
}
