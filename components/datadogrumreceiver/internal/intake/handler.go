package intake

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/agent"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

// Verdict is what became of the events of a body.
type Verdict struct {
	Retry     bool // the sender shall come again: a pipeline or a table is full for now
	Forbidden bool // nothing in the body was allowed
	Reason    string
}

// Converter takes in the events of one body, once.
type Converter func(ctx context.Context, body string, from *event.Origin) Verdict

// Handler serves what SDKs send.
type Handler struct {
	set     Settings
	router  *router
	gate    *gate
	pass    *passthrough
	privacy *event.Privacy
	agents  *agent.Reader
	count   *counters
	convert Converter
	now     func() time.Time

	bodies *ttlset.Claims[digest.Key] // converted, and handed on
	owners atomic.Uint64
}

// claimLife is how long a request may take. A claim that is older was left by one that never ended.
const claimLife = 5 * time.Minute

// New returns a handler that gives bodies of RUM events to convert. id is the receiver's, for metrics.
func New(set Settings, privacy *event.Privacy, convert Converter, now func() time.Time, tel *metadata.TelemetryBuilder, id attribute.KeyValue) (*Handler, error) {
	count := &counters{tel, id}
	g, gateErr := newGate(&set)
	pass, passErr := newPassthrough(set.Passthrough, count)
	if err := errors.Join(gateErr, passErr); err != nil {
		return nil, err
	}
	h := &Handler{
		set: set, router: newRouter(set.Paths), gate: g, pass: pass, privacy: privacy, agents: agent.NewReader(), count: count, convert: convert, now: now,
		bodies: ttlset.NewClaims[digest.Key](set.MaxBodies, set.RememberBodies, claimLife),
	}
	return h, nil
}

// Start runs what hands requests on in the background.
func (h *Handler) Start() { h.pass.start() }

// Shutdown drains the queue to Datadog until ctx is over.
func (h *Handler) Shutdown(ctx context.Context) error { return h.pass.shutdown(ctx) }

// Queued is the bytes that wait to be handed on to Datadog.
func (h *Handler) Queued() int64 { return h.pass.queued() }

// Bodies is the number of bodies remembered.
func (h *Handler) Bodies() int { return h.bodies.Len() }

// Evicted is the number of bodies that were forgotten because there were too many.
func (h *Handler) Evicted() int64 { return h.bodies.Evicted() }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c, err := h.router.route(req)
	a := h.answer(w, req, &c, err)
	h.count.answered(req.Context(), c.track, a)
	a.write(w)
}

func (h *Handler) answer(w http.ResponseWriter, req *http.Request, c *call, err error) answer {
	switch {
	case req.Method == http.MethodOptions:
		return answer{code: http.StatusNoContent} // a preflight without the origin it asks for stays refused by the browser
	case errors.Is(err, errNotFound):
		return answer{code: http.StatusNotFound, text: err.Error()}
	case err != nil:
		return answer{code: http.StatusForbidden, text: err.Error()}
	case c.track == quotaSubdomain:
		return h.quota(req, c)
	case req.Method != http.MethodPost:
		return answer{code: http.StatusMethodNotAllowed, text: "RUM data is sent with POST"}
	}
	return h.post(w, req, c)
}

// visitor is who sent a request.
type visitor struct {
	ip     netip.Addr
	token  string
	permit TokenConfig
}

// admit lets a request in, or says why not.
func (h *Handler) admit(req *http.Request, c *call, now time.Time) (visitor, answer) {
	v := visitor{ip: h.gate.client(req), token: token(c, req)}
	if !h.gate.allowIP(v.ip, now) {
		return v, answer{code: http.StatusTooManyRequests, text: "more requests from this address than rate_limit::per_ip allows", note: limitedByIP}
	}
	var known bool
	if v.permit, known = h.gate.admit(v.token); !known {
		return v, answer{code: http.StatusForbidden, text: "client token is not one of client_tokens"}
	}
	if !h.gate.allowToken(v.token, now) {
		return v, answer{code: http.StatusTooManyRequests, text: "more requests with this client token than rate_limit::per_token allows", note: limitedByToken}
	}
	return v, accepted
}

// quota answers the browser SDK's question whether a session may be profiled.
// It is Datadog's to answer; without the pass-through the answer is no.
func (h *Handler) quota(req *http.Request, c *call) answer {
	if req.Method != http.MethodGet {
		return answer{code: http.StatusMethodNotAllowed, text: "the profiling quota is asked for with GET"}
	}
	from, a := h.admit(req, c, h.now())
	if a != accepted {
		return a
	}
	return h.pass.quota(req, c, from.ip)
}

// post takes one body in.
func (h *Handler) post(w http.ResponseWriter, req *http.Request, c *call) answer {
	now := h.now()
	from, a := h.admit(req, c, now)
	if a != accepted {
		return a
	}
	raw, free, err := h.read(w, req)
	defer free()
	if err != nil {
		h.refused(req, err)
		return bodyAnswer(err)
	}
	if c.track == "rum" {
		if a = h.events(req, c, raw, from, now); a.code != http.StatusAccepted {
			return a
		}
	}
	handedOn := h.handOn(req, c, raw, from.ip, now)
	handedOn.note = max(handedOn.note, a.note)
	return handedOn
}

// events has the events of a body converted, once.
func (h *Handler) events(req *http.Request, c *call, raw string, from visitor, now time.Time) answer {
	body := raw
	list, err := encodings(req.Header.Get("Content-Encoding"), c.query.Get("dd-evp-encoding"))
	if err != nil {
		return bodyAnswer(err)
	}
	var hold admission.Hold
	hold.Open(h.set.Pools.Decoding)
	defer hold.Release()
	if len(list) > 0 {
		if body, err = h.decode(req.Context(), &hold, raw, list); err != nil {
			h.refused(req, err)
			return bodyAnswer(err)
		}
	}
	key, owner := digest.Of("body", from.token, body), h.owners.Add(1)
	switch h.bodies.Claim(key, owner, now) {
	case ttlset.ClaimDone:
		return answer{code: http.StatusAccepted, note: duplicateBody}
	case ttlset.ClaimPending:
		return answer{code: http.StatusServiceUnavailable, text: "the same body is being converted for another request"}
	case ttlset.ClaimNew:
	}
	if err := hold.Grow(req.Context(), min(expansion*int64(len(body)), maxExpanded)); err != nil {
		h.bodies.Release(key, owner)
		h.refused(req, err)
		return bodyAnswer(err)
	}
	v := h.convert(req.Context(), body, h.origin(c, req, from, now))
	if v.Retry {
		h.bodies.Release(key, owner)
		return answer{code: http.StatusServiceUnavailable, text: "not accepted for now: " + v.Reason}
	}
	h.bodies.Commit(key, now)
	if v.Forbidden {
		return answer{code: http.StatusForbidden, text: v.Reason}
	}
	return accepted
}

// handOn gives Datadog what it shall have, and returns what the sender is told.
func (h *Handler) handOn(req *http.Request, c *call, body string, ip netip.Addr, now time.Time) answer {
	if !h.pass.wants(c.track) {
		if c.track != "rum" {
			return answer{code: http.StatusAccepted, note: unusedRequest}
		}
		return accepted
	}
	if c.track != "rum" {
		return h.pass.send(req, c, body, ip)
	}
	// A retry after a refusal of ours or Datadog's comes with the same body: Datadog gets it once.
	key, owner := digest.Of("passed", c.query.Get("dd-api-key"), body), h.owners.Add(1)
	switch h.bodies.Claim(key, owner, now) {
	case ttlset.ClaimDone:
		return accepted
	case ttlset.ClaimPending:
		return answer{code: http.StatusServiceUnavailable, text: "the same body is being handed on for another request"}
	case ttlset.ClaimNew:
	}
	a := h.pass.send(req, c, body, ip)
	if retryable(a.code) {
		h.bodies.Release(key, owner)
	} else {
		h.bodies.Commit(key, now)
	}
	return a
}

// origin is what the request says about its events.
func (h *Handler) origin(c *call, req *http.Request, from visitor, now time.Time) *event.Origin {
	version := c.query.Get("dd-evp-origin-version")
	if version == "" {
		version = req.Header.Get("DD-EVP-ORIGIN-VERSION")
	}
	if len(version) > event.MaxIDBytes {
		version = ""
	}
	return &event.Origin{
		Tenant:     from.permit.Tenant,
		Apps:       from.permit.ApplicationIDs,
		ClientIP:   h.privacy.Address(from.ip),
		SDKVersion: version,
		Shift:      h.skew(req.Context(), c, now),
		Received:   pcommon.NewTimestampFromTime(now),
		Agent:      h.agents.Read(req.Header, now),
	}
}

// skew is how far the collector's clock is ahead of the browser's. Browsers say
// when they sent a batch, and say it anew with each retry; mobile SDKs do not.
func (h *Handler) skew(ctx context.Context, c *call, now time.Time) time.Duration {
	sent, err := strconv.ParseInt(c.query.Get("batch_time"), 10, 64)
	if err != nil || sent <= 0 || sent > 1<<43 {
		return 0
	}
	skew := now.Sub(time.UnixMilli(sent))
	h.count.skew(ctx, skew.Milliseconds())
	if !h.set.Skew.Correct || skew.Abs() <= h.set.Skew.Threshold {
		return 0
	}
	return skew.Truncate(time.Millisecond)
}
