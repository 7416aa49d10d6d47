package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/handshake"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// Settings are what a server is given.
type Settings struct {
	// Name is what the pools know the listener by.
	Name string
	// TLS is nil for plain connections.
	TLS *tls.Config
	// Policy returns what a client at an address must know; nil for no handshake. ok is false for one that may not come at all.
	Policy func(net.Addr) (p *handshake.Policy, ok bool)

	MaxConnections  int
	MaxMessageBytes int64 // 0: two fifths of what the reception pool gives one request

	ReadTimeout, MessageTimeout time.Duration
	IdleTimeout                 time.Duration // 0: none
	// MaxWait bounds the wait for memory to read the rest of a message.
	MaxWait time.Duration
	Pools   *admission.Pools
}

// Reason is why something was refused.
type Reason string

// The reasons.
const (
	Busy        Reason = "busy"        // no memory for it within max_wait
	Pipeline    Reason = "pipeline"    // the pipeline did not take it within max_wait
	Permanent   Reason = "permanent"   // the pipeline will never take it
	TooLarge    Reason = "too_large"   // over a limit that can be raised
	Malformed   Reason = "malformed"   // no Fluent message
	Timeout     Reason = "timeout"     // the peer did not go on
	Auth        Reason = "auth"        // the handshake failed
	TLS         Reason = "tls"         // TLS on a plain port, plain text on a TLS port, or a failed TLS handshake
	Connections Reason = "connections" // too many of them
	Aborted     Reason = "aborted"     // the peer ended inside a message
)

// Refusal is an error with a reason.
type Refusal struct {
	Reason Reason
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(reason Reason, text string) *Refusal { return &Refusal{reason, errors.New(text)} }

// Message is one whole message. It is valid until Take returns.
type Message struct {
	decode.Header
	Bytes int
	JSON  bool
}

// Beat is a sign of life that carries nothing.
type Beat string

// The beats.
const (
	BeatConnection Beat = "connection" // opened and closed, after a handshake if there is one
	BeatNil        Beat = "nil"        // nil in place of a message
	BeatDatagram   Beat = "datagram"
)

// Handler takes what arrives. Its methods are called by many goroutines at a time.
type Handler interface {
	// Take takes messages that arrived together; only the last of them may want an acknowledgement, and gets it when Take returns
	// nil. With an error the connection is closed without.
	Take(ctx context.Context, peer net.Addr, messages []Message) error
	// Refused is told of everything refused, Take's own errors included.
	Refused(peer net.Addr, r *Refusal)
	// Acked is told of an acknowledgement and how long after the end of the message it was written.
	Acked(d time.Duration)
	Beat(b Beat)
}

// Server serves listeners.
type Server struct {
	set     Settings
	handler Handler
	ctx     context.Context // ends when Shutdown waits no longer
	cancel  context.CancelFunc
	closing chan struct{}

	mu        sync.Mutex
	closed    bool
	listeners []net.Listener
	conns     map[*conn]struct{}
	running   sync.WaitGroup
}

// New returns a server.
func New(set Settings, handler Handler) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{set: set, handler: handler, ctx: ctx, cancel: cancel, closing: make(chan struct{}), conns: make(map[*conn]struct{})}
}

// Closing is closed when the server begins to shut down: who waits to try again shall not.
func (s *Server) Closing() <-chan struct{} { return s.closing }

// Open is how many connections there are.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Serve accepts connections in the background until Shutdown. failed is called when accepting ends for another reason.
func (s *Server) Serve(l net.Listener, failed func(error)) {
	l = s.set.Pools.Listener(l, s.set.Name)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, l)
	s.running.Add(1)
	go func() {
		defer s.running.Done()
		if err := s.accept(l); err != nil {
			failed(err)
		}
	}()
}

const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

func (s *Server) accept(l net.Listener) error {
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		if err == nil {
			pause = 0
			s.admit(nc)
			continue
		}
		select {
		case <-s.closing:
			return nil
		default:
		}
		// Out of file descriptors is the usual reason. It passes.
		var temporary interface{ Temporary() bool }
		if !errors.As(err, &temporary) || !temporary.Temporary() {
			return err
		}
		s.handler.Refused(nil, &Refusal{Connections, err})
		pause = min(max(2*pause, firstPause), lastPause)
		select {
		case <-s.closing:
			return nil
		case <-time.After(pause):
		}
	}
}

func (s *Server) admit(nc net.Conn) {
	c := &conn{Conn: nc, raw: nc, server: s}
	s.mu.Lock()
	full := len(s.conns) >= s.set.MaxConnections
	if !s.closed && !full {
		s.conns[c] = struct{}{}
		s.running.Add(1)
		go s.serve(c)
	}
	closed := s.closed
	s.mu.Unlock()
	if full && !closed {
		s.handler.Refused(nc.RemoteAddr(), refuse(Connections, "max_connections are open"))
	}
	if closed || full {
		nc.Close()
	}
}

func (s *Server) serve(c *conn) {
	defer s.running.Done()
	peer := c.RemoteAddr()
	err := c.run()
	c.release()
	var r *Refusal
	if errors.As(err, &r) {
		s.handler.Refused(peer, r)
	}
	c.Close()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// Shutdown stops accepting, lets the handler finish what it has and closes every connection. When ctx ends first, the handler's context
// ends too.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	var err error
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	for _, l := range s.listeners {
		err = errors.Join(err, l.Close())
	}
	s.listeners = nil
	for c := range s.conns {
		// Whoever reads stops reading; what is being handled is finished.
		_ = c.raw.SetReadDeadline(past)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.cancel()
		s.mu.Lock()
		for c := range s.conns {
			c.raw.Close()
		}
		s.mu.Unlock()
		<-done
		err = errors.Join(err, ctx.Err())
	}
	s.cancel()
	return err
}

// past is a deadline that is over.
var past = time.Unix(1, 0)
