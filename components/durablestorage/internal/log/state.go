package log

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	stateFile = "state"
	// stateHead is what stands before the ids of the segments, and their checksum.
	stateHead = 28
	// stateEvery is how much is written to a segment before the state says so. A log
	// whose process was killed may lack less than this without a word.
	stateEvery = 256 << 10
	// maxState bounds what is read of the file: more segments than any disk holds.
	maxState = 16 << 20
)

var stateMagic = []byte("OBSSTA1\n")

// state says which segments there must be: without it a log that lost all of its
// files would look like a new one.
type state struct {
	seed uint64
	// lastSize is what the last segment had at least: all of it if the log was closed.
	lastSize uint64
	segments []uint64 // in order
}

// last returns the id of the segment that was written to.
func (s *state) last() uint64 {
	if len(s.segments) == 0 {
		return 0
	}
	return s.segments[len(s.segments)-1]
}

func (s *state) has(id uint64) bool { return slices.Contains(s.segments, id) }

func (s *state) encode() []byte {
	le := binary.LittleEndian
	b := append([]byte{}, stateMagic...)
	b = le.AppendUint64(b, s.seed)
	b = le.AppendUint64(b, s.lastSize)
	b = le.AppendUint32(b, uint32(len(s.segments)))
	for _, id := range s.segments {
		b = le.AppendUint64(b, id)
	}
	return le.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// readState returns what the file says, and whether it says anything.
func readState(f *os.File) (s state, ok bool, err error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxState))
	if err != nil || len(b) < stateHead+4 || string(b[:8]) != string(stateMagic) {
		return s, false, err
	}
	le := binary.LittleEndian
	end := stateHead + 8*int64(le.Uint32(b[24:]))
	if end+4 > int64(len(b)) || crc32.Checksum(b[:end], castagnoli) != le.Uint32(b[end:]) {
		return s, false, nil
	}
	s.seed, s.lastSize = le.Uint64(b[8:]), le.Uint64(b[16:])
	for at := int64(stateHead); at < end; at += 8 {
		s.segments = append(s.segments, le.Uint64(b[at:]))
	}
	return s, true, nil
}

func openState(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, stateFile), os.O_RDWR|os.O_CREATE, 0o600)
}
