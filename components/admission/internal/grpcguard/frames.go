package grpcguard

import "encoding/binary"

const (
	prefaceBytes = 24 // "PRI * HTTP/2.0…", before a client's first frame
	headBytes    = 9  // of a frame

	frameData = 0
	frameRST  = 3
	flagEnd   = 1

	// maxFrame is the longest frame grpc-go announces to take. It does not hold DATA frames to it, and allocates what their
	// head says before a byte of them has come: 9 bytes on the wire are 16 MB.
	maxFrame = 16 << 10

	// frameBytes is what grpc-go holds for a DATA frame beside its bytes, so that a message in frames of one byte costs its sender.
	frameBytes = 160
)

// frames follows the frames a client sends and knows what belongs to messages that are not complete.
type frames struct {
	at    int64 // bytes read, as far as prefaceBytes
	head  [headBytes]byte
	n     int // bytes of head
	left  int // bytes of the frame's payload to come
	long  bool
	end   bool
	id    uint32
	sends []debt // streams with a message on its way
	total int64  // their sum
	// What belongs to messages that came whole and are not taken yet. It cannot grow any more, and each is taken soon, so
	// one at an average's price is close enough.
	whole  int64
	wholes int64
}

type debt struct {
	id uint32
	n  int64
}

func (f *frames) owed() int64 { return f.total + f.whole }

// between reports whether no message is on its way and the last frame came whole.
func (f *frames) between() bool { return f.n == 0 && f.left == 0 && len(f.sends) == 0 }

// read takes the next bytes of the connection.
func (f *frames) read(p []byte) {
	if f.at < prefaceBytes {
		n := min(prefaceBytes-f.at, int64(len(p)))
		f.at += n
		p = p[n:]
	}
	for len(p) > 0 {
		if f.left > 0 {
			n := min(f.left, len(p))
			f.left -= n
			p = p[n:]
			if f.left == 0 {
				f.ended()
			}
			continue
		}
		n := copy(f.head[f.n:], p)
		f.n += n
		p = p[n:]
		if f.n < headBytes {
			return
		}
		f.n = 0
		f.left = int(f.head[0])<<16 | int(f.head[1])<<8 | int(f.head[2])
		f.id = binary.BigEndian.Uint32(f.head[5:]) &^ (1 << 31)
		data := f.head[3] == frameData
		f.end = data && f.head[4]&flagEnd != 0
		f.long = f.long || f.left > maxFrame
		switch {
		case data:
			f.add(frameBytes + bufferOf(f.left))
		case f.head[3] == frameRST:
			f.drop(f.id)
		}
		if f.left == 0 {
			f.ended()
		}
	}
}

// bufferOf is how long the buffer is that grpc-go puts n bytes of data into, by the tiers of its pool.
func bufferOf(n int) int64 {
	switch {
	case n <= 1<<10:
		return int64(n)
	case n <= 4<<10:
		return 4 << 10
	}
	return max(maxFrame, int64(n))
}

// add counts n bytes for the frame's stream.
func (f *frames) add(n int64) {
	f.total += n
	for i := len(f.sends) - 1; i >= 0; i-- {
		if f.sends[i].id == f.id {
			f.sends[i].n += n
			return
		}
	}
	f.sends = append(f.sends, debt{f.id, n})
}

// ended is at the end of each frame.
func (f *frames) ended() {
	if f.end {
		f.end = false
		f.whole += f.drop(f.id)
		f.wholes++
	}
}

// drop forgets a stream and returns what it had.
func (f *frames) drop(id uint32) int64 {
	for i, d := range f.sends {
		if d.id == id {
			f.sends[i] = f.sends[len(f.sends)-1]
			f.sends = f.sends[:len(f.sends)-1]
			f.total -= d.n
			return d.n
		}
	}
	return 0
}

// taken says that a message is decoded. It reports whether one had come whole.
func (f *frames) taken() bool {
	if f.wholes == 0 {
		return false
	}
	f.whole -= f.whole / f.wholes
	if f.wholes--; f.wholes == 0 {
		f.whole = 0
	}
	return true
}

// forget says that no call is open any more.
func (f *frames) forget() { f.sends, f.total, f.whole, f.wholes = f.sends[:0], 0, 0, 0 }
