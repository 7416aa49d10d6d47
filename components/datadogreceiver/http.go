package datadogreceiver

import (
	"net/http"
	"strconv"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
)

// handler routes what tracers ask for. What is served only if a pipeline wants it is otherwise not found, and not advertised.
func (r *datadogReceiver) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("/info", r.serveInfo)
	for _, version := range []string{"/v0.1", "/v0.2", "/v0.3", "/v0.4", ""} {
		mux.HandleFunc(version+"/services", r.side("services", ok, "text/plain"))
	}
	mux.HandleFunc("/telemetry/proxy/", r.side("telemetry", "{}", "application/json"))
	mux.HandleFunc("/", r.notFound)
	if r.traces != nil {
		for path, p := range traceProtocols {
			mux.HandleFunc(path, r.handle(p, r.decodeTraces(p)))
		}
	}
	if r.metrics != nil {
		for path, p := range statsProtocols {
			mux.HandleFunc(path, r.handle(p, r.decodeStats))
		}
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
	if p, ok := traceProtocols[req.URL.Path]; ok {
		return p.name
	}
	if p, ok := statsProtocols[req.URL.Path]; ok {
		return p.name
	}
	return "unknown"
}

// protocol is one endpoint for traces or statistics.
type protocol struct {
	name   string
	format decode.Format
	// jsonOnly endpoints refuse MessagePack with 415.
	jsonOnly bool
	// answer is the text for what was accepted, if not the sampling rates.
	answer string
	// accepted is the status for a payload the pipeline has taken.
	accepted int
}

// statsProtocols are served if there is a metrics pipeline: by tracers, and by agents.
var statsProtocols = map[string]protocol{
	"/v0.6/stats":     {name: "stats", answer: ok, accepted: http.StatusOK},
	"/api/v0.2/stats": {name: "agent_stats", answer: ok, accepted: http.StatusAccepted},
}

const ok = "OK\n"

var traceProtocols = map[string]protocol{
	"/spans":       {name: "v0.1", format: decode.V01, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	"/v0.1/spans":  {name: "v0.1", format: decode.V01, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	"/v0.2/traces": {name: "v0.2", format: decode.V04, jsonOnly: true, answer: ok, accepted: http.StatusOK},
	"/v0.3/traces": {name: "v0.3", format: decode.V04, answer: ok, accepted: http.StatusOK},
	"/v0.4/traces": {name: "v0.4", format: decode.V04, accepted: http.StatusOK},
	"/v0.5/traces": {name: "v0.5", format: decode.V05, accepted: http.StatusOK},
	"/v0.7/traces": {name: "v0.7", format: decode.V07, accepted: http.StatusOK},
	"/v1.0/traces": {name: "v1.0", format: decode.V10, accepted: http.StatusOK},
	// Where a Datadog agent or Lambda extension sends, and what it is answered there.
	"/api/v0.2/traces": {name: "agent", format: decode.AgentPayload, accepted: http.StatusAccepted},
}

func (r *datadogReceiver) serveInfo(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, "application/json", r.info.body)
}

// side answers what tracers send beside traces as an agent would, and drops it.
func (r *datadogReceiver) side(name, answer, contentType string) http.HandlerFunc {
	count := r.telemetry.sideRequest(name)
	return func(w http.ResponseWriter, req *http.Request) {
		count(req.Context())
		respond(w, http.StatusOK, contentType, []byte(answer))
	}
}

func (r *datadogReceiver) notFound(w http.ResponseWriter, req *http.Request) {
	r.telemetry.unknownRequest(req.Context())
	http.NotFound(w, req)
}

func respond(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// The tracer has gone if this fails; there is no one left to tell.
	_, _ = w.Write(body)
}
