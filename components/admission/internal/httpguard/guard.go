package httpguard

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/client"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/otlpprice"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

// Options are what a Guard needs to know.
type Options struct {
	Pools    *admission.Pools
	Body     httpbody.Limits
	MaxDepth int
	// Paths says which path takes which OTLP request.
	Paths map[string]otlpprice.Root
	// Listener names who listens at an address.
	Listener func(net.Addr) string
}

// DefaultPaths are where an otlp receiver takes requests if its configuration does not say otherwise.
func DefaultPaths() map[string]otlpprice.Root {
	return map[string]otlpprice.Root{
		"/v1/traces": otlpprice.Traces, "/v1/logs": otlpprice.Logs, "/v1/metrics": otlpprice.Metrics,
		"/v1development/profiles": otlpprice.Profiles,
	}
}

// Guard wraps handlers.
type Guard struct{ Options }

// New returns a Guard.
func New(o Options) *Guard { return &Guard{o} }

// Wrap returns next behind the guard.
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Body == nil || req.Body == http.NoBody {
			next.ServeHTTP(w, req)
			return
		}
		root, known := g.Paths[req.URL.Path]
		form, otlp := formOf(req.Header.Get("Content-Type"))
		if known && otlp && req.Method == http.MethodPost {
			g.otlp(w, req, next, root, form)
			return
		}
		g.other(w, req, next)
	})
}

// formOf returns how an OTLP request of the content type is written, as the otlp receiver reads it.
func formOf(contentType string) (form, bool) {
	switch contentType { // as everybody writes them
	case "application/x-protobuf":
		return protobuf, true
	case "application/json":
		return json, true
	}
	switch media, _, _ := mime.ParseMediaType(contentType); media {
	case "application/x-protobuf":
		return protobuf, true
	case "application/json":
		return json, true
	}
	return 0, false
}

func (g *Guard) otlp(w http.ResponseWriter, req *http.Request, next http.Handler, root otlpprice.Root, f form) {
	r := request{ResponseWriter: w}
	in, err := httpbody.Open(w, req, g.Pools, g.Body)
	defer in.Close()
	if err == nil {
		r.body, err = in.ReadAll()
	}
	if err != nil {
		g.refuse(w, req, in, f, err)
		return
	}
	defer r.free()
	r.decoding.Open(g.Pools.Decoding)
	defer r.decoding.Release()
	// The receiver's own copy of the body is paid for beside what it is decoded to.
	l := otlpprice.Limits{Cost: g.Pools.Decoding.Largest(), Depth: g.MaxDepth}
	if f == json {
		err = otlpprice.PayJSON(req.Context(), &r.decoding, r.body, l, int64(len(r.body)))
	} else {
		err = otlpprice.Pay(req.Context(), &r.decoding, r.body, root, l, int64(len(r.body)))
	}
	if err != nil {
		g.refuse(w, req, in, f, err)
		return
	}
	r.hold = in.Hold()
	r.left.Reset(r.body)
	req.Body = &r
	req.ContentLength = int64(len(r.body))
	next.ServeHTTP(&r, req)
	if r.status == http.StatusBadRequest && r.body == nil {
		// It was read whole and the receiver did not understand it.
		g.report(req, in, admission.Refuse(admission.ReasonMalformed, "the receiver could not decode it"))
	}
}

// request is what the receiver reads from and answers to.
type request struct {
	http.ResponseWriter
	status   int
	body     []byte
	left     bytes.Reader
	hold     *admission.Hold // of the reception pool
	decoding admission.Hold
}

// Read implements io.Reader. When all is read, the buffer goes back.
func (r *request) Read(p []byte) (int, error) {
	if r.body == nil {
		return 0, io.EOF
	}
	n, err := r.left.Read(p)
	if r.left.Len() == 0 {
		r.free()
		r.hold.Release()
		err = io.EOF
	}
	return n, err
}

func (r *request) free() {
	if r.body != nil {
		httpbody.FreeBuffer(r.body)
		r.body = nil
		r.left.Reset(nil)
	}
}

// Close implements io.Closer.
func (r *request) Close() error { return nil }

// Unwrap is for http.ResponseController.
func (r *request) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *request) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// other lets a receiver that is no otlp read at its own pace. It pays for what it decodes itself.
func (g *Guard) other(w http.ResponseWriter, req *http.Request, next http.Handler) {
	in, err := httpbody.Open(w, req, g.Pools, g.Body)
	defer in.Close()
	if err != nil {
		g.refuse(w, req, in, plain, err)
		return
	}
	next.ServeHTTP(w, req)
}

func (g *Guard) refuse(w http.ResponseWriter, req *http.Request, in *httpbody.Reader, f form, err error) {
	refusal := admission.AsRefusal(err)
	if refusal == nil {
		// The connection broke, or the client has gone: this is read by nobody, most likely.
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	g.report(req, in, refusal)
	if !in.Drain() {
		w.Header().Set("Connection", "close")
	}
	f.answer(w, refusal)
}

func (g *Guard) report(req *http.Request, in *httpbody.Reader, refusal *admission.Refusal) {
	e := admission.Event{Refusal: refusal, Bytes: in.Arrived(), UserAgent: req.UserAgent(), Peer: req.RemoteAddr}
	if addr, ok := req.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		e.Listener = g.Listener(addr)
	}
	if addr := client.FromContext(req.Context()).Addr; addr != nil {
		e.Peer = addr.String()
	}
	g.Pools.Report(e)
}

// pathOf cleans a path as it stands in a configuration.
func pathOf(s string) string { return "/" + strings.TrimPrefix(s, "/") }

// AddPath makes requests at path be taken for root.
func (g *Guard) AddPath(path string, root otlpprice.Root) { g.Paths[pathOf(path)] = root }
