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
	"go.etcd.io/bbolt"
	"go.opentelemetry.io/collector/component"
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
		require.NoError(t, c.Set(t.Context(), requestKey(uint64(i)), encodeLogs(t, ld)))
		require.NoError(t, c.Set(t.Context(), metadataKey, metaBytes(0, uint64(i+1))))
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
			metas := (&boltFile{r: bytes.NewReader(b), size: int64(len(b))}).readMetas()
			copy(b[int(metas[0].root)*pageSize:], "not a page at all")
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
	require.NoError(t, c.Set(t.Context(), metadataKey, metadata{read: 4, write: 6}.encode()))
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

func TestHealthyFilesAreVerified(t *testing.T) {
	for name, image := range map[string][]byte{
		"empty": {}, "one small": queueImage(t, 1, 10), "many small": queueImage(t, 3000, 10), "large": queueImage(t, 40, 60_000),
	} {
		require.NoError(t, verify(bytes.NewReader(image), int64(len(image))), name)
	}
}

func TestAFileWithASyncedFreelistIsVerified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, nil)
	require.NoError(t, err)
	for i := range 100 {
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(defaultBucket)
			if err != nil {
				return err
			}
			return b.Put(binary.BigEndian.AppendUint64(nil, uint64(i)), make([]byte, 3000))
		}))
	}
	require.NoError(t, db.Close())
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, verify(bytes.NewReader(image), int64(len(image))))
}

// The promise of verify: what it accepts, bbolt opens and reads to the end.
// The input says which bytes of a queue file to overwrite with what.
func FuzzWhatIsVerifiedCanBeOpened(f *testing.F) {
	small, large := queueImage(f, 30, 10), queueImage(f, 20, 9000)
	f.Add(false, uint32(0), []byte{}, uint32(0))
	f.Add(false, uint32(2*pageSize+8), []byte{1, 2, 3}, uint32(0))
	f.Add(true, uint32(16), []byte{0}, uint32(5000))
	for at := uint32(pageSize * 2); at < uint32(len(large)); at += pageSize {
		f.Add(true, at+8, []byte{0xff}, uint32(0))
		f.Add(true, at+16, []byte{0xff, 0xff}, uint32(0))
	}
	f.Fuzz(func(t *testing.T, big bool, at uint32, with []byte, cut uint32) {
		image := bytes.Clone(small)
		if big {
			image = bytes.Clone(large)
		}
		copy(image[min(int(at), len(image)):], with)
		image = image[:len(image)-min(int(cut), len(image))]
		found := search(bytes.NewReader(image), int64(len(image)), content{true, "logs"})
		if len(found.places) > 100_000 {
			t.Fatalf("%d places in %d bytes", len(found.places), len(image))
		}
		if verify(bytes.NewReader(image), int64(len(image))) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true})
		if err != nil {
			t.Fatalf("verified but not opened: %v", err)
		}
		defer db.Close()
		err = db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(defaultBucket)
			if err != nil {
				return err
			}
			if err := b.ForEach(func(_, _ []byte) error { return nil }); err != nil {
				return err
			}
			return b.Put([]byte("1"), []byte("one more"))
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add(metaBytes(3, 9))
	f.Add([]byte{0x2a, 8, 1, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMetadata(b)
		if err != nil {
			return
		}
		again, err := parseMetadata(m.encode())
		m.dispatched = nil
		if err != nil || again.read != m.read || again.write != m.write || again.bytesSize != m.bytesSize || again.itemsSize != m.itemsSize {
			t.Fatalf("%v became %v: %v", m, again, err)
		}
	})
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
