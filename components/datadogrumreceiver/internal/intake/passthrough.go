package intake

import (
	"cmp"
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
)

// passthrough hands requests on to Datadog: the body as it came, the query as
// it came, the headers Datadog needs and no others. The host comes from the
// configuration; nothing a sender writes can change it.
type passthrough struct {
	cfg    *PassthroughConfig
	count  *counters
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

func newPassthrough(cfg *PassthroughConfig, count *counters) (*passthrough, error) {
	p := &passthrough{cfg: cfg, count: count}
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

// wants reports whether requests of the track are handed on.
func (p *passthrough) wants(track string) bool {
	return p.cfg.Enabled && slices.Contains(p.cfg.Tracks, track)
}

// send hands one accepted body on and returns what the sender is told.
func (p *passthrough) send(req *http.Request, c *call, body string, ip netip.Addr) answer {
	out := &passed{track: c.track, url: p.target(c), method: http.MethodPost, header: passHeader(req.Header, ip), body: body}
	if p.cfg.Mode == "async" {
		return p.enqueue(out)
	}
	resp, err := p.do(req.Context(), out)
	if err != nil {
		return answer{code: http.StatusServiceUnavailable, text: "Datadog could not be reached"}
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
	p.count.passed(ctx, out.track, code)
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
		return answer{code: http.StatusServiceUnavailable, text: "the queue to Datadog is full"}
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
		p.count.lost(context.Background(), out.track)
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

// quota asks Datadog whether a session may be profiled.
func (p *passthrough) quota(req *http.Request, c *call, ip netip.Addr) answer {
	if !p.wants("profile") {
		return answer{code: http.StatusForbidden, text: "profiles are not handed on to Datadog"}
	}
	resp, err := p.do(req.Context(), &passed{track: c.track, url: p.target(c), method: http.MethodGet, header: passHeader(req.Header, ip)})
	if err != nil {
		return answer{code: http.StatusServiceUnavailable, text: "Datadog could not be reached"}
	}
	defer resp.Body.Close()
	const maxAnswer = 64 << 10
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return answer{code: resp.StatusCode, text: string(text), contentType: cmp.Or(resp.Header.Get("Content-Type"), "application/octet-stream")}
}
