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
	switch prepared := l.prepare(); {
	case len(l.segments) > 0 && (!prepared || !l.last().sealed && !l.last().damaged):
		return l.writeState()
	case !prepared: // items are refused until the disk has space
		return nil
	}
	return l.roll()
}

// prepare makes the next segment and reports whether there is one.
func (l *Log) prepare() bool { return l.prepareFor(l.options.SegmentBytes) == nil }

func (l *Log) prepareFor(bytes int64) error {
	if l.next != nil {
		return nil
	}
	if time.Since(l.tried) < prepareEvery {
		return ErrNoSpace
	}
	s, err := createSegment(l.dir, l.seed, l.lastID+1, l.options.Queue, bytes, l.options.Sync)
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
	if l.next == nil && !l.prepare() {
		return ErrNoSpace
	}
	if segmentHead+sealed > l.options.SegmentBytes {
		// An item larger than a segment: it gets one of its size, or is refused.
		if err := allocate(l.next.file, segmentHead+sealed); err != nil {
			return errors.Join(ErrNoSpace, err)
		}
	}
	return l.roll()
}

// roll ends the last segment and goes on in the next. It fails without one.
func (l *Log) roll() error {
	if l.next == nil && !l.prepare() {
		return ErrNoSpace
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
	l.prepare()
	return nil
}

// trim gives back segments from the front in which nothing is waited for. One in the
// middle stays: it may say of an item in an older one that it is done.
func (l *Log) trim() {
	l.unpin()
	n := 0
	for n < len(l.segments)-1 && l.segments[n].waiting == 0 {
		n++
	}
	if n == 0 {
		return
	}
	free := l.segments[:n]
	l.segments = l.segments[n:]
	// A kill from here on leaves segments that the state does not name and that hold
	// nothing waited for.
	if l.writeState() != nil {
		l.segments = append(free, l.segments...)
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
		_ = os.Rename(path, path+asideMark+time.Now().UTC().Format("20060102T150405.000000000Z"))
		l.boundAside()
	case l.next == nil && s.reuse(l.dir, l.seed, l.lastID+1, l.options.Queue, l.options.Sync) == nil:
		l.next, l.lastID = s, s.id
	default:
		_ = s.file.Close()
		_ = os.Remove(path)
	}
}

// pinnedSegments is how many segments without items may wait behind one that has some.
const pinnedSegments = 4

// unpin moves the items of the first segment to the end of the log if the segments
// behind it hold nothing: one request that is tried for hours would keep them all.
func (l *Log) unpin() {
	if len(l.segments) <= pinnedSegments+1 || l.segments[0].waiting == 0 {
		return
	}
	for _, s := range l.segments[1 : pinnedSegments+1] {
		if s.waiting > 0 {
			return
		}
	}
	var items []Item
	for _, i := range l.index.in(l.segments[0]) {
		value, err := l.Read(i)
		if err != nil {
			return // what can't be read now stays where it is
		}
		items = append(items, Item{i, value})
	}
	_ = l.append(items) // else the next time
}
