package grpcguard

import (
	"context"
	"net"
	"sync"
	"time"

	_ "go.opentelemetry.io/collector/config/configgrpc" // registers its compressors first, so that ours wrap them
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

// Options are what a Guard needs to know.
type Options struct {
	Pools *admission.Pools
	// Body bounds a message: its length decompressed, and the pace at which it must arrive.
	Body httpbody.Limits
	// MaxReceive bounds the time a message may take to arrive, whatever its pace.
	MaxReceive time.Duration
	MaxDepth   int
	// MaxStreams is how many calls one connection may have open.
	MaxStreams uint32
	// Base is the receiver's own security; nil: none.
	Base credentials.TransportCredentials
	// Listener names who listens at an address.
	Listener func(net.Addr) string
}

const (
	handshakeTimeout = 10 * time.Second
	headerListBytes  = 16 << 10
	// streamBytes is what an open call is priced at: its goroutine, contexts, headers and first buffer.
	streamBytes = 16 << 10
	// readAhead is how much a connection on which messages come reads at a time.
	readAhead = 32 << 10
)

// Guard guards one server.
type Guard struct{ Options }

// New returns a Guard. From then on messages that arrive compressed pay while they are inflated.
func New(o Options) *Guard {
	if o.Base == nil {
		o.Base = insecure.NewCredentials()
	}
	if o.Body.MinBytesPerSecond == 0 {
		o.Body.MinBytesPerSecond = httpbody.DefaultMinBytesPerSecond
	}
	if o.Body.Grace == 0 {
		o.Body.Grace = httpbody.DefaultGrace
	}
	inflating.use(o.Pools, o.Body)
	return &Guard{o}
}

// ServerOptions returns the options of a guarded server. They stand behind the server's own, so they win.
func (g *Guard) ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(&gate{TransportCredentials: g.Base, guard: g}),
		grpc.InTapHandle(g.tap),
		grpc.StatsHandler(observer{}),
		grpc.ForceServerCodecV2(&codec{next: encoding.GetCodecV2("proto"), guard: g}),
		grpc.ChainUnaryInterceptor(g.unary),
		grpc.ChainStreamInterceptor(g.stream),
		grpc.ConnectionTimeout(handshakeTimeout),
		grpc.MaxHeaderListSize(headerListBytes),
		grpc.MaxConcurrentStreams(g.MaxStreams),
		grpc.ReadBufferSize(0),
	}
}

// unary gives the verdict the codec left, and pays back when the call has been answered.
func (g *Guard) unary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	call := callOf(ctx)
	call.arrived()
	m := verdicts.take(req)
	if m == nil {
		return next(ctx, req)
	}
	defer m.release()
	if m.refusal != nil {
		call.report(g, m.refusal, m.bytes)
		return nil, statusOf(m.refusal)
	}
	m.hold.EvictWith(nil)
	m.hold.Shrink(m.inflated) // grpc-go has freed these buffers
	return next(ctx, req)
}

// stream is for services that are no OTLP's: their messages are decoded unpriced, their bytes are paid for all the same.
func (g *Guard) stream(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	callOf(ss.Context()).arrived()
	return next(srv, ss)
}

// statusOf is what a refusal is to a gRPC client. OTLP's send again on UNAVAILABLE, and not on INVALID_ARGUMENT.
func statusOf(r *admission.Refusal) error {
	if r.Retry == 0 {
		return status.Error(codes.InvalidArgument, "the request "+r.Message)
	}
	s := status.New(codes.Unavailable, "the request "+r.Message)
	if detailed, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(r.Retry)}); err == nil {
		s = detailed
	}
	return s.Err()
}

// message is what was decided about one, on its way from the codec to the interceptor.
type message struct {
	hold     admission.Hold // of the decoding pool
	refusal  *admission.Refusal
	bytes    int64
	inflated int64    // what hold has for the bytes alone
	turn     bool     // it has one of turns
	before   *message // of the same call: a client's second message, which grpc-go refuses after decoding it
}

func (m *message) release() {
	for ; m != nil; m = m.before {
		m.hold.Release()
	}
}

// verdicts are the messages by their request's pointer.
var verdicts verdictMap

type verdictMap struct{ m sync.Map }

func (v *verdictMap) put(req any, m *message) {
	if before, ok := v.m.Swap(req, m); ok {
		m.before = before.(*message)
	}
}

func (v *verdictMap) take(req any) *message {
	m, ok := v.m.LoadAndDelete(req)
	if !ok {
		return nil
	}
	return m.(*message)
}
