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
	// maxPooledBytes is the largest that is used again.
	maxPooledBytes = 64 << 10
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

var buffers = sync.Pool{New: func() any { return &buffer{bytes: make([]byte, 0, firstBytes)} }}

func newBuffer(pools *admission.Pools) *buffer {
	b := buffers.Get().(*buffer)
	b.hold = new(admission.Hold)
	b.hold.Open(pools.Reception)
	if size := cap(b.bytes); size > firstBytes && b.hold.TryGrow(int64(size)) != nil {
		b.bytes = make([]byte, 0, firstBytes)
	}
	return b
}

func (b *buffer) release() {
	b.hold.Release()
	b.hold = nil
	b.bytes, b.taken, b.scanned = b.bytes[:0], 0, 0
	b.reset()
	if cap(b.bytes) <= maxPooledBytes {
		buffers.Put(b)
	}
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
	bytes := make([]byte, len(b.bytes), size)
	copy(bytes, b.bytes)
	b.bytes = bytes
	b.hold.Shrink(paid)
	b.hold.EvictWith(stop)
	return nil
}
