package datadogrumreceiver

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/metric"
)

// answer is what a sender is told. SDKs retry 408, 429 and 5xx and delete on
// everything else, so 202 is said when the data is taken and 503 when it is not
// yet; an answer that makes them delete is only for what can never be taken.
type answer struct {
	code int
	text string
}

var accepted = answer{code: http.StatusAccepted}

// ServeHTTP implements http.Handler.
func (r *rum) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	c, err := r.router.route(req)
	var a answer
	switch {
	case req.Method == http.MethodOptions:
		a = answer{code: http.StatusNoContent} // a preflight without the origin it asks for stays refused by the browser
	case errors.Is(err, errNotFound):
		a = answer{http.StatusNotFound, err.Error()}
	case err != nil:
		a = answer{http.StatusForbidden, err.Error()}
	case c.track == quotaSubdomain:
		r.quota(w, req, &c)
		return
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		a = answer{http.StatusMethodNotAllowed, "RUM data is sent with POST"}
	default:
		a = r.post(req, &c)
	}
	r.tel.requests.Add(req.Context(), 1, metric.WithAttributes(trackAttr(c.track), codeAttr(a.code), r.tel.id))
	a.write(w)
}

func (a answer) write(w http.ResponseWriter) {
	if a.code == http.StatusTooManyRequests || a.code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if a.text == "" {
		w.WriteHeader(a.code)
		return
	}
	http.Error(w, a.text, a.code)
}

// visitor is who sent a request.
type visitor struct {
	ip     netip.Addr
	token  string
	permit TokenConfig
}

// admit lets a request in, or says why not.
func (r *rum) admit(req *http.Request, c *call, now time.Time) (visitor, answer) {
	v := visitor{ip: r.gate.client(req), token: token(c, req)}
	if !r.gate.allowIP(v.ip, now) {
		r.tel.limited.Add(req.Context(), 1, r.tel.byIP)
		return v, answer{http.StatusTooManyRequests, "more requests from this address than rate_limit::per_ip allows"}
	}
	var known bool
	if v.permit, known = r.gate.admit(v.token); !known {
		return v, answer{http.StatusForbidden, "client token is not one of client_tokens"}
	}
	if !r.gate.allowToken(v.token, now) {
		r.tel.limited.Add(req.Context(), 1, r.tel.byToken)
		return v, answer{http.StatusTooManyRequests, "more requests with this client token than rate_limit::per_token allows"}
	}
	return v, accepted
}

// post takes one body in.
func (r *rum) post(req *http.Request, c *call) answer {
	now := r.now()
	from, a := r.admit(req, c, now)
	if a != accepted {
		return a
	}
	raw := bodyReader{max: r.cfg.MaxRequestBodySize, budget: &r.budget}
	defer raw.release()
	if err := raw.readFrom(req.Body); err != nil {
		return bodyAnswer(err)
	}
	if c.track == "rum" {
		if a := r.convert(req, c, raw.String(), from, now); a.code != http.StatusAccepted {
			return a
		}
	}
	return r.pass.take(req, c, raw.String(), from.ip, now)
}

func bodyAnswer(err error) answer {
	switch {
	case errors.Is(err, errTooLarge):
		return answer{http.StatusRequestEntityTooLarge, err.Error()}
	case errors.Is(err, errBusy):
		return answer{http.StatusServiceUnavailable, err.Error()}
	case errors.Is(err, errEncoding):
		return answer{http.StatusUnsupportedMediaType, err.Error()}
	}
	return answer{http.StatusBadRequest, err.Error()}
}

// convert turns a RUM body into OTLP, once.
func (r *rum) convert(req *http.Request, c *call, raw string, from visitor, now time.Time) answer {
	body := raw
	list, err := encodings(req.Header.Get("Content-Encoding"), c.query.Get("dd-evp-encoding"))
	if err != nil {
		return bodyAnswer(err)
	}
	if len(list) > 0 {
		out := bodyReader{max: r.cfg.MaxRequestBodySize, budget: &r.budget}
		defer out.release()
		if err := decode(raw, list, &out); err != nil {
			return bodyAnswer(err)
		}
		body = out.String()
	}
	key, owner := digestOf("body", from.token, body), r.owners.Add(1)
	switch r.bodies.claim(key, owner, now) {
	case claimDone:
		r.tel.bodyDupes.Add(req.Context(), 1, r.tel.self)
		return accepted
	case claimPending:
		return answer{http.StatusServiceUnavailable, "the same body is being converted for another request"}
	case claimNew:
	}
	res := r.ingest(req.Context(), body, r.origin(c, req, from, now))
	if res.retry {
		r.bodies.release(key)
		return answer{http.StatusServiceUnavailable, "not accepted for now: " + res.reason}
	}
	r.bodies.commit(key, now)
	if res.forbidden {
		return answer{http.StatusForbidden, res.reason}
	}
	return accepted
}

// origin is what the request says about its events.
func (r *rum) origin(c *call, req *http.Request, from visitor, now time.Time) *origin {
	version := c.query.Get("dd-evp-origin-version")
	if version == "" {
		version = req.Header.Get("DD-EVP-ORIGIN-VERSION")
	}
	if len(version) > maxIDBytes {
		version = ""
	}
	return &origin{
		tenant:     from.permit.Tenant,
		apps:       from.permit.ApplicationIDs,
		clientIP:   r.privacy.address(from.ip),
		sdkVersion: version,
		shift:      r.skew(req.Context(), c, now),
		received:   pcommon.NewTimestampFromTime(now),
	}
}

// skew is how far the collector's clock is ahead of the browser's. Browsers say
// when they sent a batch, and say it anew with each retry; mobile SDKs do not.
func (r *rum) skew(ctx context.Context, c *call, now time.Time) time.Duration {
	sent, err := strconv.ParseInt(c.query.Get("batch_time"), 10, 64)
	if err != nil || sent <= 0 || sent > 1<<43 {
		return 0
	}
	skew := now.Sub(time.UnixMilli(sent))
	r.tel.skew.Record(ctx, skew.Milliseconds(), metric.WithAttributes(r.tel.id))
	if !r.cfg.Skew.Correct || skew.Abs() <= r.cfg.Skew.Threshold {
		return 0
	}
	return skew.Truncate(time.Millisecond)
}

// ingest converts body and counts what became of it.
func (r *rum) ingest(ctx context.Context, body string, from *origin) result {
	in := r.ingests.Get().(*ingest)
	defer in.giveBack()
	res := in.run(ctx, body, from)
	in.report(ctx)
	return res
}

// giveBack keeps the tables for the next body, unless this one made them large.
func (in *ingest) giveBack() {
	const maxKeptEvents = 1000
	if cap(in.events) > maxKeptEvents {
		return
	}
	in.reset()
	for i := range in.events {
		actions := in.events[i].actions
		clear(actions[:cap(actions)])
		in.events[i] = pending{event: event{actions: actions[:0]}}
	}
	in.origin, in.lastView = nil, [3]string{}
	in.r.ingests.Put(in)
}

func (in *ingest) report(ctx context.Context) {
	tel := in.r.tel
	for t := range in.counts {
		for o, n := range in.counts[t] {
			if n > 0 {
				tel.events.Add(ctx, n, tel.eventSets[t][o])
			}
		}
	}
	for i, n := range in.infer {
		if n > 0 {
			tel.inferred.Add(ctx, n, tel.verdicts[i])
		}
	}
	if in.late > 0 {
		tel.late.Add(ctx, in.late, tel.self)
	}
	if n := in.r.seen.takeEvicted() + in.r.bodies.takeEvicted(); n > 0 {
		tel.evictions.Add(ctx, n, tel.dedupe)
	}
	in.counts, in.infer, in.late = [typeCount][outcomes]int64{}, [3]int64{}, 0
}
