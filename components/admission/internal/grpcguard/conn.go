package grpcguard

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

const (
	// free is what a connection's messages may hold unpaid: it is in the connection's price.
	free = 4 << 10
	// chargeStep is how much more is taken from the pool at a time.
	chargeStep = 8 << 10
	// deadlineEvery is how often the connection's deadline is moved.
	deadlineEvery = 100 * time.Millisecond
)

// gate wraps what the receiver's own handshake returns.
type gate struct {
	credentials.TransportCredentials
	guard *Guard
}

// Clone implements credentials.TransportCredentials.
func (t *gate) Clone() credentials.TransportCredentials {
	return &gate{t.TransportCredentials.Clone(), t.guard}
}

// ServerHandshake implements credentials.TransportCredentials.
func (t *gate) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	g := t.guard
	place, err := g.Pools.Connections.Enter(raw.RemoteAddr(), admission.GRPCConnectionBytes)
	if err != nil {
		g.Pools.Report(admission.Event{Listener: g.Listener(raw.LocalAddr()), Refusal: admission.AsRefusal(err), Peer: raw.RemoteAddr().String()})
		return nil, nil, err
	}
	secured, info, err := t.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		place.Leave()
		return nil, nil, err
	}
	c := &conn{Conn: secured, guard: g, place: place}
	c.hold.Open(g.Pools.Reception)
	c.hold.EvictWith(func() {
		c.refuse(admission.RefuseForNow(admission.ReasonPace, "arrived slowly while others waited for memory"))
	})
	// grpc-go closes the raw connection, not this, when it cannot begin to serve it.
	runtime.AddCleanup(c, func(p *admission.Connection) { p.Leave() }, place)
	return c, info, nil
}

// conn is a connection that reads no more than is paid for.
type conn struct {
	net.Conn
	guard *Guard
	place *admission.Connection
	hold  admission.Hold // of the reception pool: what belongs to messages that have not arrived

	mu     sync.Mutex
	frames frames
	open   int   // calls
	coming int   // calls whose message has not arrived
	taken  int64 // in hold
	closed bool
	// The pace is measured anew when a message begins to come where none did, and when one has arrived.
	bytes  int64
	waited time.Duration // what hold had waited then

	// The reader's own.
	moved  time.Time // when it set the deadline
	buffer []byte    // what was read ahead, in a buffer of its own while messages come; nil: none
	ahead  *[]byte   // where buffer is
}

// LocalAddr implements net.Conn; see address.
func (c *conn) LocalAddr() net.Addr { return address{c.Conn.LocalAddr(), c} }

// NetConn returns the connection underneath.
func (c *conn) NetConn() net.Conn { return c.Conn }

var errClosed = errors.New("closed: the connection used more memory or time than it may")

// headerBytes is what grpc-go asks for when it has nothing left to read: a frame's head.
const headerBytes = 9

var buffers = sync.Pool{New: func() any { b := make([]byte, readAhead); return &b }}

// Read implements net.Conn. It is called by the connection's one reader, which also calls the tap. It reads ahead, so grpc-go
// has no buffer of its own; a connection that waits for its next message has none either.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.buffer) == 0 {
		c.mu.Lock()
		idle := c.coming == 0 || c.frames.between()
		c.mu.Unlock()
		switch {
		case len(p) >= readAhead/2:
			return c.receive(p)
		case idle && len(p) == headerBytes:
			c.dropBuffer()
			return c.receive(p)
		case c.ahead == nil && c.hold.TryGrow(readAhead) != nil:
			return c.receive(p)
		case c.ahead == nil:
			c.ahead = buffers.Get().(*[]byte)
		}
		n, err := c.receive(*c.ahead)
		if n == 0 {
			return 0, err
		}
		c.buffer = (*c.ahead)[:n]
	}
	n := copy(p, c.buffer)
	c.buffer = c.buffer[n:]
	return n, nil
}

// dropBuffer gives the buffer back. What it held of the pool is given back with it.
func (c *conn) dropBuffer() {
	if c.ahead != nil {
		buffers.Put(c.ahead)
		c.ahead, c.buffer = nil, nil
		c.hold.Shrink(readAhead)
	}
}

// receive reads from the connection and pays for what came.
func (c *conn) receive(p []byte) (int, error) {
	for {
		if err := c.pace(); err != nil {
			return 0, err
		}
		c.hold.PeerWait()
		n, err := c.Conn.Read(p)
		c.hold.PeerDone()
		if n > 0 {
			return n, c.charge(p[:n])
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || c.moved.IsZero() {
			return n, err
		}
		// Our deadline. Where the message has arrived meanwhile it means nothing any more.
		c.mu.Lock()
		coming := c.coming
		c.mu.Unlock()
		if coming > 0 {
			return 0, c.tooSlow()
		}
	}
}

// pace sets the deadline of a connection on which a message is coming, and none where nothing is.
func (c *conn) pace() error {
	c.mu.Lock()
	coming, bytes, waited := c.coming, c.bytes, c.waited
	c.mu.Unlock()
	if coming == 0 {
		if !c.moved.IsZero() {
			c.moved = time.Time{}
			return c.Conn.SetReadDeadline(time.Time{})
		}
		return nil
	}
	now := time.Now()
	if now.Sub(c.moved) <= deadlineEvery {
		return nil
	}
	limits := c.guard.Body
	left := limits.Grace + time.Duration(float64(bytes)/float64(limits.MinBytesPerSecond)*float64(time.Second)) - (c.hold.PeerWaited() - waited)
	if left <= 0 {
		return c.tooSlow()
	}
	c.moved = now
	return c.Conn.SetReadDeadline(now.Add(min(left, limits.Grace)))
}

// charge pays for what came, before grpc-go may keep it.
func (c *conn) charge(p []byte) error {
	c.mu.Lock()
	c.bytes += int64(len(p))
	c.frames.read(p)
	if c.frames.long {
		c.mu.Unlock()
		c.refuse(admission.Refuse(admission.ReasonMalformed, "sends frames longer than %d bytes, the most that was announced", maxFrame))
		return errClosed
	}
	need := c.frames.owed() - free - c.taken
	if need <= 0 {
		c.mu.Unlock()
		return nil
	}
	need = (need + chargeStep - 1) / chargeStep * chargeStep
	c.mu.Unlock()
	if err := c.hold.Grow(context.Background(), need); err != nil {
		refusal := refusalOf(err)
		if refusal.Reason == admission.ReasonPrice {
			refusal = admission.RefuseForNow(admission.ReasonSize, "has more bytes of unfinished messages than the whole pool has")
		}
		c.refuse(refusal)
		return errClosed
	}
	c.mu.Lock()
	c.taken += need
	c.giveBack() // what arrived while it waited
	return nil
}

// begin counts a call whose headers came.
func (c *conn) begin() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	if c.coming++; c.coming == 1 {
		c.hold.PeerForgive(0)
		c.measure()
	}
}

// measure begins to measure the pace anew; c.mu is held.
func (c *conn) measure() { c.bytes, c.waited = 0, c.hold.PeerWaited() }

// arrived pays back for one message that has arrived, or will not.
func (c *conn) arrived() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.coming--
	if c.frames.taken() {
		// A proxy's connection may never be without a message on its way: that some arrive is what counts.
		c.hold.PeerForgive(time.Second)
		c.measure()
	}
	c.giveBack()
}

// end counts a call that is over.
func (c *conn) end() {
	if c == nil {
		return
	}
	c.mu.Lock()
	if c.open--; c.open == 0 {
		c.frames.forget()
	}
	c.giveBack()
}

// giveBack returns what is held for more than is owed, and unlocks c.mu.
func (c *conn) giveBack() {
	much := c.taken - max(0, c.frames.owed()-free)
	if much < chargeStep && (c.open > 0 || much <= 0) {
		c.mu.Unlock()
		return
	}
	c.taken -= much
	c.mu.Unlock()
	c.hold.Shrink(much)
}

func (c *conn) tooSlow() error {
	c.refuse(admission.RefuseForNow(admission.ReasonPace, "arrives slower than %d bytes per second", c.guard.Body.MinBytesPerSecond))
	return errClosed
}

// refuse ends the connection. Its clients see UNAVAILABLE, and send again.
func (c *conn) refuse(r *admission.Refusal) {
	c.mu.Lock()
	closed, bytes := c.closed, c.bytes
	c.mu.Unlock()
	if closed {
		return
	}
	_ = c.Close()
	c.guard.Pools.Report(admission.Event{
		Listener: c.guard.Listener(c.Conn.LocalAddr()), Refusal: r, Bytes: bytes, Peer: c.Conn.RemoteAddr().String(),
	})
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if !closed {
		c.place.Leave()
		c.hold.Release()
	}
	return c.Conn.Close()
}
