package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/syncdir"
)

var (
	// ErrNoSpace means that the disk has no room for the next segment: items are not
	// taken, and those that are waited for can be read and finished.
	ErrNoSpace = errors.New("no space for the next segment of the log")
	// ErrDamaged means that an item's record is not what was written.
	ErrDamaged = errors.New("damaged")
	// ErrUnknown means that no item with this index is waited for.
	ErrUnknown = errors.New("no such item")
)

// Item is a value and its number in the queue.
type Item struct {
	Index uint64
	Value []byte
}

// Log is an open log. It is not safe for concurrent use.
type Log struct {
	dir     string
	options Options
	seed    uint64
	lock    *os.File
	state   *os.File

	segments []*segment // the last one is written to
	next     *segment   // made, with its space, before it is needed; nil if the disk has none
	lastID   uint64     // of all segments, next included
	stated   int64      // size of the last segment that the state tells
	tried    time.Time  // when next was last asked for
	index    *index
	done     []byte // u64 indexes of what is done and not written yet
	asides   asides
}

// Indexes returns the items that are waited for, in order.
func (l *Log) Indexes() []uint64 { return l.index.sorted() }

// Next returns a number above that of every item seen.
func (l *Log) Next() uint64 { return l.index.next }

// Len returns the number of items that are waited for, and Live their bytes.
func (l *Log) Len() int { return len(l.index.items) }

// Live returns the bytes of the items that are waited for.
func (l *Log) Live() int64 { return l.index.live }

// Pending returns the number of items that are done and not written so.
func (l *Log) Pending() int { return len(l.done) / 8 }

// Size returns the bytes that the segments in use take on the disk; of the last one
// those that are written, since the next items go there.
func (l *Log) Size() (bytes int64) {
	for i, s := range l.segments {
		if i == len(l.segments)-1 {
			return bytes + s.size
		}
		bytes += s.onDisk()
	}
	return bytes
}

// Segments returns the number of segments in use.
func (l *Log) Segments() int { return len(l.segments) }

// Append writes items, with all that is done. It returns when they are in the
// kernel, with Options.Sync on the disk, or refuses all of them.
func (l *Log) Append(items ...Item) error {
	size := 0
	for _, item := range items {
		if item.Index > maxIndex {
			return fmt.Errorf("item %d: the log numbers up to %d", item.Index, uint64(maxIndex))
		}
		if uint64(len(item.Value)) > math.MaxUint32 {
			return fmt.Errorf("item %d has %d bytes: a record has up to %d", item.Index, len(item.Value), uint32(math.MaxUint32))
		}
		size += recordHead + len(item.Value)
	}
	if err := l.prepare(); err != nil {
		return err
	}
	l.unpin()
	if err := l.room(int64(size + l.doneSize())); err != nil {
		return err
	}
	return l.append(items)
}

// append writes to the end of the last segment, whatever its size.
func (l *Log) append(items []Item) error {
	buf := l.doneRecord(nil)
	at := make([]int, len(items))
	for i, item := range items {
		at[i] = len(buf)
		buf = appendRecord(buf, kindItem, item.Index, item.Value)
	}
	s := l.last()
	start := s.size
	if err := l.write(buf); err != nil {
		return err
	}
	l.done = l.done[:0]
	for i, item := range items {
		l.index.add(item.Index, place{s, start + int64(at[i]), recordHead + len(item.Value)})
	}
	return nil
}

// Done says that items are not waited for any more. It is written with the next
// Append or Flush.
func (l *Log) Done(indexes ...uint64) {
	for _, i := range indexes {
		if l.index.done(i) {
			l.done = binary.LittleEndian.AppendUint64(l.done, i)
		}
	}
}

// Flush writes what is done, and gives back the space of segments in which nothing
// is waited for.
func (l *Log) Flush() error {
	if len(l.done) > 0 && len(l.segments) > 0 {
		if err := l.room(int64(l.doneSize())); err != nil && !errors.Is(err, ErrNoSpace) {
			return err
		}
		// Without a next segment the last one grows: what is done frees space.
		if err := l.write(l.doneRecord(make([]byte, 0, l.doneSize()))); err != nil {
			return err
		}
		l.done = l.done[:0]
	}
	l.unpin()
	l.trim()
	return nil
}

// Sync returns when all that was written is on the disk, whatever Options.Sync says.
func (l *Log) Sync() error {
	for _, s := range l.segments {
		if err := s.file.Sync(); err != nil {
			return fmt.Errorf("sync %s: %w", s.file.Name(), err)
		}
	}
	if err := l.state.Sync(); err != nil {
		return err
	}
	return syncdir.Sync(l.dir)
}

// Read returns an item's value.
func (l *Log) Read(i uint64) ([]byte, error) {
	p, ok := l.index.items[i]
	if !ok {
		return nil, ErrUnknown
	}
	b := make([]byte, p.size)
	if _, err := p.segment.file.ReadAt(b, p.at); err != nil {
		return nil, fmt.Errorf("read item %d: %w", i, err)
	}
	r, ok := p.segment.seal(l.seed).first(b)
	if !ok || r.kind != kindItem || r.index != i {
		p.segment.damaged = true // kept when its other items are done
		return nil, fmt.Errorf("item %d in %s: %w", i, p.segment.file.Name(), ErrDamaged)
	}
	return r.payload, nil
}

// Key returns the value of a key, nil if it has none.
func (l *Log) Key(key string) []byte { return l.index.keys[key] }

// SetKey writes a key's value; nil removes it. Keys are few and small: each segment
// repeats them.
func (l *Log) SetKey(key string, value []byte) error {
	var buf []byte
	switch {
	case value != nil:
		buf = appendRecord(nil, kindKey, uint64(len(key)), []byte(key), value)
	case l.index.keys[key] == nil:
		return nil
	default:
		buf = appendRecord(nil, kindGone, 0, []byte(key))
	}
	if err := l.prepare(); err != nil {
		return err
	}
	if err := l.room(int64(len(buf))); err != nil {
		return err
	}
	if err := l.write(buf); err != nil {
		return err
	}
	if value == nil {
		delete(l.index.keys, key)
	} else {
		l.index.keys[key] = append([]byte{}, value...)
	}
	return nil
}

// Close writes what is done and leaves the log to others.
func (l *Log) Close() error {
	err := l.Flush()
	if err == nil && len(l.segments) > 0 {
		err = l.writeState()
	}
	return errors.Join(err, l.release())
}

func (l *Log) release() error {
	var errs []error
	for _, s := range l.segments {
		errs = append(errs, s.file.Close())
	}
	if l.next != nil {
		errs = append(errs, l.next.file.Close())
	}
	for _, f := range []*os.File{l.state, l.lock} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

func (l *Log) doneSize() int {
	if len(l.done) == 0 {
		return 0
	}
	return recordHead + len(l.done)
}

func (l *Log) doneRecord(buf []byte) []byte {
	if len(l.done) == 0 {
		return buf
	}
	return appendRecord(buf, kindDone, 0, l.done)
}

// write puts records at the end of the last segment. A write that fails does not
// move the end: the next one goes over it.
func (l *Log) write(records []byte) error {
	s := l.last()
	s.seal(l.seed).seal(records)
	if _, err := s.file.WriteAt(records, s.size); err != nil {
		return fmt.Errorf("write to %s: %w", s.file.Name(), err)
	}
	if l.options.Sync {
		if err := s.file.Sync(); err != nil {
			// What the kernel could not write it may report only once. Nothing more is
			// written to this segment; what was synced before is safe.
			return errors.Join(fmt.Errorf("sync %s: %w", s.file.Name(), err), l.roll())
		}
	}
	s.size += int64(len(records))
	if s.size-l.stated >= stateEvery {
		_ = l.writeState() // of use after damage only; written again at the next occasion
	}
	return nil
}

func (l *Log) writeState() error {
	s := state{seed: l.seed, lastSize: uint64(l.last().size)}
	for _, segment := range l.segments {
		s.segments = append(s.segments, segment.id)
	}
	if _, err := l.state.WriteAt(s.encode(), 0); err != nil {
		return fmt.Errorf("write %s: %w", l.state.Name(), err)
	}
	l.stated = l.last().size
	if l.options.Sync {
		return l.state.Sync()
	}
	return nil
}

func (l *Log) syncDir() error {
	if !l.options.Sync {
		return nil
	}
	return syncdir.Sync(l.dir)
}
