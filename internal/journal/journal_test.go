package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/goleak"

	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var owner = Config{Storage: journaltest.ID, Kind: component.KindProcessor, Owner: component.MustNewID("owner"), Name: "held"}

func open(t *testing.T, d *journaltest.Disk) (*Journal, map[uint64]string) {
	t.Helper()
	j, err := Open(t.Context(), d.Host(), owner)
	require.NoError(t, err)
	found := make(map[uint64]string)
	require.NoError(t, j.Load(t.Context(), func(n uint64, value []byte) { found[n] = string(value) }))
	return j, found
}

func text(s string) func() []byte { return func() []byte { return []byte(s) } }

func TestWhatSyncConfirmedSurvivesACrash(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, found := open(t, d)
	require.Empty(t, found)
	a, b := j.Number(), j.Number()
	j.Set(a, text("a"))
	j.Set(b, text("b"))
	require.True(t, j.Pending())
	require.NoError(t, j.Sync(t.Context()))
	require.False(t, j.Pending())
	j.Set(j.Number(), text("noted, and no more"))

	_, found = open(t, d.Crash())
	require.Equal(t, map[uint64]string{a: "a", b: "b"}, found)

	j.Set(a, text("a, changed"))
	j.Remove(b)
	require.NoError(t, j.Close(t.Context()))
	require.Zero(t, d.Open())
	_, found = open(t, d.Crash())
	require.Equal(t, map[uint64]string{a: "a, changed", 2: "noted, and no more"}, found)
}

func TestAnItemIsEncodedWhenItIsWritten(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, _ := open(t, d)
	n, calls := j.Number(), 0
	for range 5 {
		j.Set(n, func() []byte { calls++; return []byte("last") })
	}
	gone := j.Number()
	j.Set(gone, func() []byte { return nil })
	require.NoError(t, j.Sync(t.Context()))
	require.Equal(t, 1, calls, "five changes of one item are one write")
	_, found := open(t, d)
	require.Equal(t, map[uint64]string{n: "last"}, found)
}

func TestNumbersAreUsedAgain(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, _ := open(t, d)
	for i := range 10_000 {
		a, b := j.Number(), j.Number()
		require.Less(t, max(a, b), uint64(3), "round %d", i)
		j.Set(a, text("a"))
		j.Set(b, text("b"))
		if i%2 == 0 {
			require.NoError(t, j.Sync(t.Context()))
		}
		j.Remove(a)
		j.Remove(b)
	}
	require.NoError(t, j.Sync(t.Context()))
	require.Zero(t, d.Items())
	_, found := open(t, d)
	require.Empty(t, found)
}

func TestWhatTheStorageRefusedIsPartOfTheNextWrite(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, _ := open(t, d)
	kept, removed, changed := j.Number(), j.Number(), j.Number()
	j.Set(removed, text("removed"))
	require.NoError(t, j.Sync(t.Context()))

	full := errors.New("disk full")
	d.Refuse(full)
	j.Set(kept, text("kept"))
	j.Set(changed, text("old"))
	j.Remove(removed)
	require.ErrorIs(t, j.Sync(t.Context()), full)
	require.True(t, j.Pending())
	j.Set(changed, text("new"))
	d.Refuse(nil)
	require.NoError(t, j.Sync(t.Context()))
	_, found := open(t, d)
	require.Equal(t, map[uint64]string{kept: "kept", changed: "new"}, found)
}

func TestWhatIsNotedDoesNotGrowWhileTheStorageFails(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, _ := open(t, d)
	d.Refuse(errors.New("disk full"))
	for range 10_000 {
		n := j.Number()
		j.Set(n, text("refused"))
		require.Error(t, j.Sync(t.Context()))
		j.Remove(n)
	}
	require.LessOrEqual(t, len(j.changed), 1)
}

func TestOverlappingCallsShareAWrite(t *testing.T) {
	t.Parallel()
	d := &slowDisk{Disk: journaltest.NewDisk(), entered: make(chan struct{}, 64), leave: make(chan struct{})}
	j, err := Open(t.Context(), journaltest.Host{journaltest.ID: d}, owner)
	require.NoError(t, err)
	sync1 := make(chan error, 1)
	j.Set(j.Number(), text("first"))
	go func() { sync1 <- j.Sync(t.Context()) }()
	<-d.entered // the first write is under way

	const others = 20
	results := make(chan error, others)
	for i := range others {
		j.Set(j.Number(), text(strconv.Itoa(i)))
		go func() { results <- j.Sync(t.Context()) }()
	}
	close(d.leave)
	require.NoError(t, <-sync1)
	for range others {
		require.NoError(t, <-results)
	}
	require.LessOrEqual(t, d.writes(), 2+others/2, "most of them shared one")
	require.Equal(t, others+1, d.Items())
}

// slowDisk holds writes until leave is closed.
type slowDisk struct {
	*journaltest.Disk
	entered chan struct{}
	leave   chan struct{}
	mu      sync.Mutex
	n       int
}

func (d *slowDisk) writes() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.n
}

func (d *slowDisk) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	c, err := d.Disk.GetClient(ctx, kind, id, name)
	return &slowClient{c, d}, err
}

type slowClient struct {
	storage.Client
	disk *slowDisk
}

func (c *slowClient) Batch(ctx context.Context, ops ...*storage.Operation) error {
	c.disk.mu.Lock()
	c.disk.n++
	c.disk.mu.Unlock()
	c.disk.entered <- struct{}{}
	<-c.disk.leave
	return c.Client.Batch(ctx, ops...)
}

// A caller that gives up while it waits leaves the write of the others alone.
func TestACallerThatGivesUpFailsNobodyElse(t *testing.T) {
	t.Parallel()
	d := &slowDisk{Disk: journaltest.NewDisk(), entered: make(chan struct{}, 64), leave: make(chan struct{})}
	j, err := Open(t.Context(), journaltest.Host{journaltest.ID: d}, owner)
	require.NoError(t, err)
	done := make(chan error, 1)
	j.Set(j.Number(), text("first"))
	go func() { done <- j.Sync(t.Context()) }()
	<-d.entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.Set(j.Number(), text("second"))
	require.ErrorIs(t, j.Sync(ctx), context.Canceled)
	close(d.leave)
	require.NoError(t, <-done)
	require.NoError(t, j.Sync(t.Context()))
	require.Equal(t, 2, d.Items())
}

// Against a map: at every confirmed step, a crash leaves what the map holds.
func TestItDoesWhatAMapWould(t *testing.T) {
	t.Parallel()
	d := journaltest.NewDisk()
	j, _ := open(t, d)
	rng := rand.New(rand.NewPCG(1, 2))
	model := make(map[uint64]string)
	for step := range 20_000 {
		switch rng.IntN(5) {
		case 0, 1:
			n := j.Number()
			require.NotContains(t, model, n)
			model[n] = fmt.Sprint("item ", step)
			j.Set(n, text(model[n]))
		case 2:
			for n := range model {
				model[n] = fmt.Sprint("changed ", step)
				j.Set(n, text(model[n]))
				break
			}
		case 3, 4:
			for n := range model {
				delete(model, n)
				j.Remove(n)
				break
			}
		}
		if rng.IntN(10) == 0 {
			d.Refuse(errors.New("now and then"))
			_ = j.Sync(t.Context())
			d.Refuse(nil)
		}
		if rng.IntN(100) != 0 {
			continue
		}
		require.NoError(t, j.Sync(t.Context()))
		_, found := open(t, d.Crash())
		require.True(t, maps.Equal(model, found), "step %d", step)
		if rng.IntN(10) == 0 {
			d = d.Crash()
			j, found = open(t, d)
			require.True(t, maps.Equal(model, found))
		}
	}
}

func TestTheStorageMustBeThere(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), journaltest.Host{}, owner)
	require.EqualError(t, err, "storage disk is not among service::extensions")
	_, err = Open(t.Context(), journaltest.Host{journaltest.ID: new(struct {
		component.StartFunc
		component.ShutdownFunc
	})}, owner)
	require.EqualError(t, err, "storage disk is not a storage extension")
}

func TestADamagedLimitIsRefused(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"short":                            "read number of held items: want 8 bytes, got 5",
		"\xff\xff\xff\xff\xff\xff\xff\xff": "read number of held items: want at most 16777216, got 18446744073709551615",
	} {
		d := journaltest.NewDisk()
		c, err := d.GetClient(t.Context(), owner.Kind, owner.Owner, owner.Name)
		require.NoError(t, err)
		require.NoError(t, c.Set(t.Context(), limitKey, []byte(raw)))
		j, err := Open(t.Context(), d.Host(), owner)
		require.NoError(t, err)
		require.EqualError(t, j.Load(t.Context(), nil), want)
	}
}
