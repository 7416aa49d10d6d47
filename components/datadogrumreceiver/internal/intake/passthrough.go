package datadogrumreceiver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/metric"
)

// passthrough hands requests on to Datadog: the body as it came, the query as
// it came, the headers Datadog needs and no others. The host comes from the
// configuration; nothing a sender writes can change it.
type passthrough struct {
	cfg    *PassthroughConfig
	r      *rum
	base   url.URL // scheme and host
	client *http.Client

	mu     sync.Mutex
	queue  []*passed
	size   int
	closed bool
	more   *sync.Cond
	abort  context.CancelFunc
	work   sync.WaitGroup
}

// passed is one request on its way to Datadog.
type passed struct {
	track  string
	url    string
	method string
	header http.Header
	body   string
}

const passWorkers = 4

func newPassthrough(cfg *PassthroughConfig, r *rum) (*passthrough, error) {
	p := &passthrough{cfg: cfg, r: r}
	p.more = sync.NewCond(&p.mu)
	if !cfg.Enabled {
		return p, nil
	}
	p.base = url.URL{Scheme: "https", Host: intakeHost(cfg.Site)}
	if cfg.Endpoint != "" {
		u, err := url.Parse(cfg.Endpoint)
		if err != nil {
			return nil, fmt.Errorf("read datadog_passthrough::endpoint: %w", err)
		}
		p.base = url.URL{Scheme: u.Scheme, Host: u.Host}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	transport.MaxIdleConnsPerHost = 32
	p.client = &http.Client{
		Transport: transport,
		Timeout:   cfg.Timeout,
		// A redirect would name another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p, nil
}

// intakeHost is the host RUM SDKs send to: us5.datadoghq.com -> browser-intake-us5-datadoghq.com.
func intakeHost(site string) string {
	dot := strings.LastIndexByte(site, '.')
	if dot < 0 {
		return "browser-intake-" + site
	}
	return "browser-intake-" + strings.ReplaceAll(site[:dot], ".", "-") + site[dot:]
}

// passedHeaders are handed on besides those that begin with DD-. Cookies and
// credentials of the application's own site never are.
var passedHeaders = []string{"Content-Type", "Content-Encoding", "User-Agent", "Origin"}

func passHeader(in http.Header, ip netip.Addr) http.Header {
	out := http.Header{"User-Agent": {""}} // an empty one keeps net/http from writing its own
	for name, values := range in {
		if strings.HasPrefix(name, "Dd-") || slices.Contains(passedHeaders, name) {
			out[name] = values
		}
	}
	if ip.IsValid() {
		out.Set("X-Forwarded-For", ip.String())
	}
	return out
}

// take hands one accepted body on and says what the sender is told.
func (p *passthrough) take(req *http.Request, c *call, body string, ip netip.Addr, now time.Time) answer {
	if !p.cfg.Enabled || !slices.Contains(p.cfg.Tracks, c.track) {
		if c.track != "rum" {
			p.r.tel.unused.Add(req.Context(), 1, metric.WithAttributes(trackAttr(c.track), p.r.tel.id))
		}
		return accepted
	}
	if c.track != "rum" {
		return p.send(req, c, body, ip)
	}
	// A retry after a refusal of ours or Datadog's comes with the same body: Datadog gets it once.
	key, owner := digestOf("passed", c.query.Get("dd-api-key"), body), p.r.owners.Add(1)
	switch p.r.bodies.claim(key, owner, now) {
	case claimDone:
		return accepted
	case claimPending:
		return answer{http.StatusServiceUnavailable, "the same body is being handed on for another request"}
	case claimNew:
	}
	a := p.send(req, c, body, ip)
	if retryable(a.code) {
		p.r.bodies.release(key)
	} else {
		p.r.bodies.commit(key, now)
	}
	return a
}

func (p *passthrough) send(req *http.Request, c *call, body string, ip netip.Addr) answer {
	out := &passed{track: c.track, url: p.target(c), method: http.MethodPost, header: passHeader(req.Header, ip), body: body}
	if p.cfg.Mode == "async" {
		return p.enqueue(out)
	}
	resp, err := p.do(req.Context(), out)
	if err != nil {
		return answer{http.StatusServiceUnavailable, "Datadog could not be reached"}
	}
	defer resp.Body.Close()
	return answer{code: resp.StatusCode, text: relayText(resp.StatusCode)}
}

func relayText(code int) string {
	if code < 300 {
		return ""
	}
	return "Datadog answered " + http.StatusText(code)
}

func (p *passthrough) target(c *call) string {
	u := p.base
	if c.subdomain != "" {
		u.Host = c.subdomain + "." + u.Host
	}
	u.Path, u.RawQuery = c.path, c.rawQuery
	return u.String()
}

// do makes one request. The answer's body is not read.
func (p *passthrough) do(ctx context.Context, out *passed) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, out.method, out.url, strings.NewReader(out.body))
	if err != nil {
		return nil, fmt.Errorf("make request to Datadog: %w", err)
	}
	req.Header = out.header
	resp, err := p.client.Do(req)
	code := 0
	if err == nil {
		code = resp.StatusCode
	}
	p.r.tel.passthrough.Add(ctx, 1, metric.WithAttributes(trackAttr(out.track), codeAttr(code), p.r.tel.id))
	return resp, err
}

func retryable(code int) bool {
	return code >= 500 || code == http.StatusRequestTimeout || code == http.StatusTooManyRequests
}

// start runs the workers of mode async.
func (p *passthrough) start() {
	if !p.cfg.Enabled || p.cfg.Mode != "async" {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.abort = cancel
	for range passWorkers {
		p.work.Go(func() {
			for out := p.next(); out != nil; out = p.next() {
				p.deliver(ctx, out)
			}
		})
	}
}

// enqueue takes a request into memory. When the queue is full the sender keeps
// it: what was converted is not converted again by the retry.
func (p *passthrough) enqueue(out *passed) answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.size+len(out.body) > p.cfg.QueueBytes {
		return answer{http.StatusServiceUnavailable, "the queue to Datadog is full"}
	}
	p.queue = append(p.queue, out)
	p.size += len(out.body)
	p.more.Signal()
	return accepted
}

// next waits for a request; nil when the queue is closed and empty.
func (p *passthrough) next() *passed {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.closed {
		p.more.Wait()
	}
	if len(p.queue) == 0 {
		return nil
	}
	out := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	return out
}

// deliver retries one request until Datadog has it or max_elapsed is over.
func (p *passthrough) deliver(ctx context.Context, out *passed) {
	defer func() {
		p.mu.Lock()
		p.size -= len(out.body)
		p.mu.Unlock()
	}()
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = time.Second, time.Minute
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		resp, err := p.do(ctx, out)
		if err != nil {
			return struct{}{}, err
		}
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		_ = resp.Body.Close()
		switch {
		case retryable(resp.StatusCode):
			return struct{}{}, errors.New(resp.Status)
		case resp.StatusCode >= 300:
			return struct{}{}, backoff.Permanent(errors.New(resp.Status))
		}
		return struct{}{}, nil
	}, backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(p.cfg.MaxElapsed))
	if err != nil {
		p.r.tel.passLost.Add(context.Background(), 1, metric.WithAttributes(trackAttr(out.track), p.r.tel.id))
	}
}

// shutdown drains the queue until ctx is over. What is left then is counted as lost.
func (p *passthrough) shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.more.Broadcast()
	p.mu.Unlock()
	if p.abort != nil {
		done := make(chan struct{})
		go func() { p.work.Wait(); close(done) }()
		select {
		case <-done:
		case <-ctx.Done():
			p.abort()
			<-done
		}
		p.abort()
	}
	if p.client != nil {
		p.client.CloseIdleConnections()
	}
	return nil
}

func (p *passthrough) queued() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.size)
}

// quota answers the browser SDK's question whether a session may be profiled.
// It is Datadog's to answer; without the pass-through the answer is no.
func (r *rum) quota(w http.ResponseWriter, req *http.Request, c *call) {
	code := r.relayQuota(w, req, c)
	r.tel.requests.Add(req.Context(), 1, metric.WithAttributes(trackAttr(c.track), codeAttr(code), r.tel.id))
}

func (r *rum) relayQuota(w http.ResponseWriter, req *http.Request, c *call) int {
	refuse := func(a answer) int {
		a.write(w)
		return a.code
	}
	if req.Method != http.MethodGet {
		return refuse(answer{http.StatusMethodNotAllowed, "the profiling quota is asked for with GET"})
	}
	from, a := r.admit(req, c, r.now())
	if a != accepted {
		return refuse(a)
	}
	if !r.pass.cfg.Enabled || !slices.Contains(r.pass.cfg.Tracks, "profile") {
		return refuse(answer{http.StatusForbidden, "profiles are not handed on to Datadog"})
	}
	resp, err := r.pass.do(req.Context(), &passed{track: c.track, url: r.pass.target(c), method: http.MethodGet, header: passHeader(req.Header, from.ip)})
	if err != nil {
		return refuse(answer{http.StatusServiceUnavailable, "Datadog could not be reached"})
	}
	defer resp.Body.Close()
	if contentType := resp.Header.Get("Content-Type"); contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.WriteHeader(resp.StatusCode)
	const maxAnswer = 64 << 10
	_, _ = io.CopyN(w, resp.Body, maxAnswer)
	return resp.StatusCode
}
