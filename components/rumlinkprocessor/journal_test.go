package rumlinkprocessor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/processor/processortest"
)

// disk is a storage extension whose content outlives those who write to it.
type disk struct {
	component.StartFunc
	component.ShutdownFunc
	mu    sync.Mutex
	files map[string]map[string][]byte
	full  error
}

func newDisk() *disk { return &disk{files: make(map[string]map[string][]byte)} }

func (d *disk) GetClient(_ context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	file := fmt.Sprint(kind, id, name)
	if d.files[file] == nil {
		d.files[file] = make(map[string][]byte)
	}
	return &diskClient{disk: d, file: d.files[file]}, nil
}

// crash returns the disk as a kill -9 would leave it: a copy that later writes
// of the old process do not reach.
func (d *disk) crash() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newDisk()
	for name, file := range d.files {
		after.files[name] = maps.Clone(file)
	}
	return after
}

func (d *disk) fill(err error) {
	d.mu.Lock()
	d.full = err
	d.mu.Unlock()
}

// parcels is how many parcels are on the disk.
func (d *disk) parcels() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, file := range d.files {
		for key := range file {
			if key != journalHead && key != journalTail {
				n++
			}
		}
	}
	return n
}

type diskClient struct {
	disk *disk
	file map[string][]byte
}

func (c *diskClient) Batch(_ context.Context, ops ...*storage.Operation) error {
	c.disk.mu.Lock()
	defer c.disk.mu.Unlock()
	for _, op := range ops {
		if op.Type != storage.Get && c.disk.full != nil {
			return c.disk.full
		}
	}
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = c.file[op.Key]
		case storage.Set:
			c.file[op.Key] = op.Value
		case storage.Delete:
			delete(c.file, op.Key)
		}
	}
	return nil
}

func (c *diskClient) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := c.Batch(ctx, op)
	return op.Value, err
}

func (c *diskClient) Set(ctx context.Context, key string, value []byte) error {
	return c.Batch(ctx, storage.SetOperation(key, value))
}

func (c *diskClient) Delete(ctx context.Context, key string) error {
	return c.Batch(ctx, storage.DeleteOperation(key))
}

func (c *diskClient) Close(context.Context) error { return nil }

// host is a collector with one extension.
type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

var diskID = component.MustNewID("disk")

func storedConfig() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Logs.Wait, cfg.Spans.Wait, cfg.Storage = time.Minute, time.Minute, &diskID
	return cfg
}

func startOn(t *testing.T, d component.Component, cfg *Config) *linker {
	return newLinkerWith(t, cfg, processortest.NewNopSettings(componentType), host{diskID: d})
}

// The promise: once Consume has returned, the data comes out of this process or
// of the next. Kill the process after every step, and look.
func TestAKillLosesNothing(t *testing.T) {
	before := newDisk()
	l := startOn(t, before, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.putLogs(someLogs(traceID(2), spanID(2), "two"))
	l.putTraces(someSpan(traceID(3), spanID(3), "held"))
	require.Equal(t, 3, before.parcels())

	after := before.crash()
	next := startOn(t, after, storedConfig())
	require.Empty(t, next.bodies(), "a fresh wait begins")
	next.putTraces(someSpan(traceID(1), spanID(1), "late"))
	next.eventually("one span")
	require.Eventually(t, func() bool { return after.parcels() == 3 }, soon, time.Millisecond) // two, held and late

	last := startOn(t, after.crash(), storedConfig())
	last.advance(2 * time.Minute)
	last.eventually("two not_found")
	require.Eventually(t, func() bool { return last.spans.SpanCount() == 2 }, soon, time.Millisecond)
	last.stop()
	require.Equal(t, []string{"two not_found"}, last.bodies(), "nothing comes twice")
}

// A span that was parked counts its logs also when both come back from the disk.
func TestWhatIsReplayedIsJoined(t *testing.T) {
	d := newDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	d = d.crash()
	l = startOn(t, d, storedConfig())
	l.putTraces(someSpan(traceID(1), spanID(1), "held"))
	l.eventually("one span")
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return l.spans.SpanCount() == 1 }, soon, time.Millisecond)
	v, _ := l.spans.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(attrCount)
	require.EqualValues(t, 1, v.Int())
}

// Spans and their logs may both be found on the disk, in whichever order their
// pipelines start: the logs need not wait again.
func TestLogsWhoseSpanIsReplayedToo(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		d := newDisk()
		l := startOn(t, d, storedConfig())
		l.putLogs(someLogs(traceID(1), spanID(1), "one"))
		l.next.refuse(errors.New("busy"))
		l.putTraces(someSpan(traceID(1), spanID(1), "held"))
		d = d.crash()

		next := makeLinker(t, storedConfig(), processortest.NewNopSettings(componentType))
		t.Cleanup(next.stop)
		start := []component.Component{next.traces, next.log}
		if logsFirst {
			slices.Reverse(start)
		}
		for _, p := range start {
			require.NoError(t, p.Start(t.Context(), host{diskID: d}))
		}
		next.eventually("one span")
		l.next.refuse(nil)
	}
}

func TestWhatAShutdownCannotHandOnStaysOnTheDisk(t *testing.T) {
	d := newDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.next.refuse(errors.New("busy"))
	l.stopWithin(3 * minBackoff)
	require.Equal(t, 1, d.parcels())

	next := startOn(t, d, storedConfig())
	next.advance(2 * time.Minute)
	next.eventually("one not_found")
}

func TestDataThatCannotBeStoredPassesAtOnce(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(componentType)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	d := newDisk()
	l := newLinkerWith(t, storedConfig(), set, host{diskID: d})
	d.fill(errors.New("disk full"))
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.putTraces(someSpan(traceID(3), spanID(3), "held"))
	require.Equal(t, []string{"one not_found"}, l.bodies())
	require.Equal(t, 1, l.spans.SpanCount())
	require.EqualValues(t, 2, sumOf(t, tel, "otelcol_processor_rum_link_storage_errors"))
	for _, r := range l.rooms {
		records, bytes := r.held()
		require.Zero(t, records)
		require.Zero(t, bytes)
	}
}

// What was handed on but could not be removed is removed with the next.
func TestAFailedRemovalIsMadeUpFor(t *testing.T) {
	d := newDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	d.fill(errors.New("disk full"))
	l.putTraces(someSpan(traceID(1), spanID(1), "late"))
	l.eventually("one span")
	require.Eventually(t, func() bool { r, _ := l.rooms[1].held(); return r == 0 }, soon, time.Millisecond)
	require.Equal(t, 1, d.parcels())
	d.fill(nil)
	l.putLogs(someLogs(traceID(2), spanID(2), "two"))
	l.advance(2 * time.Minute)
	l.eventually("one span", "two not_found")
	require.Eventually(t, func() bool { return d.parcels() == 0 }, soon, time.Millisecond)
}

func TestAnUnreadableParcelIsCountedAndRemoved(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(componentType)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	d := newDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "broken"))
	l.putLogs(someLogs(traceID(1), spanID(1), "whole"))
	d = d.crash()
	for _, file := range d.files {
		if raw := file[itemKey(0)]; raw != nil {
			file[itemKey(0)] = raw[:len(raw)-3]
		}
	}
	next := newLinkerWith(t, storedConfig(), set, host{diskID: d})
	next.advance(2 * time.Minute)
	next.eventually("whole not_found")
	require.EqualValues(t, 1, sumOf(t, tel, "otelcol_processor_rum_link_wait_dropped"))
	require.Eventually(t, func() bool { return d.parcels() == 0 }, soon, time.Millisecond)
}

func TestOnePipelineOfASignalMayUseTheStorage(t *testing.T) {
	cfg := storedConfig()
	l := startOn(t, newDisk(), cfg)
	second, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(componentType), cfg, l.logs)
	require.NoError(t, err)
	require.EqualError(t, second.Start(t.Context(), host{diskID: newDisk()}),
		"storage serves one logs pipeline: give each further pipeline a rum_link of its own name")
	require.NoError(t, second.Shutdown(t.Context()))
}

func TestTheStorageMustBeThere(t *testing.T) {
	for _, c := range []struct {
		host host
		want string
	}{
		{host{}, "storage disk is not among service::extensions"},
		{host{diskID: new(struct {
			component.StartFunc
			component.ShutdownFunc
		})}, "storage disk is not a storage extension"},
	} {
		l := makeLinker(t, storedConfig(), processortest.NewNopSettings(componentType))
		require.EqualError(t, l.log.Start(t.Context(), c.host), c.want)
		l.stop()
	}
}

// The same against the storage that ships: a bbolt file.
func TestAKillLosesNothingOnAFile(t *testing.T) {
	dir := t.TempDir()
	open := func() component.Component {
		cfg := filestorage.NewFactory().CreateDefaultConfig().(*filestorage.Config)
		cfg.Directory = dir
		ext, err := filestorage.NewFactory().Create(t.Context(), extensiontest.NewNopSettings(filestorage.NewFactory().Type()), cfg)
		require.NoError(t, err)
		require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
		return ext
	}
	ext := open()
	l := startOn(t, ext, storedConfig())
	for i := range 100 {
		l.putLogs(someLogs(traceID(byte(i)), spanID(1), fmt.Sprint(i)))
	}
	// Neither shut down nor flushed: only what Consume had written is there,
	// and the file's lock goes as it would with the process.
	for _, r := range l.rooms {
		require.NoError(t, r.journal.client.Close(t.Context()))
	}
	require.NoError(t, ext.Shutdown(t.Context()))

	ext = open()
	next := startOn(t, ext, storedConfig())
	next.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return len(next.bodies()) == 100 }, soon, time.Millisecond)
	next.stop()
	require.NoError(t, ext.Shutdown(t.Context()))

	ext = open()
	last := startOn(t, ext, storedConfig())
	for _, r := range last.rooms {
		records, _ := r.held()
		require.Zero(t, records, "nothing comes twice")
	}
	last.stop()
	require.NoError(t, ext.Shutdown(t.Context()))
}

// What lies on a disk may be anything: it is read or refused, and never panics.
func FuzzParcel(f *testing.F) {
	good, err := (&parcel{otlp: []byte("otlp"), label: label{Call: 1, Records: 1, Positions: []uint64{0}}}).MarshalBinary()
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte{parcelVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p parcel
		if p.UnmarshalBinary(raw) != nil {
			return
		}
		_, _ = unpackLogs([]*parcel{&p})
		_, _ = unpackSpans(&p)
		again, err := p.MarshalBinary()
		require.NoError(t, err)
		var q parcel
		require.NoError(t, q.UnmarshalBinary(again))
		require.Equal(t, p.label, q.label)
	})
}
