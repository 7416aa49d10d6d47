package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// request is what one client sent.
type request struct {
	Method string            `json:"method,omitempty"`
	Path   string            `json:"path,omitempty"` // with the query
	Header map[string]string `json:"header,omitempty"`
	body   []byte
}

// recorder is the agent, the RUM intake and the service the apps call, and
// keeps what is worth keeping of what they are sent.
type recorder struct {
	dir    string // for whatever a client needs to write
	anon   *anonymizer
	server *http.Server
	url    string

	mu       sync.Mutex
	format   string // the trace format on offer
	requests []request
}

func newRecorder(dir string) (*recorder, error) {
	anon, err := newAnonymizer(dir)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{dir: dir, anon: anon, url: "http://" + listener.Addr().String()}
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(listener) }()
	return r, nil
}

func (r *recorder) close() { _ = r.server.Close() }

func (r *recorder) taken() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}

func (r *recorder) keep(one request) {
	r.anon.apply(&one)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, one)
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	switch path := req.URL.Path; {
	case path == "/info":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"version":"7.79.0","endpoints":["/%s/traces"],"client_drop_p0s":false,"span_events":true,"config":{"statsd_port":8125}}`, r.format)
	case strings.HasSuffix(path, "/traces"):
		if len(body) > 1 { // Java asks with an empty list what there is
			r.keep(newRequest(req, body))
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"rate_by_service":{}}`)
	case req.URL.Query().Has("ddforward"):
		allowAnyPage(w, req)
		if len(body) > 0 {
			r.keep(newRequest(req, body))
		}
		w.WriteHeader(http.StatusAccepted)
	case strings.HasPrefix(path, "/stock/"):
		allowAnyPage(w, req)
		if req.Method != http.MethodOptions {
			stock(w, req)
		}
	default:
		w.WriteHeader(http.StatusOK)
	}
}

// allowAnyPage answers a browser's question, and what it asks before it asks.
func allowAnyPage(w http.ResponseWriter, req *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	w.Header().Set("Access-Control-Allow-Headers", req.Header.Get("Access-Control-Request-Headers"))
}

// stock is the service the apps call; it does not always answer well.
func stock(w http.ResponseWriter, req *http.Request) {
	switch req.URL.Path[len(req.URL.Path)-1] {
	case '3':
		http.Error(w, "no such article", http.StatusNotFound)
	case '7':
		http.Error(w, "stock is being counted", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"left":12}`)
	}
}

func newRequest(req *http.Request, body []byte) request {
	one := request{Method: req.Method, Path: req.URL.RequestURI(), Header: map[string]string{}, body: body}
	for name := range req.Header {
		switch name {
		case "Accept", "Accept-Encoding", "Accept-Language", "Connection", "Content-Length", "Host":
		default:
			one.Header[name] = req.Header.Get(name)
		}
	}
	return one
}
