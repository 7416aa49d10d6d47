package grpcguard

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/tap"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

type (
	connKey struct{}
	callKey struct{}
)

// call is one RPC, from its headers on.
type call struct {
	conn   *conn
	hold   admission.Hold // of the reception pool: streamBytes
	cancel context.CancelFunc
	timer  *time.Timer
	done   atomic.Bool // its message has arrived, or will not
	req    any         // the request, once decoded
}

// none is the call of a context that did not come through the tap.
var none = &call{cancel: func() {}}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return none
}

// tap runs on the connection's reader before anything is allocated for the call, and must not wait.
func (g *Guard) tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	c := &call{}
	c.conn, _ = ctx.Value(connKey{}).(*conn)
	c.hold.Open(g.Pools.Reception)
	if err := c.hold.TryGrow(streamBytes); err != nil {
		c.report(g, admission.AsRefusal(err), 0)
		return nil, statusOf(admission.AsRefusal(err))
	}
	c.conn.begin()
	// When the stream ends, whatever ends it.
	context.AfterFunc(ctx, func() {
		c.arrived()
		c.conn.end()
		c.hold.Release()
	})
	ctx, c.cancel = context.WithCancel(context.WithValue(ctx, callKey{}, c))
	c.timer = time.AfterFunc(g.MaxReceive, func() {
		if !c.done.Load() {
			c.report(g, admission.RefuseForNow(admission.ReasonPace, "took longer than max_receive to arrive"), 0)
			c.cancel()
		}
	})
	return ctx, nil
}

// arrived says, once, that the call's message has been received whole, or will not be.
func (c *call) arrived() {
	if c == none || c.done.Swap(true) {
		return
	}
	c.timer.Stop()
	c.conn.arrived()
}

func (c *call) report(g *Guard, refusal *admission.Refusal, bytes int64) {
	e := admission.Event{Refusal: refusal, Bytes: bytes}
	if c.conn != nil {
		e.Listener, e.Peer = g.Listener(c.conn.Conn.LocalAddr()), c.conn.RemoteAddr().String()
	}
	g.Pools.Report(e)
}

// observer is told by grpc-go what happens to connections and calls.
type observer struct{}

var _ stats.Handler = observer{}

// TagConn finds the conn that the handshake made.
func (observer) TagConn(ctx context.Context, i *stats.ConnTagInfo) context.Context {
	if a, ok := i.LocalAddr.(address); ok {
		return context.WithValue(ctx, connKey{}, a.conn)
	}
	return ctx
}

// HandleConn implements stats.Handler.
func (observer) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC implements stats.Handler.
func (observer) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC learns which request a call has, so that it is paid back when no interceptor runs: because an outer one refused,
// or because the client never ends its side.
func (observer) HandleRPC(ctx context.Context, s stats.RPCStats) {
	switch s := s.(type) {
	case *stats.InPayload:
		c := callOf(ctx)
		if c == none {
			return
		}
		if m, ok := verdicts.m.Load(s.Payload); ok {
			c.req = s.Payload
			m := m.(*message)
			m.hold.PeerWait() // for the end of its side
			m.hold.EvictWith(c.cancel)
		}
	case *stats.End:
		if c := callOf(ctx); c != none && c.req != nil {
			if m := verdicts.take(c.req); m != nil {
				m.release()
			}
		}
	}
}

// address is the local address of a connection, which TagConn is given. The remote one stays what it is: others look at its type.
type address struct {
	net.Addr
	conn *conn
}
