package inflate

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// ErrTooLarge is what a reader ends with when a block alone is larger than Options.MaxBytes.
var ErrTooLarge = errors.New("is larger decompressed than a body may be")

// What the decoders need, beside what they give out. zstd's window comes on top.
const (
	flateBytes = 48 << 10
	zstdBytes  = 512 << 10
	framed     = 192 << 10 // snappy's blocks are 64 KiB
	lz4Bytes   = 9 << 20   // blocks of up to 4 MiB, compressed and not
)

// MaxWindow is the largest zstd window that is decoded: RFC 8878 asks every decoder for 8 MiB.
const MaxWindow = 8 << 20

// Options bound a decoder.
type Options struct {
	// MaxBytes is how long a block may be that must be decoded as a whole.
	MaxBytes int64
	// Take is told what memory a decoder needs before it takes it. Its error ends the reader.
	Take func(n int64) error
}

// Known reports whether New knows the encoding.
func Known(encoding string) bool { return slices.Contains(Encodings(), strings.ToLower(encoding)) }

// Encodings are the names New knows, "" and "identity" aside.
func Encodings() []string {
	return []string{"gzip", "x-gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4"}
}

// New returns a reader of what src is, compressed as encoding. It reads nothing before its first Read. Close gives the
// decoder back and does not close src.
func New(encoding string, src io.Reader, o Options) (io.ReadCloser, error) {
	r := &reader{src: src, options: o}
	switch strings.ToLower(encoding) {
	case "gzip", "x-gzip":
		r.open = openGzip
	case "deflate", "zlib":
		r.open = openDeflate
	case "zstd":
		r.open = openZstd
	case "snappy":
		r.open = openSnappy
	case "x-snappy-framed":
		r.open = openFramed
	case "lz4":
		r.open = openLZ4
	default:
		return nil, fmt.Errorf("content encoding %q is none of %s", encoding, strings.Join(Encodings(), ", "))
	}
	return r, nil
}

type reader struct {
	src     io.Reader
	options Options
	open    func(*reader) (io.Reader, func(), error)
	in      io.Reader
	done    func()
	err     error
}

// Read implements io.Reader. It never gives bytes and io.EOF together.
func (r *reader) Read(p []byte) (n int, err error) {
	if r.err != nil {
		return 0, r.err
	}
	defer func() {
		// Decoders panic on some damage, as every parser of somebody else's may.
		if v := recover(); v != nil {
			n, r.err, r.done = 0, fmt.Errorf("decompress: %v", v), nil
			err = r.err
		}
	}()
	if r.in == nil {
		if r.in, r.done, r.err = r.open(r); r.err != nil {
			if errors.Is(r.err, io.EOF) {
				r.err = io.ErrUnexpectedEOF
			}
			return 0, r.err
		}
	}
	n, r.err = r.in.Read(p)
	if n > 0 {
		return n, nil
	}
	return 0, r.err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.done != nil {
		r.done()
		r.done = nil
	}
	if r.err == nil {
		r.err = errors.New("read after close")
	}
	return nil
}

var (
	gzips, zlibs, flates, buffers sync.Pool
	// A pool for each size of window: a decoder refuses frames with a larger one than it was made for, the second frame of
	// a stream included.
	windows = [...]int64{1 << 20, MaxWindow}
	zstds   [len(windows)]sync.Pool
)

func (r *reader) buffered() (*bufio.Reader, func()) {
	b, ok := buffers.Get().(*bufio.Reader)
	if !ok {
		b = bufio.NewReaderSize(nil, 4<<10)
	}
	b.Reset(r.src)
	return b, func() { b.Reset(nil); buffers.Put(b) }
}

func openGzip(r *reader) (io.Reader, func(), error) {
	if err := r.options.Take(flateBytes); err != nil {
		return nil, nil, err
	}
	src, done := r.buffered()
	z, ok := gzips.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	back := func() { gzips.Put(z); done() }
	if err := z.Reset(src); err != nil {
		back()
		return nil, nil, err
	}
	return z, back, nil
}

// openDeflate reads a zlib stream, which is what HTTP calls deflate, or a bare deflate stream, which is what some clients send.
func openDeflate(r *reader) (io.Reader, func(), error) {
	if err := r.options.Take(flateBytes); err != nil {
		return nil, nil, err
	}
	src, done := r.buffered()
	head, err := src.Peek(2)
	if err != nil {
		done()
		return nil, nil, err
	}
	if head[0]&0x0f != 8 || binary.BigEndian.Uint16(head)%31 != 0 {
		f, ok := flates.Get().(io.ReadCloser)
		if !ok {
			f = flate.NewReader(src)
		} else if err := f.(flate.Resetter).Reset(src, nil); err != nil {
			done()
			return nil, nil, err
		}
		return f, func() { flates.Put(f); done() }, nil
	}
	z, ok := zlibs.Get().(io.ReadCloser)
	if !ok {
		z, err = zlib.NewReader(src)
	} else {
		err = z.(zlib.Resetter).Reset(src, nil)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return z, func() { zlibs.Put(z); done() }, nil
}

func openZstd(r *reader) (io.Reader, func(), error) {
	src, done := r.buffered()
	head, err := src.Peek(zstd.HeaderMaxSize)
	if err != nil && !errors.Is(err, io.EOF) {
		done()
		return nil, nil, err
	}
	var header zstd.Header
	if err := header.Decode(head); err != nil {
		done()
		return nil, nil, err
	}
	class := 0
	if need := max(header.WindowSize, header.FrameContentSize*b2u(header.SingleSegment)); need > uint64(windows[0]) {
		class = 1
	}
	if err := r.options.Take(windows[class] + zstdBytes); err != nil {
		done()
		return nil, nil, err
	}
	pool := &zstds[class]
	z, ok := pool.Get().(*zstd.Decoder)
	if ok {
		err = z.Reset(src)
	} else {
		z, err = zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(windows[class])))
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return z, func() {
		if z.Reset(nil) == nil {
			pool.Put(z)
		}
		done()
	}, nil
}

func b2u(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func openFramed(r *reader) (io.Reader, func(), error) {
	if err := r.options.Take(framed); err != nil {
		return nil, nil, err
	}
	return snappy.NewReader(r.src), nil, nil
}

func openLZ4(r *reader) (io.Reader, func(), error) {
	if err := r.options.Take(lz4Bytes); err != nil {
		return nil, nil, err
	}
	return lz4.NewReader(r.src), nil, nil
}

var snappyFraming = []byte("\xff\x06\x00\x00sNaPpY")

// openSnappy reads a block, or what some collectors sent under this name: frames.
func openSnappy(r *reader) (io.Reader, func(), error) {
	src, done := r.buffered()
	head, err := src.Peek(len(snappyFraming))
	if err != nil && !errors.Is(err, io.EOF) {
		done()
		return nil, nil, err
	}
	if bytes.Equal(head, snappyFraming) {
		if err := r.options.Take(framed); err != nil {
			done()
			return nil, nil, err
		}
		return snappy.NewReader(src), done, nil
	}
	defer done()
	n, err := snappy.DecodedLen(head)
	if err != nil {
		return nil, nil, err
	}
	if int64(n) > r.options.MaxBytes {
		return nil, nil, ErrTooLarge
	}
	var block bytes.Buffer
	most := int64(snappy.MaxEncodedLen(n))
	for taken := int64(0); ; {
		// A step is paid for before it is read, and once more for what the buffer holds while it grows.
		step := max(64<<10, taken)
		if err := r.options.Take(2 * step); err != nil {
			return nil, nil, err
		}
		read, err := io.CopyN(&block, src, step)
		if taken += read; errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if taken > most {
			return nil, nil, snappy.ErrCorrupt
		}
	}
	if err := r.options.Take(int64(n)); err != nil {
		return nil, nil, err
	}
	out, err := snappy.Decode(nil, block.Bytes())
	if err != nil {
		return nil, nil, err
	}
	return bytes.NewReader(out), nil, nil
}
