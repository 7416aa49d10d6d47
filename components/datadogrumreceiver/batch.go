package datadogrumreceiver

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// origin is what a request says about all of its events.
type origin struct {
	tenant     string
	clientIP   string // what privacy lets through
	sdkVersion string
	shift      time.Duration // added to every time of the device
	received   pcommon.Timestamp
	apps       []string // applications the token may report for; empty is all
}

// outcome is what became of an event: the values of the metric's attribute outcome.
type outcome uint8

const (
	outConverted   outcome = iota // handed to a pipeline, or held for it
	outDuplicate                  // converted before
	outStale                      // a version of a view older than one already there
	outUnconverted                // SDK telemetry: for Datadog only
	outDropped                    // not wanted by configuration
	outBad                        // not an event
	outForbidden                  // an application its token may not report for
	outRefused                    // a pipeline refused it for good
	outDeferred                   // the sender was told to come again with it
	outcomes
)

func (o outcome) String() string {
	return [...]string{"converted", "duplicate", "stale", "unconverted", "dropped", "bad", "forbidden", "refused", "deferred"}[o]
}

// maxBatchValues bounds the memory of one conversion: a body with more values
// is converted in several steps.
const maxBatchValues = 100_000

// pending is an event that was read and waits for its turn, with the claims
// that make it this request's.
type pending struct {
	event
	done      bool // nothing is left to do: a duplicate, or held
	out       outcome
	key       digest
	keyed     bool
	spanKey   digest // of the CLIENT span made from an error
	spanKeyed bool
	inTraces  bool
	inLogs    bool
	late      bool
	denied    bool   // an action that is unwanted by name or rate
	wanted    bool   // an action that is neither, and counts in its session's rate
	viewKey   digest // session and view, for inference
	root      string // the action that becomes a root of this event's trace, "" when none does
	rootKey   digest
}

// forget clears everything but the event, which read overwrites.
func (p *pending) forget() {
	p.done, p.out, p.keyed, p.spanKeyed, p.inTraces, p.inLogs, p.late = false, 0, false, false, false, false, false
	p.denied, p.wanted = false, false
	p.root = ""
}

// ingest is the work on one body. It is reused; its tables outlive bodies.
type ingest struct {
	r      *rum
	w      *writer
	reader jsonReader
	events []pending
	n      int
	origin *origin
	owner  uint64
	now    time.Time
	counts [typeCount][outcomes]int64
	late   int64
	infer  [3]int64

	lastView    [3]string // the view whose key was made last: events of a body share it
	lastViewKey digest
}

// result is what the sender is told.
type result struct {
	retry     bool // the sender shall come again: a pipeline or a table is full for now
	forbidden bool // nothing in the body was allowed
	reason    string
}

// run converts body. What it says is true for all of the body's events.
func (in *ingest) run(ctx context.Context, body string, from *origin) result {
	in.origin, in.owner, in.now = from, in.r.owners.Add(1), in.r.now()
	in.lastView = [3]string{"\x00"}
	if !utf8.ValidString(body) {
		body = strings.ToValidUTF8(body, "\uFFFD")
	}
	allowed, seen := 0, 0
	for body != "" {
		in.reset()
		for body != "" && in.reader.size < maxBatchValues {
			var line string
			line, body, _ = strings.Cut(body, "\n")
			line = strings.Trim(line, " \t\r")
			if line == "" {
				continue
			}
			seen++
			if in.read(line) != outForbidden {
				allowed++
			}
		}
		res := in.convert(ctx)
		in.tally(in.events[:in.n], res.retry)
		if res.retry {
			return res
		}
	}
	if seen > 0 && allowed == 0 {
		return result{forbidden: true, reason: "client token may not report for this application"}
	}
	return result{}
}

func (in *ingest) reset() {
	in.reader.reset()
	in.n = 0
	in.w.begin()
}

// read reads one line into events and says what became of it so far.
func (in *ingest) read(line string) outcome {
	if len(line) > in.r.cfg.MaxEventBytes {
		in.count(typeUnknown, outBad)
		return outBad
	}
	doc, err := in.reader.read(line)
	if err != nil {
		in.count(typeUnknown, outBad)
		return outBad
	}
	if in.n == len(in.events) {
		in.events = append(in.events, pending{})
	}
	p := &in.events[in.n]
	p.forget()
	err = p.read(doc, line, in.origin.shift)
	switch {
	case p.kind == "telemetry":
		in.count(typeTelemetry, outUnconverted)
		return outUnconverted
	case err != nil:
		in.count(typeOf(p.kind), outBad)
		return outBad
	case !in.origin.mayReport(p.app):
		in.count(typeOf(p.kind), outForbidden)
		return outForbidden
	}
	in.n++
	return outConverted
}

// keyOfView is the view p happened in, for inference.
func (in *ingest) keyOfView(p *pending) digest {
	if view := [3]string{p.app, p.session, p.event.view}; view != in.lastView {
		in.lastView = view
		in.lastViewKey = digestOf("recent", in.origin.tenant, p.app, p.session, p.event.view)
	}
	return in.lastViewKey
}

func (o *origin) mayReport(app string) bool {
	if len(o.apps) == 0 {
		return true
	}
	for _, id := range o.apps {
		if id == app {
			return true
		}
	}
	return false
}

// convert turns the events that were read into OTLP, hands it on and then
// holds what must be held.
func (in *ingest) convert(ctx context.Context) result {
	events := in.events[:in.n]
	if in.r.held.full() {
		in.r.kick()
		return result{retry: true, reason: "holding as many views and actions as configured"}
	}
	if !in.claim(events) {
		in.settle(events, false, false)
		return result{retry: true, reason: "another request with the same events is being converted"}
	}
	in.noteActions(events)
	for i := range events {
		if !events[i].done {
			in.write(&events[i])
		}
	}
	tracesOK, logsOK, reason := in.handOn(ctx, events)
	in.settle(events, tracesOK, logsOK)
	if !tracesOK || !logsOK {
		if tracesOK {
			// These requests are not converted again, so this is when their actions hear of them.
			in.r.held.requestsLeft(in, events)
		}
		return result{retry: true, reason: reason}
	}
	if err := in.r.held.commit(ctx, in, events); err != nil {
		for i := range events {
			if p := &events[i]; p.keyed && p.kind == "action" && !p.inLogs {
				in.release(p)
			}
		}
		return result{retry: true, reason: err.Error()}
	}
	return result{}
}

// claim makes every event this request's. It reports false when another
// request is converting one of them right now: if that one fails, this one
// must not have said that all is well.
func (in *ingest) claim(events []pending) bool {
	for i := range events {
		p := &events[i]
		if p.kind == "view" || p.kind == "view_update" {
			continue // the view's versions are their own memory
		}
		if p.id == "" {
			p.key = digestOf(in.origin.tenant, p.app, p.kind, "", p.line)
		} else {
			p.key = digestOf(in.origin.tenant, p.app, p.kind, p.id)
		}
		switch in.r.seen.claim(p.key, in.owner, in.now) {
		case claimPending:
			return false
		case claimDone:
			p.done, p.out = true, outDuplicate
			continue
		case claimNew:
			p.keyed = true
		}
		if p.kind == "resource" && p.hasIDs && !in.claimSpan(p) {
			return false
		}
	}
	// Errors come second: the request's own event beats the error that stands for it.
	for i := range events {
		p := &events[i]
		if p.kind == "error" && p.hasIDs && !p.done && !in.claimSpan(p) {
			return false
		}
	}
	return true
}

// claimSpan claims the span an event names. An event that does not get it
// becomes a log record only.
func (in *ingest) claimSpan(p *pending) bool {
	p.spanKey = digestOf("span", in.origin.tenant, string(p.trace[:]), string(p.span[:]))
	switch in.r.seen.claim(p.spanKey, in.owner, in.now) {
	case claimPending:
		return false
	case claimNew:
		p.spanKeyed = true
	case claimDone:
	}
	return true
}

// settle commits the claims on what the pipelines took and releases the rest.
func (in *ingest) settle(events []pending, tracesOK, logsOK bool) {
	for i := range events {
		p := &events[i]
		switch {
		case p.spanKeyed && tracesOK:
			in.r.seen.commit(p.spanKey, in.now)
		case p.spanKeyed:
			in.r.seen.release(p.spanKey)
		}
		if !p.keyed {
			continue
		}
		ok := tracesOK && logsOK
		if p.inLogs || p.inTraces {
			ok = (tracesOK || !p.inTraces) && (logsOK || !p.inLogs)
		}
		// What is held is claimed until it is held.
		if p.kind == "action" && ok && !p.inLogs {
			continue
		}
		if ok {
			in.r.seen.commit(p.key, in.now)
		} else {
			in.release(p)
		}
	}
}

// release lets an event come again as if it had not been here.
func (in *ingest) release(p *pending) {
	in.r.seen.release(p.key)
	if p.wanted {
		in.r.noise.unwant(in.origin.tenant, p.session, in.now)
	}
}

// handOn gives the pipelines what was written. A permanent refusal is final:
// the SDK could only send the same again.
func (in *ingest) handOn(ctx context.Context, events []pending) (tracesOK, logsOK bool, reason string) {
	tracesOK, logsOK = true, true
	if in.w.spans > 0 {
		if err := in.r.consumeTraces(ctx, in.w.traces, in.w.spans); err != nil {
			tracesOK, reason = consumererror.IsPermanent(err), err.Error()
			in.refuse(events, tracesOK, func(p *pending) bool { return p.inTraces })
		}
	}
	if in.w.records > 0 {
		if err := in.r.consumeLogs(ctx, in.w.logs, in.w.records); err != nil {
			logsOK, reason = consumererror.IsPermanent(err), err.Error()
			in.refuse(events, logsOK, func(p *pending) bool { return p.inLogs })
		}
	}
	return tracesOK, logsOK, reason
}

func (in *ingest) refuse(events []pending, final bool, affected func(*pending) bool) {
	if !final {
		return
	}
	for i := range events {
		if affected(&events[i]) {
			events[i].out = outRefused
		}
	}
}

// tally counts the events once their fate is known.
func (in *ingest) tally(events []pending, retry bool) {
	for i := range events {
		out := events[i].out
		if retry {
			out = outDeferred
		}
		in.count(typeOf(events[i].kind), out)
	}
}

func (in *ingest) count(t eventType, o outcome) { in.counts[t][o]++ }
