package intake

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

// maxAnswer is how much of an answer is read.
const maxAnswer = 64 << 10

// maxDelay is the longest delay an intake may ask for.
const maxDelay = 5 * time.Minute

// Client sends to one endpoint.
type Client struct {
	// Name is the endpoint's in metrics: traces, stats, logs, series, sketches, metadata.
	Name string
	URL  string
	HTTP *http.Client
	Key  *Key
	// Action says what a status means.
	Action func(status int) answers.Action
	// Halt returns a context that also ends when attempts have to stop.
	Halt func(context.Context) (context.Context, context.CancelFunc)
	// Count is called once for each request.
	Count func(ctx context.Context, endpoint string, code int, act answers.Action, raw, sent int)
	Log   *zap.Logger
	// UserAgent names this collector.
	UserAgent string
}

// Request is one body, ready to be sent.
type Request struct {
	Body     []byte
	Raw      int // size before compression
	Type     string
	Encoding string
	Header   map[string]string
}

// Answer is what became of a request.
type Answer struct {
	Action answers.Action
	Err    error
	// Delay is how long the intake wants to be left alone.
	Delay time.Duration
	// Stop says that the next request would get the same answer, whatever is in it.
	Stop bool
}

// Post sends a request. While the key is refused it tries again, until the key is accepted or attempts have to stop.
func (c *Client) Post(ctx context.Context, r Request) Answer {
	ctx, release := c.Halt(ctx)
	defer release()
	probing := false
	defer func() {
		if probing {
			c.Key.endProbe()
		}
	}()
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		var key string
		var err error
		if probing {
			key, err = c.Key.current(), nil
		} else {
			key, err = c.Key.acquire(ctx)
		}
		if err != nil {
			return Answer{Action: answers.Retry, Err: err, Stop: true}
		}
		answer, status := c.post(ctx, key, r)
		if status != http.StatusUnauthorized && status != http.StatusForbidden || answer.Action != answers.Retry {
			if answer.Action != answers.Retry {
				c.Key.accepted(key)
			}
			return answer
		}
		if c.Key.complain() {
			c.Log.Error("Datadog refuses the API key. Everything is kept and sent when it accepts one: replace api::key_file, or set another api::key and restart.",
				zap.String("endpoint", c.URL), zap.Int("status", status))
		}
		probing = c.Key.refuse(key) || probing
		if !probing {
			continue // with the new key, or after whoever probes
		}
		if err := c.Key.wait(ctx, pause); err != nil {
			return Answer{Action: answers.Retry, Err: fmt.Errorf("%w; %w", answer.Err, err), Stop: true}
		}
	}
}

// Once sends a request once, whatever the answer: for what comes again by itself.
func (c *Client) Once(ctx context.Context, r Request) Answer {
	ctx, release := c.Halt(ctx)
	defer release()
	answer, _ := c.post(ctx, c.Key.current(), r)
	return answer
}

func (c *Client) post(ctx context.Context, key string, r Request) (Answer, int) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(r.Body))
	if err != nil {
		return Answer{Action: answers.Retry, Err: fmt.Errorf("make request: %w", err), Stop: true}, 0
	}
	req.Header.Set("DD-Api-Key", key)
	req.Header.Set("Content-Type", r.Type)
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	if r.Encoding != "" {
		req.Header.Set("Content-Encoding", r.Encoding)
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		c.Count(ctx, c.Name, 0, answers.Retry, r.Raw, len(r.Body))
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Answer{Action: answers.Retry, Err: fmt.Errorf("send to %s: %w", c.URL, err), Stop: true}, 0
	}
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	act := c.Action(resp.StatusCode)
	c.Count(ctx, c.Name, resp.StatusCode, act, r.Raw, len(r.Body))
	if act == answers.Deliver {
		return Answer{}, resp.StatusCode
	}
	a := Answer{Action: act, Err: fmt.Errorf("%s answered %s: %s", c.URL, resp.Status, excerpt(said))}
	if act != answers.Retry {
		return a, resp.StatusCode
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		a.Delay = delay(resp.Header, time.Now())
		a.Stop = true
	case http.StatusUnauthorized, http.StatusForbidden:
		a.Stop = true
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		a.Stop = true
		c.Log.Warn("Datadog does not know this endpoint; is api::site the right one?", zap.String("endpoint", c.URL), zap.Int("status", resp.StatusCode))
	}
	return a, resp.StatusCode
}

// excerpt is the beginning of an answer, on one line.
func excerpt(said []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(said[:min(len(said), 300)]), "?")), " ")
	if text == "" {
		return "no text"
	}
	return text
}

// delay is what an intake asks for, at most maxDelay.
func delay(h http.Header, now time.Time) time.Duration {
	for _, name := range [...]string{"Retry-After", "X-Ratelimit-Reset"} {
		value := strings.TrimSpace(h.Get(name))
		if value == "" {
			continue
		}
		var d time.Duration
		if n, err := strconv.ParseFloat(value, 64); err == nil && n == n {
			d = time.Duration(min(max(n, 0), maxDelay.Seconds()) * float64(time.Second))
		} else if at, err := http.ParseTime(value); err == nil {
			d = min(max(at.Sub(now), 0), maxDelay)
		}
		if d > 0 {
			return d
		}
	}
	return 0
}
