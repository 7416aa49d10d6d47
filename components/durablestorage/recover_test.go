package durablestorage

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// The queue's format is exporterhelper's own, so it is written here by the
// linked version, with file_storage beneath, and killed with all consumers busy.
func TestAQueueWrittenByTheLinkedExporterhelperComesBackWhole(t *testing.T) {
	const requests, consumers = 300, 100
	dir := t.TempDir()
	stuck := newBackend(false)
	exp := newQueue(t, stockStorage(t, dir), stuck, consumers)
	for i := range requests {
		require.NoError(t, exp.ConsumeLogs(t.Context(), logs(body(i))))
	}
	eventually(t, "all consumers are busy", func() bool { return stuck.holds() == consumers })
	image := kill(t, dir)
	close(stuck.open)
	require.NoError(t, exp.Shutdown(t.Context()))

	k := newKit(t, image)
	b := newBackend(true)
	next := newQueue(t, k, b, 4)
	eventually(t, "every record arrives", func() bool { return b.distinct() == requests })
	require.NoError(t, next.Shutdown(t.Context()))
	require.EqualValues(t, consumers, k.metric(t, "recovered_requests"))
}

// exporterhelper deletes what was in flight and writes it again one by one: of
// 100 requests in flight a kill at the wrong moment lost up to 99.
func TestKilledAgainAndAgainDuringStartLosesNothing(t *testing.T) {
	const requests = 200
	dir := t.TempDir()
	stuck := newBackend(false)
	exp := newQueue(t, newKit(t, dir), stuck, 100)
	for i := range requests {
		require.NoError(t, exp.ConsumeLogs(t.Context(), logs(body(i))))
	}
	eventually(t, "all consumers are busy", func() bool { return stuck.holds() == 100 })
	image := kill(t, dir)
	close(stuck.open)
	require.NoError(t, exp.Shutdown(t.Context()))

	for range 8 {
		again := newBackend(false)
		exp := newQueue(t, newKit(t, image), again, 100)
		next := kill(t, image)
		close(again.open)
		require.NoError(t, exp.Shutdown(t.Context()))
		image = next
	}
	b := newBackend(true)
	last := newQueue(t, newKit(t, image), b, 4)
	eventually(t, "every record arrives", func() bool { return b.distinct() == requests })
	require.NoError(t, last.Shutdown(t.Context()))
}

// dying is a storage that dies at its nth batch.
type dying struct {
	storage.Client
	left int
}

var errDead = errors.New("dead")

func (d *dying) Batch(ctx context.Context, ops ...*storage.Operation) error {
	if d.left--; d.left < 0 {
		return errDead
	}
	return d.Client.Batch(ctx, ops...)
}

func (d *dying) Walk(ctx context.Context, fn storage.WalkFunc) error {
	return d.Client.(storage.Walker).Walk(ctx, fn)
}

func TestRecoveryIsOneTransaction(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, c storage.Client){
		"in flight near": func(t *testing.T, c storage.Client) {
			put(t, c, 3, 4, 5, 6)
			m := queue.Metadata{Read: 5, Write: 7}
			require.NoError(t, c.Set(t.Context(), queue.MetadataKey, m.Encode()))
		},
		"in flight far behind": func(t *testing.T, c storage.Client) {
			put(t, c, 3, 1_000_000, 1_000_001, 1_000_002)
			m := queue.Metadata{Read: 1_000_000, Write: 1_000_003}
			require.NoError(t, c.Set(t.Context(), queue.MetadataKey, m.Encode()))
		},
		"no metadata": func(t *testing.T, c storage.Client) { put(t, c, 9, 10, 11, 12) },
		"metadata damaged": func(t *testing.T, c storage.Client) {
			put(t, c, 9, 10, 11, 12)
			require.NoError(t, c.Set(t.Context(), queue.MetadataKey, []byte("\x07garbled")))
		},
		"requests beyond the write index": func(t *testing.T, c storage.Client) {
			put(t, c, 0, 1, 2, 3)
			require.NoError(t, c.Set(t.Context(), queue.MetadataKey, metaBytes(0, 2)))
		},
		"legacy keys": func(t *testing.T, c storage.Client) {
			put(t, c, 1, 2, 3, 4)
			require.NoError(t, c.Set(t.Context(), queue.LegacyReadKey, binary.LittleEndian.AppendUint64(nil, 3)))
			require.NoError(t, c.Set(t.Context(), queue.LegacyWriteKey, binary.LittleEndian.AppendUint64(nil, 5)))
			di := binary.LittleEndian.AppendUint32(nil, 2)
			di = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(di, 1), 2)
			require.NoError(t, c.Set(t.Context(), queue.LegacyDispatchedKey, di))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
			require.NoError(t, err)
			write(t, c)

			k := newKit(t, t.TempDir())
			died := 0
			for steps := 0; ; steps++ {
				d := &dying{c, steps}
				err := newClient(d, "", newReserve(t.TempDir()+"/r", mib), k.cfg, zap.NewNop(), k.durableStorage.tel.forQueue("q")).recover(t.Context())
				if err == nil {
					break
				}
				require.ErrorIs(t, err, errDead)
				died++
			}
			require.Positive(t, died)
			require.NoError(t, c.Close(t.Context()))

			b := newBackend(true)
			exp := newQueue(t, newKit(t, dir), b, 1)
			eventually(t, "all four requests arrive", func() bool { return b.distinct() == 4 })
			require.NoError(t, exp.Shutdown(t.Context()))
		})
	}
}

// put writes requests under the given numbers.
func put(t testing.TB, c storage.Client, indexes ...int) {
	t.Helper()
	for _, i := range indexes {
		require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(i)), encoded(t, i)))
	}
}

// A put that was refused leaves a gap and too large a size in exporterhelper's
// metadata; the next start sets both right.
func TestRecoveryCorrectsSizes(t *testing.T) {
	dir := t.TempDir()
	c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	require.NoError(t, c.Set(t.Context(), queue.MetadataKey, queue.Metadata{ItemsSize: 500, BytesSize: 1 << 40, Read: 7, Write: 9}.Encode()))
	require.NoError(t, c.Close(t.Context()))

	raw, err := newKit(t, dir).open(t).Get(t.Context(), queue.MetadataKey)
	require.NoError(t, err)
	m, err := queue.ParseMetadata(raw)
	require.NoError(t, err)
	require.Equal(t, queue.Metadata{Read: 9, Write: 9}, m)
}

func TestOtherComponentsKeysAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	k := newKit(t, dir)
	c, err := k.GetClient(t.Context(), component.KindReceiver, component.MustNewID("file_log"), "")
	require.NoError(t, err)
	require.NoError(t, c.Set(t.Context(), "offsets", []byte("12")))
	require.NoError(t, c.Set(t.Context(), "gone", []byte("1")))
	require.NoError(t, c.Delete(t.Context(), "gone"))
	image := kill(t, dir) // no Close: each is on disk when its call returns
	require.NoError(t, c.Close(t.Context()))

	c, err = newKit(t, image).GetClient(t.Context(), component.KindReceiver, component.MustNewID("file_log"), "")
	require.NoError(t, err)
	offsets, err := c.Get(t.Context(), "offsets")
	require.NoError(t, err)
	require.Equal(t, "12", string(offsets))
	gone, err := c.Get(t.Context(), "gone")
	require.NoError(t, err)
	require.Nil(t, gone)
	require.NoError(t, c.Close(t.Context()))
	_, err = c.Get(t.Context(), "offsets")
	require.ErrorIs(t, err, errClosed)
}

func TestAFileHeldByAnotherProcessIsAnErrorAndStaysWhereItIs(t *testing.T) {
	dir := t.TempDir()
	first := newKit(t, dir).open(t)
	require.NoError(t, first.Set(t.Context(), "1", []byte("x")))
	start := time.Now()
	_, err := newKit(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.ErrorContains(t, err, "another process holds it")
	require.Less(t, time.Since(start), 5*time.Second)
	value, err := first.Get(t.Context(), "1")
	require.NoError(t, err)
	require.Equal(t, "x", string(value))
}

// Keys that are overwritten and deleted without being read, as processors do,
// must not count for ever.
func TestOtherComponentsLiveBytesFollowTheirKeys(t *testing.T) {
	dir := t.TempDir()
	k := newKit(t, dir)
	open := func() *client {
		c, err := k.GetClient(t.Context(), component.KindProcessor, component.MustNewID("rum_link"), "")
		require.NoError(t, err)
		return c.(*client)
	}
	c := open()
	for range 3 {
		require.NoError(t, c.Set(t.Context(), "1", make([]byte, 5000)))
		require.NoError(t, c.Batch(t.Context(), storage.SetOperation("2", make([]byte, 5000)), storage.DeleteOperation("1")))
	}
	require.Equal(t, cost("2", 5000), c.live.Load())
	require.NoError(t, c.Close(t.Context()))
	c = open()
	require.Equal(t, cost("2", 5000), c.live.Load())
	raw, err := c.Get(t.Context(), queue.MetadataKey)
	require.NoError(t, err)
	require.Nil(t, raw, "numbers are no requests here")
	require.NoError(t, c.Delete(t.Context(), "2"))
	require.Zero(t, c.live.Load())
	require.NoError(t, c.Close(t.Context()))
}
