package datadogreceiver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

// intake bounds the requests that are read, decoded and in the pipeline: their memory by the process's pools, and how many
// are decoded at a time by slots. Bodies are read before a request takes a slot, so that one that trickles in keeps nobody out.
type intake struct {
	pools   *admission.Pools
	maxBody int64
	maxWait time.Duration
	slots   chan struct{}
	// maxSpans bounds the spans of one request.
	maxSpans int
}

func newIntake(cfg *Config, pools *admission.Pools) *intake {
	i := &intake{pools: pools, maxBody: cfg.MaxRequestBodySize, maxWait: cfg.MaxWait}
	i.size(cfg)
	return i
}

const (
	// What bounds a request where the configuration says 0.
	mostSpans    = 100_000
	spanBytes    = 1400 // what a span of two fields is decoded to, and what is made of it on its way
	leastAtOnce  = 16
	requestBytes = 8 << 20 // what a large request is decoded to
)

// size takes over how many requests and spans are configured, or what the pools have memory for. The pools have their size once the
// extensions have started.
func (i *intake) size(cfg *Config) {
	atOnce, spans := cfg.MaxConcurrentRequests, cfg.MaxSpansPerRequest
	if atOnce == 0 {
		atOnce = int(max(leastAtOnce, i.pools.Decoding.Usage().Limit/requestBytes))
	}
	if spans == 0 {
		spans = int(min(mostSpans, i.pools.Decoding.Largest()/spanBytes))
	}
	i.slots, i.maxSpans = make(chan struct{}, atOnce), spans
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

// read returns the whole body, decompressed, bounded by max_request_body_size, and what frees it.
func (i *intake) read(w http.ResponseWriter, req *http.Request) (payload []byte, free func(), err error) {
	body, err := httpbody.Open(w, req, i.pools, httpbody.Limits{MaxBytes: i.maxBody})
	if err == nil {
		payload, err = body.ReadAll()
	}
	if err != nil {
		if admission.AsRefusal(err) != nil {
			body.Drain()
		}
		_ = body.Close()
		return nil, nil, i.refusal(err)
	}
	return payload, func() {
		httpbody.FreeBuffer(payload)
		_ = body.Close()
	}, nil
}

// refusal is what a tracer is answered, of what reading or decoding its payload failed with.
func (i *intake) refusal(err error) error {
	r := admission.AsRefusal(err)
	switch {
	case r == nil:
		return &refusal{http.StatusBadRequest, "read", "read payload: " + err.Error(), nil}
	case r.Reason == admission.ReasonBusy:
		return &refusal{http.StatusTooManyRequests, errBusy.reason, errBusy.message, r}
	case r.Reason == admission.ReasonSize:
		return &refusal{http.StatusRequestEntityTooLarge, "body_size", fmt.Sprintf("payload exceeds max_request_body_size %d, or the memory of this process: it %s", i.maxBody, r.Message), r}
	case r.Reason == admission.ReasonPrice:
		return &refusal{http.StatusRequestEntityTooLarge, "price", "payload " + r.Message, r}
	case r.Reason == admission.ReasonMalformed, r.Reason == admission.ReasonEncoding:
		return &refusal{http.StatusBadRequest, "decompress", "payload " + r.Message, r}
	case r.Retry > 0:
		return &refusal{http.StatusTooManyRequests, string(r.Reason), "payload " + r.Message, r}
	}
	return &refusal{http.StatusRequestEntityTooLarge, string(r.Reason), "payload " + r.Message, r}
}

// charge is what decoding one payload takes of the decoding pool.
type charge struct {
	hold     *admission.Hold
	reserved int64 // and not used yet
	ctx      context.Context
}

// expansion is how many times larger usual payloads are decoded. So much is waited for in order of arrival before decoding
// begins, since who waits in the middle of it holds memory that others wait for.
const expansion = 6

// reserve waits for what a payload of n bytes usually takes.
func (i *intake) reserve(ctx context.Context, n int) (*charge, error) {
	c := &charge{ctx: ctx, reserved: min(expansion*int64(n), i.pools.Decoding.Largest()/4)}
	var err error
	if c.hold, err = i.pools.Decoding.Reserve(ctx, c.reserved); err != nil {
		return nil, i.refusal(err)
	}
	return c, nil
}

// grow takes n bytes more while the decoder builds.
func (c *charge) grow(n int) error {
	need := int64(n) - c.reserved
	if need <= 0 {
		c.reserved -= int64(n)
		return nil
	}
	c.reserved = 0
	return c.hold.Grow(c.ctx, need)
}

// decoded gives back what was not needed.
func (c *charge) decoded() {
	c.hold.Shrink(c.reserved)
	c.reserved = 0
}
