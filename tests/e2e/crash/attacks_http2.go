package crash

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

const tracesExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

// http2Conn speaks HTTP/2 by hand.
type http2Conn struct {
	net.Conn
	*http2.Framer
	next    uint32
	headers []byte
}

func dialHTTP2(addr, encoding string) (*http2Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(25 * time.Second))
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	enc.SetMaxDynamicTableSizeLimit(0)
	pairs := []string{":method", "POST", ":scheme", "http", ":authority", "x", ":path", tracesExport, "content-type", "application/grpc", "te", "trailers"}
	if encoding != "" {
		pairs = append(pairs, "grpc-encoding", encoding)
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1], Sensitive: true}); err != nil {
			return nil, err
		}
	}
	c := &http2Conn{Conn: conn, Framer: http2.NewFramer(conn, conn), next: 1, headers: b.Bytes()}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	// As much as may be at once: nobody who attacks respects a window.
	return c, c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
}

func (c *http2Conn) call() (uint32, error) {
	id := c.next
	c.next += 2
	return id, c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: c.headers, EndHeaders: true})
}

// until reads frames until the connection ends or n calls are answered.
func (c *http2Conn) until(n int, a *answers) {
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for n > 0 {
		frame, err := c.ReadFrame()
		if err != nil {
			a.add(broken(err))
			return
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			for _, h := range f.Fields {
				if h.Name == "grpc-status" {
					a.add("grpc " + h.Value)
					n--
				}
			}
		case *http2.RSTStreamFrame:
			a.add("reset")
			n--
		case *http2.GoAwayFrame:
			a.add("go away")
			return
		}
	}
}

// windows are what a well-behaved HTTP/2 sender waits for: that of its stream and that of the connection.
type windows struct {
	mu   sync.Mutex
	cond *sync.Cond
	conn int64
	byID map[uint32]int64
	dead bool
}

func (c *http2Conn) windows() *windows {
	w := &windows{conn: 65535, byID: map[uint32]int64{}}
	w.cond = sync.NewCond(&w.mu)
	go func() {
		initial := int64(65535)
		for {
			frame, err := c.ReadFrame()
			w.mu.Lock()
			if err != nil {
				w.dead = true
				w.cond.Broadcast()
				w.mu.Unlock()
				return
			}
			switch f := frame.(type) {
			case *http2.WindowUpdateFrame:
				if f.StreamID == 0 {
					w.conn += int64(f.Increment)
				} else {
					w.byID[f.StreamID] += int64(f.Increment)
				}
			case *http2.SettingsFrame:
				if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
					for id := range w.byID {
						w.byID[id] += int64(v) - initial
					}
					initial = int64(v)
				}
			}
			w.cond.Broadcast()
			w.mu.Unlock()
		}
	}()
	return w
}

// take waits for up to n bytes of window for a stream.
func (w *windows) take(id uint32, n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.byID[id]; !ok {
		w.byID[id] = 65535
	}
	for !w.dead && (w.conn <= 0 || w.byID[id] <= 0) {
		w.cond.Wait()
	}
	if w.dead {
		return 0
	}
	n = int(min(int64(n), w.conn, w.byID[id], 16384))
	w.conn -= int64(n)
	w.byID[id] -= int64(n)
	return n
}

// grpcHolds opens connections whose streams send size bytes of a message that never ends.
func grpcHolds(conns, streams, size int, hold time.Duration) act {
	return func(ctx context.Context, to targets) (a *answers) {
		a = new(answers)
		body := make([]byte, 16384)
		var wg sync.WaitGroup
		for range conns {
			wg.Go(func() {
				c, err := dialHTTP2(to.otlpGRPC, "")
				if err != nil {
					a.add("not connected")
					return
				}
				defer c.Close()
				w := c.windows()
				left := map[uint32]int{}
				for range streams {
					id, err := c.call()
					if err != nil {
						a.add("closed")
						return
					}
					_ = c.WriteData(id, false, binary.BigEndian.AppendUint32([]byte{0}, uint32(size+1000)))
					left[id] = size
				}
				for len(left) > 0 {
					for id, n := range left {
						take := w.take(id, min(n, len(body)))
						if take == 0 || c.WriteData(id, false, body[:take]) != nil {
							a.add("closed")
							return
						}
						if left[id] -= take; left[id] <= 0 {
							delete(left, id)
						}
					}
				}
				select {
				case <-ctx.Done():
				case <-time.After(hold):
				}
				w.mu.Lock()
				dead := w.dead
				w.mu.Unlock()
				if dead {
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

// grpcCalls sends the message as calls on some connections at once. Without end the client never ends its side.
func grpcCalls(conns, calls int, encoding string, message []byte, end bool) act {
	flag := byte(0)
	if encoding != "" {
		flag = 1
	}
	framed := append(binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(message))), message...)
	return func(ctx context.Context, to targets) (a *answers) {
		a = new(answers)
		var wg sync.WaitGroup
		for range conns {
			wg.Go(func() {
				c, err := dialHTTP2(to.otlpGRPC, encoding)
				if err != nil {
					a.add("not connected")
					return
				}
				defer c.Close()
				if len(framed) < 60_000 {
					go func() {
						for range calls {
							id, err := c.call()
							for rest := framed; err == nil && len(rest) > 0; {
								n := min(len(rest), 16384)
								err = c.WriteData(id, end && n == len(rest), rest[:n])
								rest = rest[n:]
							}
							if err != nil {
								return
							}
						}
					}()
					c.until(calls, a)
					return
				}
				w := c.windows()
				for range calls {
					id, err := c.call()
					for rest := framed; err == nil && len(rest) > 0; {
						n := w.take(id, len(rest))
						if n == 0 {
							err = io.EOF
							break
						}
						err = c.WriteData(id, end && n == len(rest), rest[:n])
						rest = rest[n:]
					}
					if err != nil {
						a.add("closed")
						return
					}
					a.add("sent")
				}
				select {
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			})
		}
		wg.Wait()
		return a
	}
}

// frameFloods writes frames as fast as they go, on some connections.
func frameFloods(conns int, frame func(c *http2Conn) error) act {
	return func(_ context.Context, to targets) (a *answers) {
		a = new(answers)
		var wg sync.WaitGroup
		for range conns {
			wg.Go(func() {
				c, err := dialHTTP2(to.otlpGRPC, "")
				if err != nil {
					a.add("not connected")
					return
				}
				defer c.Close()
				go func() { _, _ = io.Copy(io.Discard, c.Conn) }()
				for end := time.Now().Add(floodsLast); time.Now().Before(end); {
					if err := frame(c); err != nil {
						a.add("closed")
						return
					}
				}
				a.add("held")
			})
		}
		wg.Wait()
		return a
	}
}
