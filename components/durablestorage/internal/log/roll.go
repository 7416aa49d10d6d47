package log

import (
	"errors"
	"os"
	"time"
)

// prepareEvery bounds how often a full disk is asked for space.
const prepareEvery = 250 * time.Millisecond

// begin goes on in the last segment if it is as it was left, or in a new one.
func (l *Log) begin() error {
	switch prepared := l.prepare() == nil; {
	case len(l.segments) > 0 && (!prepared || !l.last().sealed && !l.last().damaged):
		return l.writeState()
	case !prepared: // items are refused until the disk has space
		return nil
	}
	return l.roll()
}

// prepare makes the next segment if there is none. Its error says ErrNoSpace and why.
func (l *Log) prepare() error {
	if l.next != nil {
		return nil
	}
	if time.Since(l.tried) < prepareEvery {
		return ErrNoSpace
	}
	s, err := createSegment(l.dir, l.seed, l.lastID+1, l.options.Queue, l.options.SegmentBytes, l.options.Sync)
	if err == nil {
		err = l.syncDir()
	}
	if err != nil {
		l.tried = time.Now()
		return errors.Join(ErrNoSpace, err)
	}
	l.next, l.lastID, l.tried = s, s.id, time.Time{}
	return nil
}

// room makes sure that the last segment has space for records of this size.
func (l *Log) room(size int64) error {
	sealed := size + recordHead
	if len(l.segments) > 0 && l.last().size+sealed <= l.options.SegmentBytes {
		return nil
	}
	if err := l.prepare(); err != nil {
		return err
	}
	if segmentHead+sealed > l.options.SegmentBytes {
		// An item larger than a segment: it gets one of its size, or is refused.
		if err := allocate(l.next.file, segmentHead+sealed); err != nil {
			return errors.Join(ErrNoSpace, err)
		}
		l.next.space = segmentHead + sealed
	}
	return l.roll()
}

// roll ends the last segment and goes on in the next. It fails without one.
func (l *Log) roll() error {
	if err := l.prepare(); err != nil {
		return err
	}
	if len(l.segments) > 0 {
		end := appendRecord(nil, kindSealed, 0)
		s := l.last()
		s.seal(l.seed).seal(end)
		// Without its end the segment is said to be cut at the next start, no more.
		if _, err := s.file.WriteAt(end, s.size); err == nil {
			s.size += int64(len(end))
			s.sealed = true
		}
		if l.options.Sync {
			_ = s.file.Sync()
		}
	}
	l.segments = append(l.segments, l.next)
	l.next = nil
	var buf []byte
	for key, value := range l.index.keys {
		buf = appendRecord(buf, kindKey, uint64(len(key)), []byte(key), value)
	}
	s := l.last()
	s.seal(l.seed).seal(buf)
	if _, err := s.file.WriteAt(buf, s.size); err != nil {
		return err
	}
	s.size += int64(len(buf))
	if err := l.writeState(); err != nil {
		return err
	}
	l.trim()
	_ = l.prepare() // asked for again by the next item
	return nil
}

// trim gives back segments from the front in which nothing is waited for. One in the
// middle stays: it may say of an item in an older one that it is done.
func (l *Log) trim() {
	var free, keep []*segment
	n := 0
	for ; n < len(l.segments)-1; n++ {
		s := l.segments[n]
		if s.waiting > 0 && !s.kept {
			break
		}
		if s.waiting == 0 {
			free = append(free, s)
		} else {
			keep = append(keep, s)
		}
	}
	if len(free) == 0 {
		return
	}
	before := l.segments
	l.segments = append(keep, l.segments[n:]...)
	// A kill from here on leaves segments that the state does not name and that hold
	// nothing waited for.
	if l.writeState() != nil {
		l.segments = before
		return
	}
	for _, s := range free {
		l.free(s)
	}
	_ = l.syncDir()
}

func (l *Log) free(s *segment) {
	path := segmentPath(l.dir, s.id)
	switch {
	case s.damaged:
		_ = s.file.Close()
		_ = l.asides.freed(path)
	case l.next == nil && s.reuse(l.dir, l.seed, l.lastID+1, l.options.Queue, l.options.SegmentBytes, l.options.Sync) == nil:
		l.next, l.lastID = s, s.id
	default:
		_ = s.file.Close()
		_ = os.Remove(path)
	}
}

const (
	// pinnedSegments is how many segments may wait behind one that has items, however few.
	pinnedSegments = 4
	// mostlyDone is how many times the log is larger than what is waited for when
	// that is moved: each move gives back more than it writes.
	mostlyDone = 4
)

// unpin moves the items of the first segment to the end of the log if most of the log
// is done: some requests that are tried for hours would keep all of it.
func (l *Log) unpin() {
	if len(l.segments) <= pinnedSegments+1 || mostlyDone*l.index.live > l.Size() {
		return
	}
	first := l.segments[0]
	for _, s := range l.segments[:len(l.segments)-1] {
		if first = s; !s.kept {
			break
		}
	}
	if first.kept || first.waiting == 0 {
		return
	}
	var items []Item
	size := l.doneSize()
	for _, i := range l.index.in(first) {
		value, err := l.Read(i)
		if err != nil {
			first.kept = true
			continue
		}
		items = append(items, Item{i, value})
		size += recordHead + len(value)
	}
	// Without a next segment the last one grows: what is moved frees space.
	if err := l.room(int64(size)); err == nil || errors.Is(err, ErrNoSpace) {
		_ = l.append(items) // else the next time
	}
}
