package log

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var small = Options{Queue: "exporter_test_traces", SegmentBytes: 4096, LockTimeout: 100 * time.Millisecond}

func open(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, report, err := Open(dir, o)
	require.NoError(t, err)
	require.Empty(t, report.Faults)
	t.Cleanup(func() { _ = l.release() }) // what is closed already is an error
	return l
}

// copyDir is the directory as a process killed now would leave it.
func copyDir(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, e.Name()), b, 0o600))
	}
	return to
}

func contents(t testing.TB, l *Log) map[uint64]string {
	t.Helper()
	out := map[uint64]string{}
	for _, i := range l.Indexes() {
		v, err := l.Read(i)
		require.NoError(t, err)
		out[i] = string(v)
	}
	return out
}

// A model in memory and the log agree through appends, deletes, kills and restarts.
func TestTheLogIsWhatWasWrittenToIt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 1))
		dir := t.TempDir()
		l := open(t, dir, small)
		model, written := map[uint64]string{}, map[uint64]string{} // written: of it dones may be missing
		for range 400 {
			switch r.IntN(12) {
			case 0: // killed: all that was appended is there, and of what is done all that was written
				dir = copyDir(t, dir)
				require.NoError(t, l.release())
				l = open(t, dir, small)
				require.Equal(t, written, contents(t, l))
				model = maps.Clone(written)
			case 1:
				require.NoError(t, l.Close())
				l = open(t, dir, small)
				written = maps.Clone(model)
				require.Equal(t, model, contents(t, l))
			case 2:
				require.NoError(t, l.Flush())
				written = maps.Clone(model)
			case 3, 4, 5, 6:
				if list := l.Indexes(); len(list) > 0 {
					i := list[min(r.IntN(3), len(list)-1)] // nearly in order
					l.Done(i)
					delete(model, i)
				}
			default:
				var items []Item
				for range 1 + r.IntN(3) {
					value := bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(900))
					if r.IntN(60) == 0 {
						value = bytes.Repeat(value, 20)
					}
					items = append(items, Item{l.Next() + uint64(len(items)), value})
				}
				require.NoError(t, l.Append(items...))
				for _, item := range items {
					model[item.Index] = string(item.Value)
				}
				written = maps.Clone(model)
			}
			require.Equal(t, len(model), l.Len())
		}
		require.Equal(t, model, contents(t, l))
	}
}

func TestADrainedLogKeepsTwoSegments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	for i := range uint64(500) {
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
		l.Done(i)
	}
	require.NoError(t, l.Flush())
	segments, err := segmentNames(dir)
	require.NoError(t, err)
	require.LessOrEqual(t, len(segments), 2)
	require.Zero(t, l.Live())
}

// One item that is never done keeps its own bytes and not all segments behind it.
func TestAnItemThatStaysDoesNotPinTheLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	require.NoError(t, l.Append(Item{0, []byte("stays")}))
	for i := uint64(1); i < 500; i++ {
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
		l.Done(i)
	}
	require.LessOrEqual(t, l.Segments(), pinnedSegments+2)
	require.NoError(t, l.Close())
	require.Equal(t, map[uint64]string{0: "stays"}, contents(t, open(t, dir, small)))
}

func TestKeysAreKeptAndGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	require.NoError(t, l.SetKey("a", []byte("1")))
	require.NoError(t, l.SetKey("b", []byte("2")))
	require.NoError(t, l.SetKey("b", nil))
	require.NoError(t, l.SetKey("never", nil))
	for i := range uint64(50) { // through several segments
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
		l.Done(i)
	}
	require.NoError(t, l.Close())
	l = open(t, dir, small)
	require.Equal(t, "1", string(l.Key("a")))
	require.Nil(t, l.Key("b"))
}

func TestAnotherProcessIsWaitedForAndThenAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, small)
	_, _, err := Open(dir, small)
	require.ErrorContains(t, err, "another process holds it")
}

// filled has items 0 to 99 of 300 bytes, of which the first ten are done.
func filled(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	l := open(t, dir, small)
	for i := range uint64(100) {
		require.NoError(t, l.Append(Item{i, bytes.Repeat([]byte{byte(i)}, 300)}))
	}
	l.Done(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	require.NoError(t, l.Close())
	return dir
}

// Damage costs the records it touches. What is done does not come back.
func TestABitThatFlipsCostsTheItemItIsIn(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	r := rand.New(rand.NewPCG(5, 5))
	ids, err := segmentNames(whole)
	require.NoError(t, err)
	for range 60 {
		dir := copyDir(t, whole)
		path := segmentPath(dir, ids[r.IntN(len(ids))])
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(b) <= segmentHead {
			continue // the one that was made and never used
		}
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
		require.NoError(t, os.WriteFile(path, b, 0o600))

		l, report, err := Open(dir, small)
		require.NoError(t, err)
		got := contents(t, l)
		require.GreaterOrEqual(t, len(got), 89)
		for i, v := range got {
			require.Equal(t, string(bytes.Repeat([]byte{byte(i)}, 300)), v)
		}
		if len(got) < 90 {
			require.Positive(t, report.Corrupt+report.Missing, report.Faults)
		}
		require.NoError(t, l.Close())
	}
}

func TestEveryTruncationIsSaid(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	ids, err := segmentNames(whole)
	require.NoError(t, err)
	for _, id := range ids {
		info, err := os.Stat(segmentPath(whole, id))
		require.NoError(t, err)
		for cut := int64(0); cut < info.Size(); cut += 501 {
			dir := copyDir(t, whole)
			require.NoError(t, os.Truncate(segmentPath(dir, id), cut))
			l, report, err := Open(dir, small)
			require.NoError(t, err)
			if info.Size() > segmentHead {
				require.Positive(t, report.Missing, "segment %d cut to %d of %d", id, cut, info.Size())
				require.NotEmpty(t, report.Faults)
			}
			for i, v := range contents(t, l) {
				require.Equal(t, string(bytes.Repeat([]byte{byte(i)}, 300)), v)
			}
			require.NoError(t, l.Close())
		}
	}
}

func TestWhatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	whole := filled(t)
	ids, err := segmentNames(whole)
	require.NoError(t, err)

	t.Run("a segment in the middle", func(t *testing.T) {
		dir := copyDir(t, whole)
		require.NoError(t, os.Remove(segmentPath(dir, ids[1])))
		_, report, err := Open(dir, small)
		require.NoError(t, err)
		require.EqualValues(t, 1, report.Missing)
	})
	t.Run("all of them", func(t *testing.T) {
		dir := copyDir(t, whole)
		for _, id := range ids {
			require.NoError(t, os.Remove(segmentPath(dir, id)))
		}
		l, report, err := Open(dir, small)
		require.NoError(t, err)
		require.Positive(t, report.Missing)
		require.True(t, report.Existed)
		require.NoError(t, l.Append(Item{0, []byte("new")}))
	})
	t.Run("the state", func(t *testing.T) {
		dir := copyDir(t, whole)
		require.NoError(t, os.Truncate(filepath.Join(dir, stateFile), 0))
		l, report, err := Open(dir, small)
		require.NoError(t, err)
		require.Len(t, contents(t, l), 90)
		require.NotEmpty(t, report.Faults)
	})
	t.Run("a header", func(t *testing.T) {
		dir := copyDir(t, whole)
		f, err := os.OpenFile(segmentPath(dir, ids[1]), os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt(make([]byte, segmentHead), 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		l, report, err := Open(dir, small)
		require.NoError(t, err)
		require.Len(t, contents(t, l), 90, "its records are found by their checksums")
		require.Positive(t, report.Corrupt)
	})
	t.Run("nothing: a first start", func(t *testing.T) {
		_, report, err := Open(t.TempDir(), small)
		require.NoError(t, err)
		require.Equal(t, Report{}, report)
	})
}

func TestASegmentOfAnotherQueueIsSetAside(t *testing.T) {
	t.Parallel()
	other := small
	other.Queue = "exporter_test_logs"
	foreign := t.TempDir()
	l := open(t, foreign, other)
	require.NoError(t, l.Append(Item{3, []byte("theirs")}))
	require.NoError(t, l.Close())

	dir := filled(t)
	ids, err := segmentNames(foreign)
	require.NoError(t, err)
	b, err := os.ReadFile(segmentPath(foreign, ids[0]))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(segmentPath(dir, 2), b, 0o600))
	l, report, err := Open(dir, small)
	require.NoError(t, err)
	require.Len(t, report.Aside, 1)
	require.NotContains(t, slices.Collect(maps.Values(contents(t, l))), "theirs")
}

// A client can put bytes that look like records into its data, and damage may come
// in front of them. Without the seed they are no records.
func TestAForgedRecordIsNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	forged := appendRecord(nil, kindDone, 0, binary.LittleEndian.AppendUint64(nil, 0))
	sealOf(0, 1).seal(forged)
	require.NoError(t, l.Append(Item{0, []byte("victim")}))
	require.NoError(t, l.Append(Item{1, append(bytes.Repeat([]byte("x"), 40), forged...)}))
	require.NoError(t, l.Close())
	path := segmentPath(dir, 1)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[bytes.Index(b, []byte("xxxx"))-3] ^= 0xff // the head of the item in front
	require.NoError(t, os.WriteFile(path, b, 0o600))
	l, report, err := Open(dir, small)
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Missing, "the log had more bytes when it was closed")
	require.Equal(t, map[uint64]string{0: "victim"}, contents(t, l))
}

func TestADamagedItemIsAnErrorWhenItIsRead(t *testing.T) {
	t.Parallel()
	l := open(t, t.TempDir(), small)
	require.NoError(t, l.Append(Item{7, bytes.Repeat([]byte("x"), 100)}))
	_, err := l.last().file.WriteAt([]byte("y"), segmentHead+recordHead+5)
	require.NoError(t, err)
	_, err = l.Read(7)
	require.ErrorIs(t, err, ErrDamaged)
	_, err = l.Read(8)
	require.ErrorIs(t, err, ErrUnknown)
}

// fullDisk makes every further segment an error, as a disk without space does.
func fullDisk(t *testing.T, dir string, l *Log) {
	t.Helper()
	require.NoError(t, os.Mkdir(segmentPath(dir, l.lastID+1), 0o700))
}

func TestAFullDiskRefusesItemsAndDrains(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	fullDisk(t, dir, l)
	var taken uint64
	for taken < 100 {
		if err := l.Append(Item{taken, make([]byte, 500)}); err != nil {
			require.ErrorIs(t, err, ErrNoSpace)
			break
		}
		taken++
	}
	require.Less(t, taken, uint64(100))
	require.Greater(t, taken, uint64(4))
	for i := range taken {
		_, err := l.Read(i)
		require.NoError(t, err)
		l.Done(i)
		require.NoError(t, l.Flush())
	}
	require.Zero(t, l.Len())
}

// A queue that drains goes on in the space it has.
func TestADrainedSegmentIsUsedAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	for i := range uint64(20) {
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
	}
	require.NoError(t, l.next.file.Close())
	require.NoError(t, os.Remove(l.next.file.Name()))
	l.next, l.tried = nil, time.Now().Add(time.Hour) // the disk has no space for another one
	require.ErrorIs(t, l.Append(Item{20, nil}), ErrNoSpace)
	for i := range uint64(20) {
		l.Done(i)
	}
	require.NoError(t, l.Flush())
	require.NoError(t, l.Append(Item{20, []byte("again")}))
	require.NoError(t, l.Close())
	require.Equal(t, map[uint64]string{20: "again"}, contents(t, open(t, dir, small)))
}

func TestALogIsMadeOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	huge := small
	huge.SegmentBytes = 1 << 60 // no disk has space for it
	l := open(t, dir, huge)
	require.ErrorIs(t, l.Append(Item{0, nil}), ErrNoSpace)
	require.NoError(t, l.Flush())
	require.NoError(t, l.Close())
	l = open(t, dir, small)
	require.NoError(t, l.Append(Item{0, []byte("now")}))
	require.NoError(t, l.Close())
	require.Equal(t, map[uint64]string{0: "now"}, contents(t, open(t, dir, small)))
}

func TestAnItemLargerThanASegmentHasItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir, small)
	require.NoError(t, l.Append(Item{0, bytes.Repeat([]byte("a"), 20_000)}))
	require.NoError(t, l.Append(Item{1, []byte("b")}))
	require.NoError(t, l.Close())
	require.Len(t, contents(t, open(t, dir, small)), 2)
}

func TestFilesSetAsideAreBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range 6 {
		require.NoError(t, os.WriteFile(segmentPath(dir, uint64(i)), []byte("garbage"), 0o600))
		l, _, err := Open(dir, small)
		require.NoError(t, err)
		require.NoError(t, l.Close())
	}
	aside, err := filepath.Glob(filepath.Join(dir, "*"+asideMark+"*"))
	require.NoError(t, err)
	require.Len(t, aside, keepAside)
}

func TestWithSyncTheSameIsThere(t *testing.T) {
	t.Parallel()
	o := small
	o.Sync = true
	dir := t.TempDir()
	l := open(t, dir, o)
	for i := range uint64(30) {
		require.NoError(t, l.Append(Item{i, make([]byte, 500)}))
		if i%2 == 0 {
			l.Done(i)
		}
	}
	require.NoError(t, l.Close())
	require.Len(t, contents(t, open(t, dir, o)), 15)
}

// Any bytes can be in a segment.
func FuzzSegment(f *testing.F) {
	f.Add([]byte("garbage"), uint64(0))
	f.Add(segmentHeader(1, 1, small.Queue), uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, at uint64) {
		dir := t.TempDir()
		l, _, err := Open(dir, small)
		require.NoError(t, err)
		require.NoError(t, l.Append(Item{1, []byte("one")}, Item{2, []byte("two")}))
		require.NoError(t, l.Close())
		path := segmentPath(dir, 1)
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		cut := at % uint64(len(whole)+1)
		changed := slices.Concat(whole[:cut], b, whole[cut:])
		require.NoError(t, os.WriteFile(path, changed, 0o600))
		l, _, err = Open(dir, small)
		require.NoError(t, err)
		for _, v := range contents(t, l) {
			require.Contains(t, []string{"one", "two"}, v)
		}
		require.NoError(t, l.Append(Item{l.Next(), []byte("one")}))
		require.NoError(t, l.Close())
	})
}

func BenchmarkAppendReadDone(b *testing.B) {
	for _, size := range []int{700, 20_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			l, _, err := Open(b.TempDir(), Options{Queue: "q", LockTimeout: time.Second})
			require.NoError(b, err)
			value := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				i := l.Next()
				if err := l.Append(Item{i, value}); err != nil {
					b.Fatal(err)
				}
				if _, err := l.Read(i); err != nil {
					b.Fatal(err)
				}
				l.Done(i)
			}
		})
	}
}
