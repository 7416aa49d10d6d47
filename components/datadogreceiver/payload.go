package datadogreceiver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/rates"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/stats"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// refusal is an answer other than accepted. The tracer reads message, metrics say reason.
type refusal struct {
	status  int
	reason  string
	message string
	cause   *admission.Refusal // of the pools; nil: it is ours
}

func (e *refusal) Error() string { return e.message }

var (
	errBusy        = &refusal{http.StatusTooManyRequests, "busy", "too many requests at a time", nil}
	errSlow        = &refusal{http.StatusTooManyRequests, "pipeline_slow", "the pipeline did not accept the payload in time", nil}
	errMessagePack = &refusal{http.StatusUnsupportedMediaType, "media_type", "this endpoint takes JSON only", nil}
	errMethod      = &refusal{http.StatusMethodNotAllowed, "method", "POST or PUT a payload", nil}
)

// handle answers one endpoint: 200 or 202 when the pipeline accepted everything, else nothing of the request was accepted.
// decode turns a body into what hands it on, and nil if there is nothing in it.
func (r *datadogReceiver) handle(p protocol, decode decodeFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		sender := newSender(req, p.name)
		sender.entity(req, r.listeners.origins)
		if err := r.receive(w, req, sender, decode); err != nil {
			r.refuse(w, req, sender, err)
			return
		}
		r.accept(w, req, p)
	}
}

// send hands a decoded payload to the pipeline.
type send func(context.Context) error

func (r *datadogReceiver) receive(w http.ResponseWriter, req *http.Request, sender *sender, decode decodeFunc) error {
	if req.Method != http.MethodPost && req.Method != http.MethodPut {
		return errMethod
	}
	body, free, err := r.intake.read(w, req)
	if err != nil {
		return err
	}
	defer free()
	handedOn := false
	release := func() {}
	defer func() {
		if !handedOn {
			release()
		}
	}()
	arrived := time.Now()
	if release, err = r.intake.acquire(req.Context()); err != nil {
		return err
	}
	charge, err := r.intake.reserve(req.Context(), len(body))
	if err != nil {
		return err
	}
	slot := release
	release = func() { slot(); charge.hold.Release() }
	left := r.cfg.MaxWait - time.Since(arrived)
	send, err := decode(req.Context(), sender, body, charge.grow)
	if err != nil || send == nil {
		return err
	}
	charge.decoded()
	handedOn = true
	return r.consume(req.Context(), send, release, left)
}

// decodeFunc turns a body into what hands it on, and nil if there is nothing in it. It charges for what it builds.
type decodeFunc func(ctx context.Context, from *sender, body []byte, charge func(bytes int) error) (send, error)

// decodeTraces makes one ptrace.Traces of a payload.
func (r *datadogReceiver) decodeTraces(p protocol) decodeFunc {
	return func(ctx context.Context, sender *sender, body []byte, charge func(int) error) (send, error) {
		if p.jsonOnly && !decode.IsJSON(body) {
			return nil, errMessagePack
		}
		decoder := r.decoders.Get().(*decode.Decoder)
		decoder.ChargeTo(charge)
		td, stats, err := decoder.Decode(p.format, body, sender.headers)
		decoder.ChargeTo(nil)
		r.learn(ctx, decoder.Roots(), sender)
		r.decoders.Put(decoder)
		r.telemetry.received(ctx, sender, len(body), stats)
		if err != nil {
			return nil, r.undecodable(err)
		}
		if stats.Spans == 0 {
			return nil, nil
		}
		return func(ctx context.Context) error {
			ctx = r.obs.StartTracesOp(ctx)
			err := r.traces.ConsumeTraces(ctx, td)
			r.obs.EndTracesOp(ctx, sender.protocol, stats.Spans, err)
			return err
		}, nil
	}
}

// learn lets the rates know whose traces a payload holds, whatever becomes of it.
func (r *datadogReceiver) learn(ctx context.Context, found []decode.Root, sender *sender) {
	if len(found) == 0 {
		return
	}
	roots := make([]rates.Root, 0, len(found))
	for _, root := range found {
		roots = append(roots, rates.Root{Service: root.Service, Env: root.Env, Traces: float64(root.Undecided)})
	}
	r.telemetry.forgot(ctx, r.rates.Learn(roots, sender.droppedTraces, time.Now()))
}

func (r *datadogReceiver) undecodable(err error) error {
	switch {
	case admission.AsRefusal(err) != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return r.intake.refusal(err)
	case errors.Is(err, decode.ErrTooManySpans), errors.Is(err, stats.ErrTooManyGroups):
		return &refusal{http.StatusRequestEntityTooLarge, "spans", err.Error(), nil}
	case errors.Is(err, decode.ErrTooManyResources), errors.Is(err, stats.ErrTooManyServices):
		return &refusal{http.StatusRequestEntityTooLarge, "resources", err.Error(), nil}
	}
	return &refusal{http.StatusBadRequest, "malformed", "decode payload: " + err.Error(), nil}
}

// consume hands a payload on and waits for what is left of max_wait. A pipeline that takes longer keeps the slot until it answers; what it
// accepts after its tracer was refused is the tracer's duplicate should it retry, which most never do.
func (r *datadogReceiver) consume(ctx context.Context, send send, release func(), left time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, left)
	answer := make(chan error, 1)
	r.listeners.running.Add(1)
	go func() {
		defer r.listeners.running.Done()
		defer release()
		defer cancel()
		answer <- send(ctx)
	}()
	select {
	case err := <-answer:
		return refused(err)
	case <-ctx.Done():
	}
	// Both may be ready, and the answer of the pipeline counts more.
	select {
	case err := <-answer:
		return refused(err)
	default:
		return errSlow
	}
}

// refused turns the pipeline's answer into ours. 503 would make some tracers hammer, and most never retry anything.
func refused(err error) error {
	switch {
	case err == nil:
		return nil
	case consumererror.IsPermanent(err):
		return &refusal{http.StatusBadRequest, "pipeline_permanent", "the pipeline refuses this payload: " + err.Error(), nil}
	}
	return &refusal{http.StatusTooManyRequests, "pipeline_refused", "the pipeline refuses payloads now: " + err.Error(), nil}
}

func (r *datadogReceiver) accept(w http.ResponseWriter, req *http.Request, p protocol) {
	if p.answer != "" {
		respond(w, p.accepted, "text/plain", []byte(p.answer))
		return
	}
	const header = "Datadog-Rates-Payload-Version"
	known, answer := req.Header.Get(header), r.rates.Answer()
	w.Header().Set(header, answer.Version)
	if known == answer.Version {
		respond(w, p.accepted, "application/json", []byte("{}"))
		return
	}
	respond(w, p.accepted, "application/json", answer.Body)
}

func (r *datadogReceiver) refuse(w http.ResponseWriter, req *http.Request, sender *sender, err error) {
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusTooManyRequests, "other", err.Error(), nil}
	}
	r.telemetry.refused(req.Context(), sender, refused.reason)
	if refused.cause != nil {
		r.intake.pools.Report(admission.Event{
			Listener: r.set.ID.String(), Refusal: refused.cause, Bytes: max(0, req.ContentLength), Peer: req.RemoteAddr, UserAgent: req.UserAgent(),
		})
	}
	switch refused.status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", "POST, PUT")
	}
	http.Error(w, refused.message, refused.status)
}

// refuseEarly answers for confighttp, before a request reaches the handler: a body that can't be decompressed, or no authentication.
func (r *datadogReceiver) refuseEarly(w http.ResponseWriter, req *http.Request, message string, status int) {
	r.describe(w)
	reason := "decompress"
	if status == http.StatusUnauthorized {
		reason = "auth"
	}
	r.telemetry.refused(req.Context(), newSender(req, protocolOf(req)), reason)
	http.Error(w, message, status)
}
