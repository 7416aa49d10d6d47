package server

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/jsonmode"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

const heartbeat = decode.Heartbeat

// Messages that want no acknowledgement are taken together, as far as they have arrived.
const (
	maxTogether      = 256
	maxTogetherBytes = 1 << 20
)

var errNoMessage = errors.New("a message must be an array")

// next reads until there is a message and returns it, with those that arrived behind it. io.EOF says that the peer, or the server, is
// done.
func (c *conn) next(messages []Message) ([]Message, error) {
	if c.failed != nil {
		return nil, c.failed
	}
	if c.in == nil {
		if err := c.awaitFirst(); err != nil {
			return nil, err
		}
	}
	c.in.began = time.Now()
	for {
		more, err := c.scan(&messages)
		if err != nil {
			if len(messages) > 0 {
				// Those before are good.
				c.failed = err
				return messages, nil
			}
			return nil, err
		}
		if len(messages) > 0 || !more {
			return messages, nil
		}
		limit := c.maxMessage()
		if int64(len(c.in.bytes))+max(c.in.pending(), 1) > limit {
			return nil, refuse(TooLarge, fmt.Sprintf("a message of more than %d bytes, the most that max_message_bytes and the memory limit allow", limit))
		}
		if err := c.room(limit); err != nil {
			return nil, err
		}
		if err := c.fill(c.in.began.Add(c.server.set.MessageTimeout)); err != nil {
			return nil, c.ended(err)
		}
	}
}

// maxMessage bounds one message. While its buffer grows, the old one and the new one are there.
func (c *conn) maxMessage() int64 {
	limit := c.server.set.Pools.Reception.Largest() / 5 * 2
	if n := c.server.set.MaxMessageBytes; n > 0 && n < limit {
		return n
	}
	return limit
}

// awaitFirst waits for the first byte of a message, without a buffer.
func (c *conn) awaitFirst() error {
	var deadline time.Time
	if d := c.server.set.IdleTimeout; d > 0 {
		deadline = time.Now().Add(d)
	}
	if err := c.SetReadDeadline(deadline); err != nil {
		return io.EOF
	}
	if c.closing() {
		return io.EOF
	}
	n, _ := c.Read(c.first[:])
	if n == 0 {
		return io.EOF // ended, reset, idle for too long: nothing is lost
	}
	c.evicted.Store(false)
	c.in = newBuffer(c.server.set.Pools)
	c.in.bytes = append(c.in.bytes, c.first[0])
	if !c.served {
		c.json = jsonmode.Begins(c.first[0])
	}
	return nil
}

// scan appends the messages that are whole, and reports whether bytes are missing to the next.
func (c *conn) scan(messages *[]Message) (more bool, err error) {
	in := c.in
	for in.scanned < len(in.bytes) {
		start := in.taken
		if in.scanned == start && !c.json {
			if k := (&msgpack.Reader{Buf: in.bytes, Pos: start}).Kind(); k != msgpack.Array && k != msgpack.Nil {
				return false, malformed(errNoMessage, in.bytes[start])
			}
		}
		done, err := c.feed()
		if err != nil {
			return false, malformed(err, in.bytes[start])
		}
		if !done {
			return true, nil
		}
		m, err := c.message(in.bytes[start:in.scanned])
		if err != nil {
			return false, malformed(err, in.bytes[start])
		}
		in.taken = in.scanned
		in.reset()
		*messages = append(*messages, m)
		if len(m.Chunk) > 0 || len(*messages) == maxTogether || in.taken >= maxTogetherBytes {
			return false, nil
		}
	}
	return true, nil
}

func (c *conn) feed() (done bool, err error) {
	var n int
	if c.json {
		n, done, err = c.in.jsonScan.Feed(c.in.unscanned())
	} else {
		n, done, err = c.in.scan.Feed(c.in.unscanned())
	}
	c.in.scanned += n
	return done, err
}

// message reads the header of a whole message.
func (c *conn) message(raw []byte) (m Message, err error) {
	m = Message{Bytes: len(raw), JSON: c.json}
	elements := c.in.scan.Elements[:]
	if c.json {
		if raw, err = jsonmode.ToMessagePack(raw); err != nil {
			return m, err
		}
		var s msgpack.Scanner
		if _, done, err := s.Feed(raw); err != nil || !done {
			return m, jsonmode.ErrSyntax
		}
		elements = s.Elements[:]
	}
	m.Header, err = decode.ParseHeader(raw, elements)
	return m, err
}

// room makes room for more bytes. While there is no memory for them the connection is not read.
func (c *conn) room(limit int64) error {
	if len(c.in.bytes) < cap(c.in.bytes) {
		return nil
	}
	until := time.Now().Add(c.server.set.MaxWait)
	stop := func() {
		c.evicted.Store(true)
		_ = c.raw.SetReadDeadline(past)
	}
	for {
		began := time.Now()
		err := c.in.grow(c.server.ctx, limit, stop)
		if err == nil {
			return nil
		}
		r := admission.AsRefusal(err)
		switch {
		case r == nil:
			return io.EOF // the server ends
		case r.Retry == 0:
			return &Refusal{TooLarge, err}
		case time.Since(began) < c.server.set.Pools.Limits().MaxWait/2, time.Now().After(until), c.closing():
			// Refused without a wait: all who have a part of a message wait for more, so somebody must give up.
			return &Refusal{Busy, err}
		}
	}
}

// fill reads more bytes, until deadline and no longer than ReadTimeout.
func (c *conn) fill(deadline time.Time) error {
	if t := time.Now().Add(c.server.set.ReadTimeout); t.Before(deadline) {
		deadline = t
	}
	if err := c.SetReadDeadline(deadline); err != nil {
		return err
	}
	if c.closing() || c.evicted.Load() {
		return errStopped
	}
	b := c.in.bytes
	c.in.hold.PeerWait()
	n, err := c.Read(b[len(b):cap(b)])
	c.in.hold.PeerDone()
	c.in.bytes = b[:len(b)+n]
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

var errStopped = errors.New("stopped")

// ended says why the bytes of a message end before it does.
func (c *conn) ended(err error) error {
	switch {
	case c.evicted.Load():
		return refuse(Busy, "others wait for the memory that the slow client's message takes")
	case c.closing(), errors.Is(err, errStopped):
		return io.EOF
	case isTimeout(err):
		if time.Since(c.in.began) >= c.server.set.MessageTimeout {
			return refuse(Timeout, "a message took longer than message_timeout")
		}
		return refuse(Timeout, "no byte came inside a message for read_timeout")
	}
	return refuse(Aborted, "the client ended inside a message")
}
