package log

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/syncdir"
)

// Options of a log.
type Options struct {
	// Queue is the queue's name: a segment of another queue is set aside.
	Queue string
	// SegmentBytes is the size of a segment, 4 MiB if 0. A larger item makes a larger
	// one. One more than is used is held back, so that items can be finished on a full disk.
	SegmentBytes int64
	// Sync makes Append wait for the disk.
	Sync bool
	// LockTimeout is how long to wait for another process that has the log open.
	LockTimeout time.Duration
}

const (
	defaultSegmentBytes = 4 << 20
	// maxSegment is above the size of any segment: one record of the largest size.
	maxSegment = 1<<32 + 1<<30
)

// Report is what Open found.
type Report struct {
	// Existed says that the directory held a log before.
	Existed bool
	// Aside are files that could not be read, or not whole, by their new names or,
	// if they still hold items, by those they have until these are done.
	Aside []string
	// Corrupt counts the places where at least one record is damaged.
	Corrupt int64
	// Salvaged counts the items that are intact in files with damage.
	Salvaged int64
	// Missing counts segments that were there when the log was last used and are
	// gone, or whose end is. What they held is not known.
	Missing int64
	// Faults says each of these in words.
	Faults []error
}

func (r *Report) fault(format string, args ...any) {
	r.Faults = append(r.Faults, fmt.Errorf(format, args...))
}

// Open opens the log in a directory, or makes one. What is damaged is set aside and
// said in the report; only what makes the log unusable is an error.
func Open(dir string, o Options) (_ *Log, report Report, err error) {
	if o.SegmentBytes == 0 {
		o.SegmentBytes = defaultSegmentBytes
	}
	if err := syncdir.Make(dir, 0o750); err != nil {
		return nil, report, err
	}
	l := &Log{dir: dir, options: o, index: newIndex(), asides: asides{dir: dir}}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if l.lock, err = lock(dir, o.LockTimeout); err != nil {
		return nil, report, err
	}
	must, known, err := l.openState(&report)
	if err != nil {
		return nil, report, err
	}
	names, err := segmentNames(dir)
	if err != nil {
		return nil, report, err
	}
	report.Existed = known || len(names) > 0
	if !known && len(names) > 0 {
		report.fault("%s does not say which segments there must be", l.state.Name())
	}
	if err := l.chooseSeed(must, known, names); err != nil {
		return nil, report, err
	}
	if err := l.readSegments(names, must, known, &report); err != nil {
		return nil, report, err
	}
	l.lastID = max(l.lastID, must.last())
	l.trim()
	if err := l.begin(); err != nil {
		return nil, report, err
	}
	return l, report, nil
}

// openState opens the state, or a new one in place of what can't be read.
func (l *Log) openState(report *Report) (s state, known bool, err error) {
	for range 2 {
		if l.state, err = openState(l.dir); err == nil {
			if s, known, err = readState(l.state); err == nil {
				return s, known, nil
			}
			err = errors.Join(err, l.state.Close())
			l.state = nil
		}
		if err := l.aside(filepath.Join(l.dir, stateFile), err, report); err != nil {
			return s, false, err
		}
	}
	return s, false, fmt.Errorf("read %s: %w", filepath.Join(l.dir, stateFile), err)
}

// segmentNames returns the ids of the segments, in order.
func segmentNames(dir string) (ids []uint64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if id, ok := segmentID(e.Name()); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// chooseSeed takes the seed that the state has, or else most segments, or a new one.
func (l *Log) chooseSeed(must state, known bool, ids []uint64) error {
	if known {
		l.seed = must.seed
		return nil
	}
	votes := map[uint64]int{}
	for _, id := range ids {
		b := make([]byte, segmentHead)
		path := segmentPath(l.dir, id)
		if isSegment(path) != nil {
			continue
		}
		if f, err := os.Open(path); err == nil {
			_, _ = f.ReadAt(b, 0)
			_ = f.Close()
		}
		if seed, err := parseHeader(b, id, l.options.Queue); err == nil {
			votes[seed]++
		}
	}
	most := 0
	for seed, n := range votes {
		if n > most {
			l.seed, most = seed, n
		}
	}
	if most > 0 {
		return nil
	}
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return err
	}
	l.seed = binary.LittleEndian.Uint64(b[:])
	return nil
}

// readSegments reads what is waited for.
func (l *Log) readSegments(ids []uint64, must state, known bool, report *Report) error {
	for i, id := range ids {
		if err := l.readSegment(id, i == len(ids)-1, must, known, report); err != nil {
			return err
		}
	}
	for _, id := range must.segments {
		if !slices.Contains(ids, id) {
			report.Missing++
			report.fault("segment %s is gone", segmentPath(l.dir, id))
		}
	}
	return nil
}

func (l *Log) readSegment(id uint64, last bool, must state, known bool, report *Report) error {
	path := segmentPath(l.dir, id)
	named := !known || must.has(id)
	b, err := readFile(path)
	if err != nil {
		report.Missing++
		return l.aside(path, err, report)
	}
	seed, headErr := parseHeader(b, id, l.options.Queue)
	if headErr == nil && seed != l.seed {
		headErr = errForeign
	}
	found := l.scan(id, b)
	if !named && (headErr != nil || found.records == 0) {
		return os.Remove(path) // made before it was needed, or left when it was not any more
	}
	if headErr != nil && found.records == 0 {
		report.Missing++
		return l.aside(path, headErr, report)
	}
	l.lastID = max(l.lastID, id)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open segment %s: %w", path, err)
	}
	s := &segment{id: id, file: f, size: found.end, space: int64(len(b)), sealed: found.sealed}
	if info, err := f.Stat(); err == nil {
		s.space = max(s.space, allocated(info))
	}
	l.segments = append(l.segments, s)
	l.replay(s, b, found)

	if headErr != nil {
		found.faults++
		report.fault("segment %s: %w; its records were found", path, headErr)
	}
	switch {
	case found.sealed:
	case named && !last && id != must.last():
		report.Missing++
		report.fault("segment %s ends before its end was written", path)
		s.damaged = true
	case known && id == must.last() && uint64(found.end) < must.lastSize:
		report.Missing++
		report.fault("segment %s had at least %d bytes, and has %d", path, must.lastSize, found.end)
		s.damaged = true
	}
	if found.faults > 0 {
		report.Corrupt += found.faults
		report.fault("segment %s has %d damaged places, %d bytes in all", path, found.faults, found.skipped)
		s.damaged = true
	}
	if s.damaged {
		report.Aside = append(report.Aside, path)
		report.Salvaged += int64(s.waiting)
	}
	return nil
}

// scanned is what a segment holds.
type scanned struct {
	records int
	end     int64 // of the last record
	sealed  bool  // the last record says that it is the last
	faults  int64 // places between records that are none
	skipped int64 // bytes of them
	at      []int // where the records begin
}

// scan finds the records of a segment. What follows the last one is space that was
// not used yet, or a write that did not get through.
func (l *Log) scan(id uint64, b []byte) (found scanned) {
	seal := sealOf(l.seed, id)
	at, gap := segmentHead, 0
	found.end = segmentHead
	for at < len(b) {
		r, ok := seal.first(b[at:])
		if !ok {
			at, gap = at+1, gap+1
			continue
		}
		if gap > 0 {
			found.faults++
			found.skipped += int64(gap)
			gap = 0
		}
		found.at = append(found.at, at)
		found.records++
		at += r.size
		found.end = int64(at)
		found.sealed = r.kind == kindSealed
	}
	return found
}

// replay puts a segment's records into the index.
func (l *Log) replay(s *segment, b []byte, found scanned) {
	seal := s.seal(l.seed)
	for _, at := range found.at {
		r, _ := seal.first(b[at:])
		l.index.apply(s, int64(at), r)
	}
}

// aside renames a file that holds nothing readable. One that this user may not read
// is left alone, since whoever gives it back finds it whole.
func (l *Log) aside(path string, cause error, report *Report) error {
	if errors.Is(cause, fs.ErrPermission) {
		return cause
	}
	to, err := l.asides.set(path)
	if err != nil {
		return fmt.Errorf("set %s aside: %w", path, errors.Join(err, cause))
	}
	report.Aside = append(report.Aside, to)
	report.fault("%s set aside: %w", to, cause)
	return nil
}

// isSegment returns why a path can't be that of a segment. To open a pipe would wait
// forever.
func isSegment(path string) error {
	switch info, err := os.Lstat(path); {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("not a file but %s", info.Mode().Type())
	case info.Size() > maxSegment:
		return fmt.Errorf("%d bytes are more than any segment has", info.Size())
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	if err := isSegment(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
