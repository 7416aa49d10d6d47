package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Options say what is forwarded, and where to.
type Options struct {
	Site, APIKey    string
	Channels        []string
	Subdomains      []string // that EVPProxy may reach
	AllowOtherSites bool
	// Transport sends the requests. Nil is one that follows the proxies of the environment.
	Transport http.RoundTripper
}

// Outcomes of a request.
const (
	Forwarded = "forwarded" // the sender got what the intake answered
	Refused   = "refused"   // it made no sense
	Full      = "full"      // too many at a time
	Failed    = "failed"    // the intake did not answer
)

const (
	// maxConcurrent bounds the requests that are forwarded at a time.
	maxConcurrent = 20
	// maxAnswer bounds the answer of an intake that is passed on.
	maxAnswer = mebibyte
	// maxTags bounds the query's ddtags, as in the agent.
	maxTags = 4001
)

// headers are passed on, and those that begin with headerPrefix.
var headers = []string{"Content-Type", "Content-Encoding", "Accept-Encoding", "User-Agent", "Dd-Evp-Origin", "Dd-Evp-Origin-Version",
	"Dd-Ci-Provider-Name", "Datadog-Container-Id"}

const headerPrefix = "Dd-Telemetry-"

// restPath is what a path may be made of where the sender chooses it.
var restPath = regexp.MustCompile(`^[A-Za-z0-9/_+-]+$`)

// Forwarder forwards requests.
type Forwarder struct {
	options Options
	client  *http.Client
	slots   chan struct{}
}

// New makes a Forwarder of valid Options.
func New(o Options) *Forwarder {
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &Forwarder{options: o, slots: make(chan struct{}, maxConcurrent), client: &http.Client{
		Transport:     o.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes connections that are idle.
func (f *Forwarder) Close() { f.client.CloseIdleConnections() }

// Routes are those of the configured channels.
func (f *Forwarder) Routes() (list []Route) {
	for _, r := range routes {
		if slices.Contains(f.options.Channels, r.Channel) {
			list = append(list, r)
		}
	}
	return list
}

// Serve forwards a request of a route and answers it. It returns what became of it, and how many bytes were forwarded.
func (f *Forwarder) Serve(w http.ResponseWriter, req *http.Request, r Route) (outcome string, bytes int64) {
	target, err := f.target(req, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return Refused, 0
	}
	if req.ContentLength > r.maxBody {
		http.Error(w, tooLarge(r, r.maxBody), http.StatusRequestEntityTooLarge)
		return Refused, 0
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	default:
		http.Error(w, "too many requests are being forwarded", http.StatusServiceUnavailable)
		return Full, 0
	}
	return f.send(w, req, r, target)
}

func tooLarge(r Route, limit int64) string {
	return fmt.Sprintf("a request to %s has at most %d bytes", r.Path, limit)
}

// target makes the address.
func (f *Forwarder) target(req *http.Request, r Route) (string, error) {
	host, path := r.host, r.target
	if host == "" {
		chosen := req.Header.Get("X-Datadog-EVP-Subdomain")
		if !slices.Contains(f.options.Subdomains, chosen) {
			return "", fmt.Errorf("subdomain %q is not in evp_subdomains", chosen)
		}
		host = chosen + "."
	}
	if path == "" {
		rest, ok := strings.CutPrefix(req.URL.Path, r.Path)
		if !ok || !restPath.MatchString(rest) {
			return "", fmt.Errorf("a path below %s has letters, digits and /_+- only", r.Path)
		}
		path = "/" + rest
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return "", errors.New("the query can't be read")
	}
	if tags := query.Get("ddtags"); len(tags) > maxTags {
		query.Set("ddtags", tags[:maxTags])
	}
	return (&url.URL{Scheme: "https", Host: host + f.options.Site, Path: path, RawQuery: query.Encode()}).String(), nil
}

func (f *Forwarder) send(w http.ResponseWriter, req *http.Request, r Route, target string) (string, int64) {
	ctx, cancel := context.WithTimeout(req.Context(), r.timeout)
	defer cancel()
	body := &counted{ReadCloser: http.MaxBytesReader(nil, req.Body, r.maxBody)}
	out, err := http.NewRequestWithContext(ctx, req.Method, target, body)
	if err != nil {
		http.Error(w, "the request can't be forwarded", http.StatusBadRequest)
		return Refused, 0
	}
	if out.ContentLength = req.ContentLength; out.ContentLength == 0 {
		out.Body = http.NoBody
	}
	for name, values := range req.Header {
		if slices.Contains(headers, name) || strings.HasPrefix(name, headerPrefix) {
			out.Header[name] = values
		}
	}
	out.Header.Set("Dd-Api-Key", f.options.APIKey)
	out.Header.Set("Via", "otelcol-obs")
	resp, err := f.client.Do(out)
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			http.Error(w, tooLarge(r, large.Limit), http.StatusRequestEntityTooLarge)
			return Refused, body.n
		}
		http.Error(w, "the intake of "+r.Channel+" did not answer: "+cause(err), http.StatusBadGateway)
		return Failed, body.n
	}
	defer resp.Body.Close()
	for _, name := range []string{"Content-Type", "Content-Encoding", "Retry-After"} {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(resp.StatusCode)
	// The tracer or the intake has gone if this fails; there is no one left to tell.
	_, _ = io.Copy(w, io.LimitReader(resp.Body, maxAnswer))
	return Forwarded, body.n
}

// cause is an error without the address it is about.
func cause(err error) string {
	var of *url.Error
	if errors.As(err, &of) {
		err = of.Err
	}
	return err.Error()
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}
