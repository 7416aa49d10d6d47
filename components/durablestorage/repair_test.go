package durablestorage

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// queueImage is a queue file with the given number of requests, of which some
// were delivered and some are in flight.
func queueImage(t testing.TB, requests, size int) []byte {
	t.Helper()
	dir := t.TempDir()
	c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	for i := range requests {
		ld := logs(body(i))
		ld.ResourceLogs().At(0).Resource().Attributes().PutStr("padding", strings.Repeat("x", size))
		require.NoError(t, c.Set(t.Context(), queue.RequestKey(uint64(i)), encodeLogs(t, ld)))
		require.NoError(t, c.Set(t.Context(), queue.MetadataKey, metaBytes(0, uint64(i+1))))
	}
	require.NoError(t, c.Close(t.Context()))
	b, err := os.ReadFile(filepath.Join(dir, queueFile))
	require.NoError(t, err)
	return b
}

// Each kind of damage, and how many of 200 requests must come through it.
func TestADamagedFileIsSetAsideAndItsIntactRequestsAreSent(t *testing.T) {
	const requests = 200
	image := queueImage(t, requests, 3000)
	pages := len(image) / pageSize
	for name, test := range map[string]struct {
		damage func(b []byte) []byte
		least  int
	}{
		"truncated to half": {func(b []byte) []byte { return b[:len(b)/2] }, 30},
		"both metas zeroed": {func(b []byte) []byte { clear(b[:2*pageSize]); return b }, requests},
		"64 garbled pages": {func(b []byte) []byte {
			rng := rand.New(rand.NewPCG(1, 2))
			for range 64 {
				at := (2 + rng.IntN(pages-2)) * pageSize
				for i := range pageSize {
					b[at+i] = byte(rng.Uint32())
				}
			}
			return b
		}, 50},
		"the tree's root garbled": {func(b []byte) []byte {
			copy(b[rootPage(b)*pageSize:], "not a page at all")
			return b
		}, requests},
		"a foreign file":      {func([]byte) []byte { return []byte(strings.Repeat("this is a log file\n", 1000)) }, 0},
		"shorter than a page": {func(b []byte) []byte { return b[:100] }, 0},
		"only zeros":          {func(b []byte) []byte { clear(b); return b }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, queueFile)
			require.NoError(t, os.WriteFile(path, test.damage(bytes.Clone(image)), 0o600))
			k, b := newKit(t, dir), newBackend(true)
			exp := newQueue(t, k, b, 2)
			require.NoError(t, exp.ConsumeLogs(t.Context(), logs("after the start")))
			want := int(k.metric(t, "salvaged_requests"))
			require.GreaterOrEqual(t, want, test.least)
			eventually(t, "what was salvaged and what is new arrive", func() bool { return b.distinct() == want+1 })
			require.NoError(t, exp.Shutdown(t.Context()))

			require.EqualValues(t, 1, k.metric(t, "set_aside_files"))
			aside, err := filepath.Glob(path + asideMark + "*")
			require.NoError(t, err)
			require.Len(t, aside, 1)
			accounted := k.metric(t, "salvaged_requests") + k.metric(t, "corrupt_requests")
			require.LessOrEqual(t, accounted, int64(requests))
			if test.least == requests { // where the metadata itself is gone nobody knows how many there were
				require.EqualValues(t, requests, accounted)
			}
		})
	}
}

func TestADirectoryInPlaceOfTheFileIsSetAside(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, queueFile, "inside"), 0o700))
	k := newKit(t, dir)
	require.NoError(t, k.open(t).Set(t.Context(), "0", encoded(t, 0)))
	require.EqualValues(t, 1, k.metric(t, "set_aside_files"))
}

func TestFilesSetAsideAreBounded(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, queueFile)
	for range keepAside + 2 {
		require.NoError(t, os.WriteFile(path, []byte("damaged"), 0o600))
		require.NoError(t, newKit(t, dir).open(t).Close(t.Context()))
	}
	aside, err := filepath.Glob(path + asideMark + "*")
	require.NoError(t, err)
	require.Len(t, aside, keepAside)
}

// The rescue is complete before the damaged file loses its name, so a kill
// between the two renames leaves a rescue without a queue file.
func TestARescueKilledBetweenItsRenamesIsTaken(t *testing.T) {
	dir := t.TempDir()
	image := queueImage(t, 20, 10)
	require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile+rescueMark), image, 0o600))
	b := newBackend(true)
	exp := newQueue(t, newKit(t, dir), b, 1)
	eventually(t, "the rescued requests arrive", func() bool { return b.distinct() == 20 })
	require.NoError(t, exp.Shutdown(t.Context()))
}

func TestARescueKilledHalfWayIsDoneAgain(t *testing.T) {
	dir := t.TempDir()
	image := queueImage(t, 20, 10)
	clear(image[:2*pageSize])
	require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile), image, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, queueFile+rescueMark), []byte("half"), 0o600))
	b := newBackend(true)
	exp := newQueue(t, newKit(t, dir), b, 1)
	eventually(t, "the rescued requests arrive", func() bool { return b.distinct() == 20 })
	require.NoError(t, exp.Shutdown(t.Context()))
}

// Free pages keep what was delivered and deleted; only the queue's window may
// come back from them.
func TestSalvageDoesNotBringDeliveredRequestsBack(t *testing.T) {
	dir := t.TempDir()
	c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	put(t, c, 0, 1, 2, 3, 4, 5)
	require.NoError(t, c.Set(t.Context(), queue.MetadataKey, queue.Metadata{Read: 4, Write: 6}.Encode()))
	require.NoError(t, c.Close(t.Context()))
	path := filepath.Join(dir, queueFile)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	clear(b[:2*pageSize])
	require.NoError(t, os.WriteFile(path, b, 0o600))

	be := newBackend(true)
	exp := newQueue(t, newKit(t, dir), be, 1)
	eventually(t, "the two waiting arrive", func() bool { return be.distinct() == 2 })
	require.NoError(t, exp.Shutdown(t.Context()))
	require.Equal(t, map[string]int{body(4): 1, body(5): 1}, be.got)
}

// A processor or receiver keeps what it likes under any key, numbers included.
func TestADamagedFileOfAnotherComponentKeepsItsKeys(t *testing.T) {
	dir := t.TempDir()
	id := component.MustNewID("rum_link")
	path := filepath.Join(dir, fileName(component.KindProcessor, id, "traces"))
	c, err := stockStorage(t, dir).GetClient(t.Context(), component.KindProcessor, id, "traces")
	require.NoError(t, err)
	want := map[string]string{"7": "seven", "a": "b", "long": strings.Repeat("x", 9000)}
	for key, value := range want {
		require.NoError(t, c.Set(t.Context(), key, []byte(value)))
	}
	require.NoError(t, c.Close(t.Context()))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	clear(b[:2*pageSize])
	require.NoError(t, os.WriteFile(path, b, 0o600))

	k := newKit(t, dir)
	c, err = k.GetClient(t.Context(), component.KindProcessor, id, "traces")
	require.NoError(t, err)
	for key, value := range want {
		got, err := c.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, value, string(got), key)
	}
	require.NoError(t, c.Close(t.Context()))
	require.EqualValues(t, 3, k.metric(t, "salvaged_requests"))
}

// rootPage is the root of the newest of a bbolt file's two meta pages.
func rootPage(b []byte) int {
	const header, root, txid = 16, 16, 48
	le := binary.LittleEndian
	newest := b[header:]
	if other := b[pageSize+header:]; le.Uint64(other[txid:]) > le.Uint64(newest[txid:]) {
		newest = other
	}
	return int(le.Uint64(newest[root:]))
}
