package httpbody

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/inflate"
)

// Limits bound one body.
type Limits struct {
	// MaxBytes is its length, decompressed.
	MaxBytes int64
	// MaxRatio is how many times longer it may be decompressed; 0: no bound.
	MaxRatio int64
	// MinBytesPerSecond is the pace it must keep on the wire after Grace.
	MinBytesPerSecond int64
	// Grace is the time before the pace counts, and the longest silence.
	Grace time.Duration
	// Raw leaves the body as it came: who reads it decompresses.
	Raw bool
}

// The defaults of the pace.
const (
	DefaultMinBytesPerSecond = 64 << 10
	DefaultGrace             = 5 * time.Second
)

const (
	step = 64 << 10 // what is taken from the pool at a time
	// deadlineEvery is how often the connection's deadline is moved: each move costs, and a body is many reads.
	deadlineEvery = 100 * time.Millisecond
	// ratioFrom is the length from which MaxRatio counts: short ones say nothing.
	ratioFrom = 64 << 10
)

// Reader is a request's body. Its errors are a *admission.Refusal, or the connection's.
type Reader struct {
	hold    admission.Hold
	ctx     context.Context
	control *http.ResponseController
	raw     io.ReadCloser
	body    io.ReadCloser // raw, or what inflates it
	limits  Limits
	length  int64 // Content-Length
	arrived int64 // on the wire
	read    int64 // decompressed
	taken   int64 // from the pool, for the bytes read
	// copies is how often what is read is held by who reads it: twice in a buffer that grows. ReadAll pays for its own.
	copies  int64
	moved   time.Time
	err     error
	wireErr error // what ended the connection's side

	mu      sync.Mutex // evict is somebody else's call
	closed  bool
	evicted atomic.Bool
}

// Open returns the body of req, for a handler that will Close it. A body that is too long by its own word, or in an unknown
// encoding, is refused unread. w is what the handler was given.
func Open(w http.ResponseWriter, req *http.Request, pools *admission.Pools, l Limits) (*Reader, error) {
	if r, ok := req.Body.(*Reader); ok {
		r.limits.MaxBytes = min(r.limits.MaxBytes, l.MaxBytes)
		return r, r.tooLong()
	}
	if l.MinBytesPerSecond == 0 {
		l.MinBytesPerSecond = DefaultMinBytesPerSecond
	}
	if l.Grace == 0 {
		l.Grace = DefaultGrace
	}
	r := &Reader{ctx: req.Context(), control: http.NewResponseController(w), raw: req.Body, limits: l, length: req.ContentLength, copies: 2}
	if r.raw == nil {
		r.raw = http.NoBody
	}
	r.body = wire{r}
	r.hold.Open(pools.Reception)
	r.hold.EvictWith(r.evict)
	if err := r.tooLong(); err != nil {
		return r, err
	}
	switch encoding := req.Header.Get("Content-Encoding"); {
	case encoding == "", encoding == "identity", l.Raw:
	default:
		body, err := inflate.New(encoding, wire{r}, inflate.Options{MaxBytes: l.MaxBytes, Take: r.take})
		if err != nil {
			r.err = admission.Refuse(admission.ReasonEncoding, "%s", err.Error())
			return r, r.err
		}
		r.body = body
		req.Header.Del("Content-Encoding")
		req.Header.Del("Content-Length")
		req.ContentLength = -1
		r.length = -1
	}
	req.Body = r
	return r, nil
}

func (r *Reader) tooLong() error {
	if r.length > r.limits.MaxBytes && r.err == nil {
		r.err = refuseSize(r.limits.MaxBytes)
	}
	return r.err
}

func refuseSize(most int64) error {
	return admission.Refuse(admission.ReasonSize, "is longer than %d bytes decompressed, the most a body may be", most)
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	p = p[:min(int64(len(p)), step)]
	if need := r.copies*(r.read+int64(len(p))) - r.taken; need > 0 {
		need = (need + step - 1) / step * step
		if err := r.take(need); err != nil {
			return 0, r.fail(err)
		}
		r.taken += need
	}
	n, err := r.body.Read(p)
	r.read += int64(n)
	switch {
	case r.read > r.limits.MaxBytes:
		return 0, r.fail(refuseSize(r.limits.MaxBytes))
	case r.limits.MaxRatio > 0 && r.read > ratioFrom && r.read > r.arrived*r.limits.MaxRatio:
		return 0, r.fail(admission.Refuse(admission.ReasonRatio, "is over %d times longer decompressed, more than max_ratio allows", r.limits.MaxRatio))
	case errors.Is(err, io.EOF):
		// The connection is watched for the client's going away now, without a deadline.
		r.clearDeadline()
		r.hold.EvictWith(nil)
		r.err = err
	case err != nil:
		return n, r.fail(err)
	}
	return n, err
}

// take takes n bytes more from the pool.
func (r *Reader) take(n int64) error { return r.hold.Grow(r.ctx, n) }

// fail ends the body with what err is to a sender, gives back what it held and returns it.
func (r *Reader) fail(err error) error {
	if r.wireErr != nil && admission.AsRefusal(err) == nil {
		err = r.wireErr // a decoder may have made something else of it
	}
	var maxBytes *http.MaxBytesError
	switch {
	case r.evicted.Load():
		err = admission.RefuseForNow(admission.ReasonPace, "arrived slowly while others waited for memory: send again later")
	case admission.AsRefusal(err) != nil:
		if refusal := admission.AsRefusal(err); refusal.Reason == admission.ReasonPrice {
			err = refuseSize(r.hold.Bytes()) // the whole pool is less than this body
		}
	case errors.As(err, &maxBytes):
		err = refuseSize(maxBytes.Limit)
	case errors.Is(err, inflate.ErrTooLarge):
		err = refuseSize(r.limits.MaxBytes)
	case errors.Is(err, errSlow):
		err = admission.RefuseForNow(admission.ReasonPace, "arrives slower than %d bytes per second: send again", r.limits.MinBytesPerSecond)
	case errors.Is(err, errGone):
	case errors.Is(err, context.Canceled):
	default:
		err = admission.Refuse(admission.ReasonMalformed, "cannot be decompressed: %s", err)
	}
	r.err = err
	r.hold.Release()
	return err
}

// Bytes returns how many bytes have been read, decompressed.
func (r *Reader) Bytes() int64 { return r.read }

// Arrived returns how many bytes have been read from the wire.
func (r *Reader) Arrived() int64 { return r.arrived }

// Hold is what the body has taken from the reception pool. Who keeps the bytes elsewhere may shrink or release it before Close.
func (r *Reader) Hold() *admission.Hold { return &r.hold }

// Close gives back what the body held. The connection can be used again.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.hold.EvictWith(nil)
	r.hold.Release()
	if _, plain := r.body.(wire); !plain {
		_ = r.body.Close()
	}
	if errors.Is(r.err, io.EOF) {
		return r.raw.Close()
	}
	// net/http reads on to use the connection again: not for longer than this, and not at all for a body that was refused.
	r.moved = time.Now()
	if r.err == nil {
		r.err = http.ErrBodyReadAfterClose
		_ = r.control.SetReadDeadline(r.moved.Add(drainFor))
	} else {
		_ = r.control.SetReadDeadline(r.moved)
	}
	err := r.raw.Close()
	r.clearDeadline()
	return err
}

func (r *Reader) clearDeadline() {
	if !r.moved.IsZero() {
		_ = r.control.SetReadDeadline(time.Time{})
		r.moved = time.Time{}
	}
}

const (
	drainFor   = 2 * time.Second
	drainBytes = 64 << 20
)

// Drain reads what is left of a refused body, for a moment, and keeps none of it: a sender that is still writing reads no
// answer, and takes the broken connection for a passing fault. It reports whether the body ended.
func (r *Reader) Drain() bool {
	if r.evicted.Load() || errors.Is(r.err, errGone) {
		return false
	}
	_ = r.control.SetReadDeadline(time.Now().Add(drainFor))
	r.moved = time.Now()
	n, err := io.CopyN(io.Discard, struct{ io.Reader }{r.raw}, drainBytes)
	r.arrived += n
	return errors.Is(err, io.EOF)
}

// evict is called by whoever waits for the pool: the read that waits for the peer ends.
func (r *Reader) evict() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return // the connection may have another request by now
	}
	r.evicted.Store(true)
	_ = r.control.SetReadDeadline(time.Now())
	r.hold.Release()
}

var (
	errSlow = errors.New("too slow")
	errGone = errors.New("the connection broke")
)

// wire is the body as it arrives: at a pace.
type wire struct{ r *Reader }

// Read implements io.Reader.
func (w wire) Read(p []byte) (int, error) {
	n, err := w.r.readWire(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.r.wireErr = err
	}
	return n, err
}

func (r *Reader) readWire(p []byte) (int, error) {
	if r.evicted.Load() {
		return 0, errSlow
	}
	if now := time.Now(); now.Sub(r.moved) > deadlineEvery {
		// The time the peer has had is what it was waited for: not what decompressing or waiting for memory took.
		left := r.limits.Grace + time.Duration(float64(r.arrived)/float64(r.limits.MinBytesPerSecond)*float64(time.Second)) - r.hold.PeerWaited()
		if left <= 0 {
			return 0, errSlow
		}
		_ = r.control.SetReadDeadline(now.Add(min(left, r.limits.Grace)))
		r.moved = now
		if r.evicted.Load() { // its deadline was just moved away
			return 0, errSlow
		}
	}
	r.hold.PeerWait()
	n, err := r.raw.Read(p)
	r.hold.PeerDone()
	r.arrived += int64(n)
	var timeout net.Error
	var maxBytes *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.As(err, &maxBytes):
		return n, err
	case errors.As(err, &timeout) && timeout.Timeout():
		return n, errSlow
	}
	return n, errors.Join(errGone, err)
}

// Close implements io.Closer.
func (w wire) Close() error { return nil }
