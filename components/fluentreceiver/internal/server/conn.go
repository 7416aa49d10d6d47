package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/handshake"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/jsonmode"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

const (
	handshakeTimeout = 10 * time.Second
	writeTimeout     = 30 * time.Second
)

// conn is a connection. Between messages it has no buffer.
type conn struct {
	net.Conn
	raw     net.Conn // what was accepted, under TLS
	server  *Server
	in      *buffer
	failed  error // nothing more can be read after the messages that were
	first   [1]byte
	json    bool
	served  bool        // a message has been taken
	evicted atomic.Bool // others need the memory of its message
}

// run serves the connection and returns why it ended: nil if the peer or the server was done with it, else a *Refusal.
func (c *conn) run() error {
	if err := c.startTLS(); err != nil {
		return err
	}
	if err := c.shakeHands(); err != nil {
		return err
	}
	var messages []Message
	for {
		var err error
		messages, err = c.next(messages[:0])
		switch {
		case errors.Is(err, io.EOF):
			if !c.served {
				c.server.handler.Beat(BeatConnection)
			}
			return nil
		case err != nil:
			return err
		}
		c.served = true
		if err := c.handle(messages); err != nil {
			return err
		}
		clear(messages)
	}
}

func (c *conn) startTLS() error {
	if c.server.set.TLS == nil {
		return nil
	}
	t := tls.Server(c.Conn, c.server.set.TLS)
	c.Conn = t
	ctx, cancel := context.WithTimeout(c.server.ctx, handshakeTimeout)
	defer cancel()
	err := t.HandshakeContext(ctx)
	var header tls.RecordHeaderError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF):
		// Opened and closed: somebody looks whether the port is open.
		c.server.handler.Beat(BeatConnection)
		return io.EOF
	case errors.As(err, &header):
		return refuse(TLS, "the client speaks no TLS, and this port does: switch TLS on at the client, or leave tls out here")
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return refuse(Timeout, "the TLS handshake took longer than 10 s")
	}
	return &Refusal{TLS, fmt.Errorf("TLS handshake: %w", err)}
}

func (c *conn) shakeHands() error {
	if c.server.set.Policy == nil {
		return nil
	}
	policy, ok := c.server.set.Policy(c.RemoteAddr())
	if !ok {
		return refuse(Auth, "the client's address is in none of security::clients, and allow_anonymous is off")
	}
	if policy == nil {
		return nil
	}
	session, helo := handshake.Begin(*policy)
	if err := c.write(helo); err != nil {
		return io.EOF
	}
	ping, err := c.readPing()
	if err != nil {
		return err
	}
	pong, err := session.Answer(ping)
	if pong != nil {
		if e := c.write(pong); e != nil && err == nil {
			return io.EOF
		}
	}
	c.in.drop(len(ping))
	c.rest()
	if err != nil {
		return &Refusal{Auth, err}
	}
	return nil
}

// readPing reads one value, which is a PING or what came in its place.
func (c *conn) readPing() ([]byte, error) {
	deadline := time.Now().Add(handshakeTimeout)
	c.in = newBuffer(c.server.set.Pools)
	for {
		n, done, err := c.in.scan.Feed(c.in.unscanned())
		if err != nil {
			return nil, &Refusal{Auth, handshake.ErrNoPing}
		}
		c.in.scanned += n
		if done {
			c.in.scan.Reset()
			return c.in.bytes[:c.in.scanned], nil
		}
		if len(c.in.bytes) >= handshake.MaxPing {
			return nil, &Refusal{Auth, handshake.ErrNoPing}
		}
		if err := c.fill(deadline); err != nil {
			if isTimeout(err) {
				return nil, refuse(Timeout, "the handshake took longer than 10 s: does the client have a shared key?")
			}
			if errors.Is(err, io.EOF) && len(c.in.bytes) == 0 {
				c.server.handler.Beat(BeatConnection)
				return nil, io.EOF
			}
			return nil, refuse(Aborted, "the client ended inside the handshake")
		}
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// write writes b in one piece: clients read an answer with one read and fail if that is not all of it.
func (c *conn) write(b []byte) error {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.Write(b)
	return err
}

// handle has messages taken and acknowledges the last.
func (c *conn) handle(messages []Message) error {
	whole := time.Now()
	last := messages[len(messages)-1]
	messages = slices.DeleteFunc(messages, func(m Message) bool {
		if m.Mode == heartbeat {
			c.server.handler.Beat(BeatNil)
		}
		return m.Mode == heartbeat
	})
	if len(messages) > 0 {
		if err := c.server.handler.Take(c.server.ctx, c.RemoteAddr(), messages); err != nil {
			return err
		}
	}
	if len(last.Chunk) > 0 {
		if c.write(ack(last)) != nil {
			// It has gone. It will send the chunk again, to somebody.
			return io.EOF
		}
		c.server.handler.Acked(time.Since(whole))
	}
	c.rest()
	return nil
}

func ack(m Message) []byte {
	if m.JSON {
		return jsonmode.Ack(m.Chunk)
	}
	b := make([]byte, 0, 5+len(m.Chunk))
	return append(append(b, "\x81\xa3ack"...), m.Chunk...)
}

// rest drops the messages that were handled, and the buffer if nothing follows them.
func (c *conn) rest() {
	c.in.drop(c.in.taken)
	if len(c.in.bytes) == 0 {
		c.release()
	}
}

func (c *conn) release() {
	if c.in != nil {
		c.in.release()
		c.in = nil
	}
}

// closing reports whether no further message shall be read.
func (c *conn) closing() bool {
	select {
	case <-c.server.closing:
		return true
	default:
		return false
	}
}

// malformed explains bytes that are no message, as far as they tell.
func malformed(err error, first byte) *Refusal {
	switch {
	case first == 0x16:
		return refuse(TLS, "the client speaks TLS, and this port does not: set tls, or switch TLS off at the client")
	case first >= 'A' && first <= 'Z':
		return refuse(Malformed, "the client speaks HTTP or another text protocol, not Fluent forward")
	case errors.Is(err, msgpack.ErrDepth):
		return &Refusal{Malformed, err}
	}
	return &Refusal{Malformed, fmt.Errorf("no Fluent message: %w", err)}
}
