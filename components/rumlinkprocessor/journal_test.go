package rumlinkprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"bytes"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/processor/processortest"
)

func storedConfig() *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.Logs.Wait, cfg.Spans.Wait, cfg.Storage = time.Minute, time.Minute, &journaltest.ID
	cfg.Logs.WaitFor = waitUnknownSpan
	return cfg
}

func startOn(t *testing.T, d component.Component, cfg *Config) *linker {
	return newLinkerWith(t, cfg, processortest.NewNopSettings(metadata.Type), journaltest.Host{journaltest.ID: d})
}

// The promise: once Consume has returned, the data comes out of this process or
// of the next. Kill the process after every step, and look.
func TestAKillLosesNothing(t *testing.T) {
	before := journaltest.NewDisk()
	l := startOn(t, before, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.putLogs(someLogs(traceID(2), spanID(2), "two"))
	l.putTraces(someSpan(traceID(3), spanID(3), "held"))
	require.Equal(t, 3, before.Items())

	after := before.Crash()
	next := startOn(t, after, storedConfig())
	require.Empty(t, next.bodies(), "a fresh wait begins")
	next.putTraces(someSpan(traceID(1), spanID(1), "late"))
	next.eventually("one span")
	require.Eventually(t, func() bool { return after.Items() == 3 }, soon, time.Millisecond) // two, held and late

	last := startOn(t, after.Crash(), storedConfig())
	last.advance(2 * time.Minute)
	last.eventually("two id")
	require.Eventually(t, func() bool { return last.spans.SpanCount() == 2 }, soon, time.Millisecond)
	last.stop()
	require.Equal(t, []string{"two id"}, last.bodies(), "nothing comes twice")
}

// Of what one call parked, each log leaves the storage when it has left, and what
// comes back after a crash leaves before what came later.
func TestWhatHasLeftDoesNotComeBackAndTheOrderStays(t *testing.T) {
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	ld := someLogs(traceID(1), spanID(1), "one")
	addLogs(ld, traceID(2), spanID(2), "two")
	addLogs(ld, traceID(3), spanID(3), "three")
	l.putLogs(ld)
	require.Equal(t, 1, d.Items(), "one write for all")
	l.putTraces(someSpan(traceID(1), spanID(1), "late"))
	l.eventually("one span")
	require.Eventually(t, func() bool {
		held := false
		d.Crash().Edit(func(raw []byte) []byte {
			held = held || bytes.Contains(raw, []byte("one"))
			return raw
		})
		return !held
	}, soon, time.Millisecond)

	next := startOn(t, d.Crash(), storedConfig())
	next.putLogs(someLogs(traceID(4), spanID(4), "four"))
	next.advance(2 * time.Minute)
	next.eventually("two id", "three id", "four id")
}

// A span that was parked counts its logs also when both come back from the disk.
func TestWhatIsReplayedIsJoined(t *testing.T) {
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	d = d.Crash()
	l = startOn(t, d, storedConfig())
	l.putTraces(someSpan(traceID(1), spanID(1), "held"))
	l.eventually("one span")
	l.advance(2 * time.Minute)
	require.Eventually(t, func() bool { return l.spans.SpanCount() == 1 }, soon, time.Millisecond)
	v, _ := l.spans.AllTraces()[0].ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0).Attributes().Get(enrich.AttrCount)
	require.EqualValues(t, 1, v.Int())
}

// Spans and their logs may both be found on the disk, in whichever order their
// pipelines start: the logs need not wait again.
func TestLogsWhoseSpanIsReplayedToo(t *testing.T) {
	for _, logsFirst := range []bool{true, false} {
		d := journaltest.NewDisk()
		l := startOn(t, d, storedConfig())
		l.putLogs(someLogs(traceID(1), spanID(1), "one"))
		l.next.refuse(errors.New("busy"))
		l.putTraces(someSpan(traceID(1), spanID(1), "held"))
		d = d.Crash()

		next := makeLinker(t, storedConfig(), processortest.NewNopSettings(metadata.Type))
		t.Cleanup(next.stop)
		start := []component.Component{next.traces, next.log}
		if logsFirst {
			slices.Reverse(start)
		}
		for _, p := range start {
			require.NoError(t, p.Start(t.Context(), d.Host()))
		}
		next.eventually("one span")
		l.next.refuse(nil)
	}
}

func TestWhatAShutdownCannotHandOnStaysOnTheDisk(t *testing.T) {
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.next.refuse(errors.New("busy"))
	l.stopWithin(3 * 50 * time.Millisecond)
	require.Equal(t, 1, d.Items())

	next := startOn(t, d, storedConfig())
	next.advance(2 * time.Minute)
	next.eventually("one id")
}

func TestDataThatCannotBeStoredPassesAtOnce(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	d := journaltest.NewDisk()
	l := newLinkerWith(t, storedConfig(), set, d.Host())
	d.Refuse(errors.New("disk full"))
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	l.putTraces(someSpan(traceID(3), spanID(3), "held"))
	require.Equal(t, []string{"one id"}, l.bodies())
	require.Equal(t, 1, l.spans.SpanCount())
	require.EqualValues(t, 2, sumOf(t, tel, "otelcol_processor_rum_link_storage_errors"))
	for _, r := range l.queues {
		records, bytes := r.Held()
		require.Zero(t, records)
		require.Zero(t, bytes)
	}
	d.Refuse(nil)
}

// What was handed on but could not be removed is removed with the next.
func TestAFailedRemovalIsMadeUpFor(t *testing.T) {
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "one"))
	d.Refuse(errors.New("disk full"))
	l.putTraces(someSpan(traceID(1), spanID(1), "late"))
	l.eventually("one span")
	require.Eventually(t, func() bool { r, _ := l.queues[1].Held(); return r == 0 }, soon, time.Millisecond)
	require.Equal(t, 1, d.Items())
	d.Refuse(nil)
	l.putLogs(someLogs(traceID(2), spanID(2), "two"))
	l.advance(2 * time.Minute)
	l.eventually("one span", "two id")
	require.Eventually(t, func() bool { return d.Items() == 0 }, soon, time.Millisecond)
}

func TestAnUnreadableItemIsCountedAndRemoved(t *testing.T) {
	tel := componenttest.NewTelemetry()
	t.Cleanup(func() { require.NoError(t, tel.Shutdown(context.Background())) })
	set := processortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	d := journaltest.NewDisk()
	l := startOn(t, d, storedConfig())
	l.putLogs(someLogs(traceID(1), spanID(1), "broken"))
	l.putLogs(someLogs(traceID(1), spanID(1), "whole"))
	d = d.Crash()
	d.Edit(func(raw []byte) []byte {
		if bytes.Contains(raw, []byte("broken")) {
			return raw[:len(raw)-3]
		}
		return raw
	})
	next := newLinkerWith(t, storedConfig(), set, d.Host())
	next.advance(2 * time.Minute)
	next.eventually("whole id")
	require.EqualValues(t, 1, sumOf(t, tel, "otelcol_processor_rum_link_wait_dropped"))
	require.Eventually(t, func() bool { return d.Items() == 0 }, soon, time.Millisecond)
}

func TestOnePipelineOfASignalMayUseTheStorage(t *testing.T) {
	cfg := storedConfig()
	l := startOn(t, journaltest.NewDisk(), cfg)
	second, err := NewFactory().CreateLogs(t.Context(), processortest.NewNopSettings(metadata.Type), cfg, l.logs)
	require.NoError(t, err)
	require.EqualError(t, second.Start(t.Context(), journaltest.NewDisk().Host()),
		"storage serves one logs pipeline: give each further pipeline a rum_link of its own name")
	require.NoError(t, second.Shutdown(t.Context()))
}

func TestTheStorageMustBeThere(t *testing.T) {
	for _, c := range []struct {
		host journaltest.Host
		want string
	}{
		{journaltest.Host{}, "storage disk is not among service::extensions"},
		{journaltest.Host{journaltest.ID: new(struct {
			component.StartFunc
			component.ShutdownFunc
		})}, "storage disk is not a storage extension"},
	} {
		l := makeLinker(t, storedConfig(), processortest.NewNopSettings(metadata.Type))
		require.EqualError(t, l.log.Start(t.Context(), c.host), c.want)
		l.stop()
	}
}

// remembering is a storage extension that knows its clients.
type remembering struct {
	storage.Extension
	clients []storage.Client
}

func (r *remembering) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	c, err := r.Extension.GetClient(ctx, kind, id, name)
	r.clients = append(r.clients, c)
	return c, err
}

// The same against the storage that ships: a bbolt file.
func TestAKillLosesNothingOnAFile(t *testing.T) {
	dir := t.TempDir()
	open := func() *remembering {
		cfg := filestorage.NewFactory().CreateDefaultConfig().(*filestorage.Config)
		cfg.Directory = dir
		ext, err := filestorage.NewFactory().Create(t.Context(), extensiontest.NewNopSettings(filestorage.NewFactory().Type()), cfg)
		require.NoError(t, err)
		require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
		return &remembering{Extension: ext.(storage.Extension)}
	}
	ext := open()
	l := startOn(t, ext, storedConfig())
	for i := range 100 {
		l.putLogs(someLogs(traceID(byte(i)), spanID(1), fmt.Sprint(i)))
	}
	// Neither shut down nor flushed: only what Consume had written is there,
	// and the file's lock goes as it would with the process.
	l.killed = true
	for _, c := range ext.clients {
		require.NoError(t, c.Close(t.Context()))
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
	for _, r := range last.queues {
		records, _ := r.Held()
		require.Zero(t, records, "nothing comes twice")
	}
	last.stop()
	require.NoError(t, ext.Shutdown(t.Context()))
}
