package datadogreceiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// intake bounds the requests that are read, decoded and in the pipeline.
//
// Bodies are read before a request takes a slot, so that one that trickles in keeps nobody out. What they hold together is bounded by
// memory: as much as if every slot had a body of the largest size, taken as the bytes arrive and not as they are declared.
type intake struct {
	maxBody int64
	maxWait time.Duration
	slots   chan struct{}
	memory  *semaphore.Weighted
	bodies  sync.Pool
}

const (
	// step is how much memory is taken at a time.
	step = 64 << 10
	// maxPooledBody is the largest buffer kept for the next request.
	maxPooledBody = 4 << 20
)

func newIntake(cfg *Config) *intake {
	return &intake{
		maxBody: cfg.MaxRequestBodySize, maxWait: cfg.MaxWait, slots: make(chan struct{}, cfg.MaxConcurrentRequests),
		memory: semaphore.NewWeighted(int64(cfg.MaxConcurrentRequests) * (cfg.MaxRequestBodySize + step)),
	}
}

// acquire waits for a slot, at most max_wait. release does nothing when there is none.
func (i *intake) acquire(ctx context.Context) (release func(), err error) {
	release = func() { <-i.slots }
	select {
	case i.slots <- struct{}{}:
		return release, nil
	default:
	}
	timer := time.NewTimer(i.maxWait)
	defer timer.Stop()
	select {
	case i.slots <- struct{}{}:
		return release, nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() {}, errBusy
}

type body struct {
	bytes.Buffer
	held int64 // of the memory
}

// read returns the whole body, decompressed, bounded by max_request_body_size.
func (i *intake) read(req *http.Request) (*body, error) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, "body_size", fmt.Sprintf("payload exceeds max_request_body_size %d", i.maxBody)}
	if req.ContentLength > i.maxBody {
		return nil, tooLarge
	}
	b, ok := i.bodies.Get().(*body)
	if !ok {
		b = new(body)
	}
	b.Reset()
	in := &metered{from: io.LimitReader(req.Body, i.maxBody+1), ctx: req.Context(), memory: i.memory, wait: i.maxWait}
	_, err := b.ReadFrom(in)
	b.held = in.held
	var maxBytes *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		err = errBusy
	case errors.As(err, &maxBytes) || (err == nil && int64(b.Len()) > i.maxBody):
		err = tooLarge
	case err != nil:
		err = &refusal{http.StatusBadRequest, "read", "read payload: " + err.Error()}
	}
	if err != nil {
		i.free(b)
		return nil, err
	}
	return b, nil
}

func (i *intake) free(b *body) {
	i.memory.Release(b.held)
	b.held = 0
	if b.Cap() <= maxPooledBody {
		i.bodies.Put(b)
	}
}

// metered takes memory for what it reads. Read returns errBusy if none becomes available within wait.
type metered struct {
	from       io.Reader
	ctx        context.Context
	memory     *semaphore.Weighted
	wait       time.Duration
	held, read int64
}

func (m *metered) Read(p []byte) (int, error) {
	if m.read == m.held {
		if !m.memory.TryAcquire(step) {
			ctx, cancel := context.WithTimeout(m.ctx, m.wait)
			defer cancel()
			if m.memory.Acquire(ctx, step) != nil {
				return 0, errBusy
			}
		}
		m.held += step
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.held-m.read)])
	m.read += int64(n)
	return n, err
}
