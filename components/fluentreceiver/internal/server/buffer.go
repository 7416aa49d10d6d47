package server

import (
	"context"
	"sync"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/jsonmode"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

const (
	// firstBytes is the size of a buffer before it grows. It is a part of the price of a connection.
	firstBytes = 4 << 10
	// pooledSizes is how many sizes, each twice the one before, are used again: up to 4 MiB.
	pooledSizes = 11
)

// buffer holds what has arrived of messages.
type buffer struct {
	bytes    []byte
	taken    int // bytes of whole messages
	scanned  int
	scan     msgpack.Scanner
	jsonScan jsonmode.Scanner
	began    time.Time
	hold     *admission.Hold
}

// buffers are what is used again: those of size i have firstBytes << i. A connection begins with the smallest and grows from one to the
// next as bytes arrive, so that it never has one that is much too large.
var buffers [pooledSizes]sync.Pool

// sizeOf is the index of the smallest pooled size of at least n bytes, pooledSizes if there is none.
func sizeOf(n int64) int {
	for i := range pooledSizes {
		if firstBytes<<i >= n {
			return i
		}
	}
	return pooledSizes
}

// take returns an empty slice of n bytes' capacity.
func take(n int64) []byte {
	if i := sizeOf(n); i < pooledSizes && firstBytes<<i == n {
		if p, ok := buffers[i].Get().(*[]byte); ok {
			return *p
		}
	}
	return make([]byte, 0, n)
}

// give lets a slice be used again.
func give(b []byte) {
	if i := sizeOf(int64(cap(b))); i < pooledSizes && firstBytes<<i == cap(b) {
		b = b[:0]
		buffers[i].Put(&b)
	}
}

func newBuffer(pools *admission.Pools) *buffer {
	b := &buffer{bytes: take(firstBytes), hold: new(admission.Hold)}
	b.hold.Open(pools.Reception)
	return b
}

func (b *buffer) release() {
	b.hold.Release()
	give(b.bytes)
}

func (b *buffer) reset() {
	b.scan.Reset()
	b.jsonScan.Reset()
}

func (b *buffer) unscanned() []byte { return b.bytes[b.scanned:] }

// pending is how many bytes are declared and have not arrived.
func (b *buffer) pending() int64 { return int64(b.scan.Pending()) }

// drop forgets the first n bytes.
func (b *buffer) drop(n int) {
	rest := copy(b.bytes, b.bytes[n:])
	b.bytes = b.bytes[:rest]
	b.taken, b.scanned = 0, b.scanned-n
}

// grow doubles the buffer, to limit at most, when the memory for it is free. stop ends the connection if others wait for what it holds.
func (b *buffer) grow(ctx context.Context, limit int64, stop func()) error {
	old := int64(cap(b.bytes))
	size := max(min(2*old, limit), old+1)
	// The old one is a part of the connection's price while it is the first.
	paid := old
	if old == firstBytes {
		paid = 0
	}
	if err := b.hold.Grow(ctx, size); err != nil {
		return err
	}
	bytes := append(take(size), b.bytes...)
	give(b.bytes)
	b.bytes = bytes
	b.hold.Shrink(paid)
	b.hold.EvictWith(stop)
	return nil
}
