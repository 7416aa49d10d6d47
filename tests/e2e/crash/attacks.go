package crash

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"
)

// attack is something a stranger does to a listener.
type attack struct {
	name string
	// prepare makes what is sent, which may take longer than to send it.
	prepare func() act
	// mayPass: some of it is within every bound, so it may be accepted.
	mayPass bool
}

// act sends it and returns what was answered.
type act func(ctx context.Context, to targets) *answers

// targets are the listeners.
type targets struct{ otlpGRPC, otlpHTTP, datadog, rum string }

// answers counts what was answered.
type answers struct {
	mu  sync.Mutex
	all map[string]int
}

func (a *answers) add(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all == nil {
		a.all = map[string]int{}
	}
	a.all[what]++
}

func (a *answers) String() string {
	var out []string
	for what, n := range a.all {
		out = append(out, fmt.Sprintf("%d x %s", n, what))
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// accepted is how often the answer was a success.
func (a *answers) accepted() int { return a.all["200"] + a.all["202"] + a.all["grpc 0"] }

// posts sends body n times at once.
func posts(n int, addr func(targets) string, path, contentType, encoding string, body []byte) act {
	return func(ctx context.Context, to targets) (a *answers) {
		a = new(answers)
		client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr(to)+path, bytes.NewReader(body))
				if err != nil {
					a.add(err.Error())
					return
				}
				req.Header.Set("Content-Type", contentType)
				if encoding != "" {
					req.Header.Set("Content-Encoding", encoding)
				}
				resp, err := client.Do(req)
				if err != nil {
					a.add(broken(err))
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				a.add(fmt.Sprint(resp.StatusCode))
			})
		}
		wg.Wait()
		return a
	}
}

func broken(err error) string {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return "no answer"
	}
	return "closed"
}

func toOTLP(t targets) string    { return t.otlpHTTP }
func toDatadog(t targets) string { return t.datadog }
func toRUM(t targets) string     { return t.rum }

// holds opens n requests that declare a body of size and stop before its end.
func holds(n, size, send int, addr func(targets) string, path, contentType string, hold time.Duration) act {
	return func(_ context.Context, to targets) (a *answers) {
		a = new(answers)
		body := make([]byte, 64<<10)
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				conn, err := net.DialTimeout("tcp", addr(to), 5*time.Second)
				if err != nil {
					a.add("not connected")
					return
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, contentType, size)
				for sent := 0; err == nil && sent < send; sent += len(body) {
					_, err = conn.Write(body[:min(len(body), send-sent)])
				}
				if err == nil {
					_ = conn.SetReadDeadline(time.Now().Add(hold))
				}
				head := make([]byte, 12)
				if _, err := io.ReadFull(conn, head); err != nil {
					a.add(broken(err))
					return
				}
				a.add(string(head[9:]))
			})
		}
		wg.Wait()
		return a
	}
}

// trickles sends n bodies a byte at a time, or, without a body, headers.
func trickles(n int, addr func(targets) string, head string, every, hold time.Duration) act {
	return func(_ context.Context, to targets) (a *answers) {
		a = new(answers)
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				conn, err := net.DialTimeout("tcp", addr(to), 5*time.Second)
				if err != nil {
					a.add("not connected")
					return
				}
				defer conn.Close()
				_, err = io.WriteString(conn, head)
				for end := time.Now().Add(hold); err == nil && time.Now().Before(end); time.Sleep(every) {
					_, err = conn.Write([]byte("x"))
				}
				if err != nil {
					a.add("closed")
				} else {
					a.add("held")
				}
			})
		}
		wg.Wait()
		return a
	}
}

// floodsLast is how long a flood goes on.
const floodsLast = 2 * time.Second

// floods opens n connections that say first and nothing more.
func floods(n int, addr func(targets) string, first string) act {
	return func(ctx context.Context, to targets) (a *answers) {
		a = new(answers)
		var conns []net.Conn
		for range n {
			conn, err := net.DialTimeout("tcp", addr(to), 2*time.Second)
			if err != nil {
				a.add("not connected")
				continue
			}
			_, _ = io.WriteString(conn, first)
			conns = append(conns, conn)
		}
		select {
		case <-ctx.Done():
		case <-time.After(floodsLast):
		}
		for _, conn := range conns {
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := io.Copy(io.Discard, conn)
			if broken(err) == "no answer" && err != nil {
				a.add("open")
			} else {
				a.add("closed")
			}
			_ = conn.Close()
		}
		return a
	}
}
