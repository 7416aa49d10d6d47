package datadogreceiver

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/forward"
)

const ok = "OK\n"

// protocol is how one endpoint for traces or statistics is served.
type protocol struct {
	path string
	// listed endpoints are in /info. The others are for senders that do not look there.
	listed bool
	// name is what metrics call it.
	name   string
	format decode.Format
	// jsonOnly endpoints refuse MessagePack with 415.
	jsonOnly bool
	// answer is the text for what was accepted, if not the sampling rates.
	answer string
	// accepted is the status for a payload the pipeline has taken.
	accepted int
}

// traceProtocols are served if there is a traces pipeline.
var traceProtocols = []protocol{
	{path: "/spans", name: "v0.1", format: decode.V01, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	{path: "/v0.1/spans", name: "v0.1", format: decode.V01, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	{path: "/v0.2/traces", name: "v0.2", format: decode.V04, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	{path: "/v0.3/traces", listed: true, name: "v0.3", format: decode.V04, answer: ok, accepted: http.StatusOK},
	{path: "/v0.4/traces", listed: true, name: "v0.4", format: decode.V04, accepted: http.StatusOK},
	{path: "/v0.5/traces", listed: true, name: "v0.5", format: decode.V05, accepted: http.StatusOK},
	{path: "/v0.7/traces", listed: true, name: "v0.7", format: decode.V07, accepted: http.StatusOK},
	{path: "/v1.0/traces", listed: true, name: "v1.0", format: decode.V10, accepted: http.StatusOK},
	// Where a Datadog agent or Lambda extension sends, and what it is answered there.
	{path: "/api/v0.2/traces", listed: true, name: "agent", format: decode.AgentPayload, accepted: http.StatusAccepted},
}

// statsProtocols are served if there is a metrics pipeline: by tracers, and by agents.
var statsProtocols = []protocol{
	{path: "/v0.6/stats", listed: true, name: "stats", answer: ok, accepted: http.StatusOK},
	{path: "/api/v0.2/stats", listed: true, name: "agent_stats", answer: ok, accepted: http.StatusAccepted},
}

// sideEndpoint is for something else that tracers send without being asked to. It is answered as an agent would, and dropped unless it is
// forwarded.
// What a user has to turn on is not served: a profiler without a taker should complain.
type sideEndpoint struct {
	path                string
	listed              bool
	name                string
	answer, contentType string
}

var sideEndpoints = []sideEndpoint{
	{path: "/telemetry/proxy/", listed: true, name: "telemetry", answer: "{}", contentType: "application/json"},
	// Tracers for Python warn of an unsupported agent when these are not listed.
	{path: "/debugger/v1/input", listed: true, name: "debugger", answer: "{}", contentType: "application/json"},
	{path: "/debugger/v1/diagnostics", listed: true, name: "debugger", answer: "{}", contentType: "application/json"},
	{path: "/debugger/v2/input", listed: true, name: "debugger", answer: "{}", contentType: "application/json"},
	{path: "/symdb/v1/input", listed: true, name: "symdb", answer: "{}", contentType: "application/json"},
	{path: "/services", name: "services", answer: ok, contentType: "text/plain"},
	{path: "/v0.1/services", name: "services", answer: ok, contentType: "text/plain"},
	{path: "/v0.2/services", name: "services", answer: ok, contentType: "text/plain"},
	{path: "/v0.3/services", name: "services", answer: ok, contentType: "text/plain"},
	{path: "/v0.4/services", name: "services", answer: ok, contentType: "text/plain"},
}

// protocols are those of this receiver's pipelines.
func (r *datadogReceiver) protocols() (traces, stats []protocol) {
	if r.traces != nil {
		traces = traceProtocols
	}
	if r.metrics != nil {
		stats = statsProtocols
	}
	return traces, stats
}

// listed are the endpoints in /info.
func (r *datadogReceiver) listed() (paths []string) {
	traces, stats := r.protocols()
	for _, list := range [][]protocol{traces, stats} {
		for _, p := range list {
			if p.listed {
				paths = append(paths, p.path)
			}
		}
	}
	for _, e := range sideEndpoints {
		if e.listed {
			paths = append(paths, e.path)
		}
	}
	for _, f := range r.forward.Routes() {
		if !slices.Contains(paths, f.Path) {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// handler routes what tracers ask for. What no pipeline wants is not found.
func (r *datadogReceiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/info", r.serveInfo)
	mux.HandleFunc("/", r.notFound)
	forwarded := make(map[string]bool)
	for _, f := range r.forward.Routes() {
		forwarded[f.Path] = true
		mux.HandleFunc(f.Path, r.pass(f))
	}
	for _, e := range sideEndpoints {
		if !forwarded[e.path] {
			mux.HandleFunc(e.path, r.side(e))
		}
	}
	traces, stats := r.protocols()
	for _, p := range traces {
		mux.HandleFunc(p.path, r.handle(p, r.decodeTraces(p)))
	}
	for _, p := range stats {
		mux.HandleFunc(p.path, r.handle(p, r.decodeStats))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.describe(w)
		if req.Header.Get("Sec-Fetch-Site") == "cross-site" {
			r.telemetry.refused(req.Context(), newSender(req, protocolOf(req)), "cross_site")
			http.Error(w, "requests from web pages are not accepted", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, req)
	})
}

// describe tells a tracer what it talks to, whatever the answer: without the state, Java tracers ask for /info after each flush.
func (r *datadogReceiver) describe(w http.ResponseWriter) {
	w.Header().Set("Datadog-Agent-State", r.info.state)
	w.Header().Set("Datadog-Agent-Version", r.set.BuildInfo.Version)
}

// protocolOf is the protocol of the endpoint a request is for, for the metrics.
func protocolOf(req *http.Request) string {
	for _, list := range [][]protocol{traceProtocols, statsProtocols} {
		for _, p := range list {
			if p.path == req.URL.Path {
				return p.name
			}
		}
	}
	return "unknown"
}

func (r *datadogReceiver) serveInfo(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, "application/json", r.info.body)
}

func (r *datadogReceiver) side(e sideEndpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		r.telemetry.sideRequest(req.Context(), e.name, "dropped", 0)
		respond(w, http.StatusOK, e.contentType, []byte(e.answer))
	}
}

// pass forwards to Datadog.
func (r *datadogReceiver) pass(to forward.Route) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		outcome, bytes := r.forward.Serve(w, req, to)
		r.telemetry.sideRequest(req.Context(), to.Channel, outcome, bytes)
	}
}

func (r *datadogReceiver) notFound(w http.ResponseWriter, req *http.Request) {
	r.telemetry.sideRequest(req.Context(), "unknown", "not_found", 0)
	http.NotFound(w, req)
}

func respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// The tracer has gone if this fails; there is no one left to tell.
	_, _ = w.Write(body)
}
