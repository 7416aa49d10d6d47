package retrypolicy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// errHalted is what an exporter gets for an attempt that was cut short. It is
// retryable: the request stays in the queue and is sent after the next start.
var errHalted = errors.New("not sent: the collector is shutting down")

// halt ends attempts that hang when the collector has to stop. An exporter
// waits for each attempt until its own timeout, one batch after the other, and
// would outlast the patience of whoever sent SIGTERM.
type halt struct {
	grace  time.Duration
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
}

func newHalt(grace time.Duration) *halt {
	h := &halt{grace: grace}
	h.ctx, h.cancel = context.WithCancelCause(context.Background())
	return h
}

// soon lets attempts go on for the grace period.
func (h *halt) soon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer == nil {
		h.timer = time.AfterFunc(h.grace, h.now)
	}
}

func (h *halt) now() { h.cancel(errHalted) }

func (h *halt) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
	}
	h.now()
}

// bind returns a context that also ends with the halt. Its end must be called.
func (h *halt) bind(ctx context.Context) (bound context.Context, end func()) {
	bound, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.ctx, func() { cancel(errHalted) })
	return bound, func() {
		stop()
		cancel(nil)
	}
}

// roundTrip is next.RoundTrip, ended by the halt until the answer's body is closed.
func (h *halt) roundTrip(next http.RoundTripper, req *http.Request) (*http.Response, error) {
	ctx, end := h.bind(req.Context())
	resp, err := next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		if errors.Is(context.Cause(ctx), errHalted) {
			err = errHalted
		}
		end()
		return nil, err
	}
	resp.Body = &endingBody{resp.Body, end}
	return resp, nil
}

type endingBody struct {
	io.ReadCloser
	end func()
}

func (b *endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
