package datadogreceiver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// Bodies are read before a request takes a slot, so that one that trickles in keeps nobody out. What they hold together is bounded by
// room: as much as if every slot had a body of the largest size, taken as the bytes arrive and not as they are declared.

// roomChunk is how much room is taken at a time.
const roomChunk = 64 << 10

// maxPooledBody is the largest buffer kept for the next request.
const maxPooledBody = 4 << 20

type body struct {
	bytes.Buffer
	held int64 // of the room
}

func newRoom(cfg *Config) *semaphore.Weighted {
	return semaphore.NewWeighted(int64(cfg.MaxConcurrentRequests) * (cfg.MaxRequestBodySize + roomChunk))
}

// read returns the whole body, decompressed, bounded by max_request_body_size.
func (r *datadogReceiver) read(req *http.Request) (*body, error) {
	tooLarge := &refusal{http.StatusRequestEntityTooLarge, "body_size", fmt.Sprintf("payload exceeds max_request_body_size %d", r.cfg.MaxRequestBodySize)}
	if req.ContentLength > r.cfg.MaxRequestBodySize {
		return nil, tooLarge
	}
	b, ok := r.bodies.Get().(*body)
	if !ok {
		b = new(body)
	}
	b.Reset()
	in := &metered{from: io.LimitReader(req.Body, r.cfg.MaxRequestBodySize+1), ctx: req.Context(), room: r.room, wait: r.cfg.MaxWait}
	_, err := b.ReadFrom(in)
	b.held = in.held
	var maxBytes *http.MaxBytesError
	switch {
	case errors.Is(err, errBusy):
		err = errBusy
	case errors.As(err, &maxBytes) || (err == nil && int64(b.Len()) > r.cfg.MaxRequestBodySize):
		err = tooLarge
	case err != nil:
		err = &refusal{http.StatusBadRequest, "read", "read payload: " + err.Error()}
	}
	if err != nil {
		r.free(b)
		return nil, err
	}
	return b, nil
}

func (r *datadogReceiver) free(b *body) {
	r.room.Release(b.held)
	b.held = 0
	if b.Cap() <= maxPooledBody {
		r.bodies.Put(b)
	}
}

// metered takes room for what it reads. Without any for as long as wait, it is errBusy.
type metered struct {
	from       io.Reader
	ctx        context.Context
	room       *semaphore.Weighted
	wait       time.Duration
	held, read int64
}

func (m *metered) Read(p []byte) (int, error) {
	if m.read == m.held {
		if !m.room.TryAcquire(roomChunk) {
			ctx, cancel := context.WithTimeout(m.ctx, m.wait)
			defer cancel()
			if m.room.Acquire(ctx, roomChunk) != nil {
				return 0, errBusy
			}
		}
		m.held += roomChunk
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.held-m.read)])
	m.read += int64(n)
	return n, err
}
