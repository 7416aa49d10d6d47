package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.etcd.io/bbolt"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata/request"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

var pageSize = uint32(os.Getpagesize())

// image is a queue file that bbolt wrote, with the given number of requests of
// at least size bytes.
func image(t testing.TB, requests, size int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true})
	require.NoError(t, err)
	for i := range requests {
		ld := plog.NewLogs()
		ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(strings.Repeat("x", size))
		value, err := request.MarshalLogs(t.Context(), ld)
		require.NoError(t, err)
		require.NoError(t, db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists(defaultBucket)
			if err != nil {
				return err
			}
			return errors.Join(b.Put([]byte(queue.RequestKey(uint64(i))), value),
				b.Put([]byte(queue.MetadataKey), queue.Metadata{Write: uint64(i + 1)}.Encode()))
		}))
	}
	require.NoError(t, db.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func TestHealthyFilesAreVerified(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty": {}, "one small": image(t, 1, 10), "many small": image(t, 3000, 10), "large": image(t, 40, 60_000),
	} {
		require.NoError(t, Verify(bytes.NewReader(content), int64(len(content))), name)
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
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, Verify(bytes.NewReader(content), int64(len(content))))
}

// The promise of Verify: what it accepts, bbolt opens and reads to the end.
// The input says which bytes of a queue file to overwrite with what.
func FuzzWhatIsVerifiedCanBeOpened(f *testing.F) {
	small, large := image(f, 30, 10), image(f, 20, 9000)
	f.Add(false, uint32(0), []byte{}, uint32(0))
	f.Add(false, 2*pageSize+8, []byte{1, 2, 3}, uint32(0))
	f.Add(true, uint32(16), []byte{0}, uint32(5000))
	for at := pageSize * 2; at < uint32(len(large)); at += pageSize {
		f.Add(true, at+8, []byte{0xff}, uint32(0))
		f.Add(true, at+16, []byte{0xff, 0xff}, uint32(0))
	}
	f.Fuzz(func(t *testing.T, big bool, at uint32, with []byte, cut uint32) {
		content := bytes.Clone(small)
		if big {
			content = bytes.Clone(large)
		}
		copy(content[min(int(at), len(content)):], with)
		content = content[:len(content)-min(int(cut), len(content))]
		found := search(bytes.NewReader(content), int64(len(content)), Content{true, "logs"})
		if len(found.places) > 100_000 {
			t.Fatalf("%d places in %d bytes", len(found.places), len(content))
		}
		if Verify(bytes.NewReader(content), int64(len(content))) != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
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
