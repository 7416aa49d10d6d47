package httpbody

import (
	"errors"
	"io"
	"sync"
)

// Buffers are kept in classes, so that a short body does not hold a long one's memory.
var (
	classes = [...]int64{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 2 << 20, 4 << 20, 9 << 20}
	buffers [len(classes)]sync.Pool
	// Of the long ones few are kept: what lies in a pool is nobody's, and no limit counts it.
	long [len(classes)]chan []byte
)

// longFrom is the first class of which few are kept.
const longFrom = 1 << 20

func init() {
	for i, size := range classes {
		if size >= longFrom {
			long[i] = make(chan []byte, 1)
		}
	}
}

// sizeFor returns how long the buffer is that GetBuffer returns for n bytes.
func sizeFor(n int64) int64 {
	for _, size := range classes {
		if n <= size {
			return size
		}
	}
	return (n + step - 1) / step * step
}

// GetBuffer returns a buffer of at least n bytes.
func GetBuffer(n int64) []byte {
	for i, size := range classes {
		if n > size {
			continue
		}
		if size >= longFrom {
			select {
			case b := <-long[i]:
				return b
			default:
			}
		} else if b, ok := buffers[i].Get().(*[]byte); ok {
			return (*b)[:0]
		}
		break
	}
	return make([]byte, 0, sizeFor(n))
}

// FreeBuffer gives back what ReadAll or GetBuffer returned.
func FreeBuffer(b []byte) {
	for i, size := range classes {
		if int64(cap(b)) == size {
			if b = b[:0]; size < longFrom {
				buffers[i].Put(&b)
				return
			}
			select {
			case long[i] <- b:
			default:
			}
			return
		}
	}
}

// ReadAll returns the whole body, in a buffer for FreeBuffer.
func (r *Reader) ReadAll() ([]byte, error) {
	r.copies = 1
	// A length that is only claimed buys no more than a step.
	b := GetBuffer(min(max(r.length+1, classes[0]), step))
	for {
		if len(b) == cap(b) {
			next := int64(cap(b)) * 2
			if r.length >= next {
				next = min(r.length+1, next*4)
			}
			next = sizeFor(next)
			// The buffer, beside the copy its reader will make; given back with the rest.
			if err := r.take(next - int64(cap(b))); err != nil {
				FreeBuffer(b)
				return nil, r.fail(err)
			}
			longer := append(GetBuffer(next), b...)
			FreeBuffer(b)
			b = longer
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err != nil {
			FreeBuffer(b)
			return nil, err
		}
	}
}
