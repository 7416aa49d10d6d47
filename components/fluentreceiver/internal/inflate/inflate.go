// Package inflate reads compressed entries of the Fluent forward protocol: gzip of any number of members and zstd of any
// number of frames, through pooled decompressors with bounded windows.
package inflate

import (
	"bytes"
	"io"
	"runtime"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// MaxWindow is the largest window a zstd frame may ask for. Senders use up to 8 MiB.
const MaxWindow = 8 << 20

// Format is how entries are compressed.
type Format uint8

// The formats.
const (
	None Format = iota
	Gzip
	Zstd
)

// String is the name the protocol has for f.
func (f Format) String() string { return [...]string{"none", "gzip", "zstd"}[f] }

// Detect tells the format from the first bytes. An entry is an array, so entries that are not compressed begin with neither.
func Detect(b []byte) Format {
	switch {
	case bytes.HasPrefix(b, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	}
	return None
}

var (
	gzips sync.Pool
	zstds sync.Pool
	// zstdSlots bounds the windows there are at a time: one for each processor, as decompressing is work for a processor.
	zstdSlots = make(chan struct{}, runtime.GOMAXPROCS(0))
)

// Open returns a reader of what b holds decompressed; release gives it back. Of zstd, Open waits while as many are being read as there
// are processors.
func Open(f Format, b []byte) (r io.Reader, release func(), err error) {
	in := bytes.NewReader(b)
	switch f {
	case Gzip:
		z, pooled := gzips.Get().(*gzip.Reader)
		if pooled {
			err = z.Reset(in)
		} else {
			z, err = gzip.NewReader(in)
		}
		if err != nil {
			return nil, nil, err
		}
		return z, func() { gzips.Put(z) }, nil
	case Zstd:
		zstdSlots <- struct{}{}
		z, pooled := zstds.Get().(*zstd.Decoder)
		if pooled {
			err = z.Reset(in)
		} else {
			z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(MaxWindow))
		}
		if err != nil {
			<-zstdSlots
			return nil, nil, err
		}
		return z, func() {
			defer func() { <-zstdSlots }()
			// What a decoder keeps of its input must not outlive the message.
			if z.Reset(nil) == nil {
				zstds.Put(z)
			}
		}, nil
	}
	return in, func() {}, nil
}
