package grpcguard

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
	"github.com/otelcol-obs/otelcol-obs/internal/inflate"
)

// Register replaces gRPC's compressors, which are the process's, by name; clients use them for answers too. They do what they
// did before until a server is guarded. It must be called before anything speaks gRPC and after every init, since whichever
// package registers last has the name.
func Register() {
	for name, format := range map[string]string{"gzip": "gzip", "zstd": "zstd", "snappy": "x-snappy-framed"} {
		c := encoding.GetCompressor(name)
		if _, ours := c.(*compressor); c != nil && !ours {
			encoding.RegisterCompressor(&compressor{Compressor: c, format: format})
		}
	}
}

// Registered reports whether the compressors are still those of Register.
func Registered() bool {
	for _, name := range []string{"gzip", "zstd", "snappy"} {
		if _, ours := encoding.GetCompressor(name).(*compressor); !ours {
			return false
		}
	}
	return true
}

type compressor struct {
	encoding.Compressor
	format string
}

// Decompress implements encoding.Compressor.
func (c *compressor) Decompress(r io.Reader) (io.Reader, error) {
	use := inflating.used.Load()
	if use == nil {
		return c.Compressor.Decompress(r)
	}
	i := &inflater{use: use, m: &message{}}
	i.m.hold.Open(use.pools.Decoding)
	in, err := inflate.New(c.format, counted{r, &i.arrived}, inflate.Options{MaxBytes: use.body.MaxBytes, Take: i.take})
	if err != nil {
		return nil, err
	}
	i.in = in
	// Who waits in the middle holds what others wait for, so what a message usually becomes is waited for first, in order.
	if left, ok := r.(interface{ Remaining() int }); ok {
		i.paid = min(use.body.MaxBytes, usualRatio*int64(left.Remaining()))
		if i.paid <= freeInflated {
			i.paid = 0
		}
		if i.paid > 0 {
			if err := i.m.takeTurn(use.pools.Limits().MaxWait); err != nil {
				i.m.refusal = refusalOf(err)
			} else if err := i.m.hold.Grow(context.Background(), i.paid); err != nil {
				i.m.refusal = refusalOf(err)
			}
		}
	}
	return i, nil
}

// usualRatio is how many times longer usual messages are decompressed, with much to spare.
const usualRatio = 64

type counted struct {
	io.Reader
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}

// freeInflated is what a message may inflate to without paying here: it is in its stream's price. A client's answers are
// shorter, so nothing is left behind for them.
const freeInflated = 8 << 10

// inflater pays as it inflates. When it may not go on, it ends as if the message did, and leaves why with what is paid:
// the codec looks for it by the first buffer that was read into.
type inflater struct {
	in      io.ReadCloser
	use     *use
	m       *message
	first   *byte
	arrived int64
	n       int64
	paid    int64 // for n
	taken   int64 // by the decoder
	ended   bool
}

func (i *inflater) take(n int64) error {
	i.taken += n
	return i.m.hold.Grow(context.Background(), n)
}

// Read implements io.Reader. It gives bytes or an end, never both, so that a caller that stops at a length sees no end.
func (i *inflater) Read(p []byte) (int, error) {
	if i.first == nil {
		i.first = unsafe.SliceData(p)
	}
	if i.m.refusal != nil {
		if i.n == 0 {
			i.n = 1
			return 1, nil // there must be a buffer for the codec to know it by
		}
		i.ended = true
		return 0, io.EOF
	}
	n, err := i.in.Read(p)
	i.n += int64(n)
	if errors.Is(err, io.EOF) {
		i.ended = true
		return 0, io.EOF
	}
	switch body := i.use.body; {
	case err != nil:
		if i.m.refusal = admission.AsRefusal(err); i.m.refusal == nil {
			i.m.refusal = admission.Refuse(admission.ReasonMalformed, "cannot be decompressed: %s", err)
		}
	case i.n > body.MaxBytes:
		i.m.refusal = admission.Refuse(admission.ReasonSize, "is longer than %d bytes decompressed, the most a message may be", body.MaxBytes)
	case body.MaxRatio > 0 && i.n > 64<<10 && i.n > i.arrived*body.MaxRatio:
		i.m.refusal = admission.Refuse(admission.ReasonRatio, "is over %d times longer decompressed, more than max_ratio allows", body.MaxRatio)
	default:
		if need := i.n - freeInflated - i.paid; need > 0 {
			need = (need + 64<<10 - 1) &^ (64<<10 - 1)
			i.paid += need
			if err := i.m.hold.Grow(context.Background(), need); err != nil {
				i.m.refusal = refusalOf(err)
			}
		}
	}
	if i.m.refusal != nil {
		// What was inflated is held until the call has an answer, so it stays paid for.
		return 1, nil // there must be a buffer for the codec to know it by
	}
	return n, nil
}

// Close implements io.Closer. grpc-go calls it before the codec.
func (i *inflater) Close() error {
	_ = i.in.Close()
	i.m.hold.Shrink(i.taken) // the decoder is not used any more
	if spare := i.paid - i.n; spare > 0 {
		i.m.hold.Shrink(spare)
		i.paid -= spare
	}
	i.m.inflated = i.paid
	if i.ended && (i.paid > 0 || i.m.refusal != nil) {
		inflating.put(i.first, i.m)
		return nil
	}
	i.m.endTurn()
	i.m.hold.Release()
	return nil
}

// turns are for inflating and decoding a message, which is work for a processor: more at a time than there are would only hold
// memory. A thousand bombs at once would each inflate a part, and the collector of garbage could not keep up.
var turns = make(chan struct{}, max(4, 2*runtime.GOMAXPROCS(0)))

// takeTurn waits for one.
func (m *message) takeTurn(wait time.Duration) error {
	if m.turn {
		return nil
	}
	select {
	case turns <- struct{}{}:
		m.turn = true
		return nil
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case turns <- struct{}{}:
		m.turn = true
		return nil
	case <-timer.C:
		return admission.RefuseForNow(admission.ReasonBusy, "waited too long for its turn to be decompressed: send again later")
	}
}

// endTurn gives it back, once.
func (m *message) endTurn() {
	if m.turn {
		m.turn = false
		<-turns
	}
}

// use is what the last guarded server pays with.
type use struct {
	pools *admission.Pools
	body  httpbody.Limits
}

// inflating are the inflated messages on their way to the codec, by their first byte's address.
var inflating inflated

type inflated struct {
	used  atomic.Pointer[use]
	m     sync.Map // *byte -> *waitingMessage
	swept atomic.Int64
	// orphaned counts bytes whose message no codec took.
	orphaned atomic.Int64
}

type waitingMessage struct {
	*message
	since time.Time
}

const orphanAfter = time.Minute

func (f *inflated) use(pools *admission.Pools, body httpbody.Limits) { f.used.Store(&use{pools, body}) }

func (f *inflated) put(first *byte, m *message) {
	now := time.Now()
	f.m.Store(first, &waitingMessage{m, now})
	if last := f.swept.Load(); now.UnixNano()-last > int64(orphanAfter) && f.swept.CompareAndSwap(last, now.UnixNano()) {
		f.sweep(now)
	}
}

// sweep gives back what no codec took. With this version of grpc-go that is a client's answer of over 8 KiB; with another one
// it is what keeps a change from costing the pool.
func (f *inflated) sweep(now time.Time) {
	f.m.Range(func(first, v any) bool {
		if w := v.(*waitingMessage); now.Sub(w.since) > orphanAfter && f.m.CompareAndDelete(first, v) {
			f.orphaned.Add(w.hold.Bytes())
			w.endTurn()
			w.release()
		}
		return true
	})
}

func (f *inflated) take(data mem.BufferSlice) *message {
	if len(data) == 0 || data[0].Len() == 0 {
		return nil
	}
	w, ok := f.m.LoadAndDelete(unsafe.SliceData(data[0].ReadOnlyData()))
	if !ok {
		return nil
	}
	return w.(*waitingMessage).message
}

// Orphaned returns how many inflated bytes no codec ever took.
func Orphaned() int64 { return inflating.orphaned.Load() }
