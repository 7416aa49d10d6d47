package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	segmentSuffix = ".seg"
	segmentHead   = 40
)

var segmentMagic = []byte("OBSLOG1\n")

// segment is one file of the log.
type segment struct {
	id   uint64
	file *os.File
	size int64 // up to the end of the last record
	// space is what it takes on the disk, used or not.
	space int64
	// waiting is the number of items in it that are not done.
	waiting int
	// sealed says that its end was written.
	sealed bool
	// damaged says that some of it could not be read: it is kept when the log is done with it.
	damaged bool
	// kept says that an item in it can't be read, so not moved: it stays, without the
	// segments behind it. What of it is done then comes back with the next start.
	kept bool
}

// onDisk is what the segment takes of the disk.
func (s *segment) onDisk() int64 { return max(s.size, s.space) }

func (s *segment) seal(seed uint64) seal { return sealOf(seed, s.id) }

func segmentPath(dir string, id uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", id, segmentSuffix))
}

// segmentID returns the id in a segment's file name.
func segmentID(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 16, 64)
	return id, err == nil && fmt.Sprintf("%016x", id) == digits // capitals are another file's
}

func queueHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}

func segmentHeader(seed, id uint64, queue string) []byte {
	b := append(make([]byte, 0, segmentHead), segmentMagic...)
	b = binary.LittleEndian.AppendUint64(b, seed)
	b = binary.LittleEndian.AppendUint64(b, id)
	b = binary.LittleEndian.AppendUint64(b, queueHash(queue))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	return binary.LittleEndian.AppendUint32(b, 0)
}

var (
	errNoHeader = errors.New("not a segment")
	errForeign  = errors.New("a segment of another queue")
)

// parseHeader returns the log's seed.
func parseHeader(b []byte, id uint64, queue string) (seed uint64, err error) {
	le := binary.LittleEndian
	switch {
	case len(b) < segmentHead || string(b[:8]) != string(segmentMagic):
		return 0, errNoHeader
	case crc32.Checksum(b[:32], castagnoli) != le.Uint32(b[32:]):
		return 0, errNoHeader
	case le.Uint64(b[24:]) != queueHash(queue):
		return 0, errForeign
	case le.Uint64(b[16:]) != id:
		return 0, errForeign
	}
	return le.Uint64(b[8:]), nil
}

// createSegment makes a segment with its space on the disk, so that no write to it
// finds the disk full.
func createSegment(dir string, seed, id uint64, queue string, bytes int64, sync bool) (*segment, error) {
	f, err := os.OpenFile(segmentPath(dir, id), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{id: id, file: f, size: segmentHead, space: bytes}
	if err = allocate(f, bytes); err == nil {
		_, err = f.WriteAt(segmentHeader(seed, id, queue), 0)
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return s, nil
}

// reuse gives a segment in which nothing is waited for a new life as another one.
// It keeps its space: on a full disk a queue that drains goes on in its own files.
// What a large item needed beyond bytes goes back to the disk.
func (s *segment) reuse(dir string, seed, id uint64, queue string, bytes int64, sync bool) error {
	switch space := s.onDisk(); {
	case space > bytes:
		if err := s.file.Truncate(bytes); err != nil {
			return err
		}
	case space < bytes:
		if err := allocate(s.file, bytes); err != nil {
			return err
		}
	}
	s.space = bytes
	if _, err := s.file.WriteAt(segmentHeader(seed, id, queue), 0); err != nil {
		return err
	}
	if sync {
		if err := s.file.Sync(); err != nil {
			return err
		}
	}
	path := segmentPath(dir, id)
	if err := os.Rename(segmentPath(dir, s.id), path); err != nil {
		return err
	}
	s.id, s.size, s.waiting, s.sealed, s.damaged, s.kept = id, segmentHead, 0, false, false, false
	return nil
}
