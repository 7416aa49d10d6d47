package grpcguard

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configgrpc"
	"go.opentelemetry.io/collector/config/configmiddleware"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/extension/extensionmiddleware"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

const mib = 1 << 20

func TestMain(m *testing.M) {
	Register()
	m.Run()
}

// middleware is an extension that gives a server a Guard's options, as the admission extension does.
type middleware struct {
	extensionmiddleware.GRPCServer
	guard *Guard
}

func (m *middleware) Start(context.Context, component.Host) error { return nil }
func (m *middleware) Shutdown(context.Context) error              { return nil }
func (m *middleware) GetGRPCServerOptions(context.Context) ([]grpc.ServerOption, error) {
	return m.guard.ServerOptions(), nil
}

// server is what an otlp receiver makes of its configuration, with a sink behind it.
type server struct {
	ptraceotlp.UnimplementedGRPCServer
	addr    string
	pools   *admission.Pools
	spans   atomic.Int64
	handler func(context.Context) error
	mu      sync.Mutex
	events  []admission.Event
}

type logSink struct {
	plogotlp.UnimplementedGRPCServer
}

func (*logSink) Export(context.Context, plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	return plogotlp.NewExportResponse(), nil
}

type metricSink struct {
	pmetricotlp.UnimplementedGRPCServer
}

func (*metricSink) Export(context.Context, pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	return pmetricotlp.NewExportResponse(), nil
}

type profileSink struct {
	pprofileotlp.UnimplementedGRPCServer
}

func (*profileSink) Export(context.Context, pprofileotlp.ExportRequest) (pprofileotlp.ExportResponse, error) {
	return pprofileotlp.NewExportResponse(), nil
}

func (s *server) Export(ctx context.Context, r ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	if s.handler != nil {
		if err := s.handler(ctx); err != nil {
			return ptraceotlp.NewExportResponse(), err
		}
	}
	s.spans.Add(int64(r.Traces().SpanCount()))
	return ptraceotlp.NewExportResponse(), nil
}

func (s *server) reasons() (reasons []admission.Reason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		reasons = append(reasons, e.Refusal.Reason)
	}
	return reasons
}

// refused waits for the first report, which comes after the connection is closed.
func (s *server) refused(t *testing.T, reason admission.Reason) {
	require.Eventually(t, func() bool { return len(s.reasons()) > 0 }, 30*time.Second, time.Millisecond)
	require.Equal(t, reason, s.reasons()[0])
}

type settings struct {
	limits admission.Limits
	body   httpbody.Limits
	tls    configoptional.Optional[configtls.ServerConfig]
	base   func(*Options)
	change func(*configgrpc.ServerConfig)
	max    time.Duration
}

func start(t *testing.T, o settings) *server {
	s := &server{pools: admission.New(o.limits)}
	s.pools.Observe(func(e admission.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	})
	if o.body.MaxBytes == 0 {
		o.body.MaxBytes = 8 * mib
	}
	if o.max == 0 {
		o.max = time.Minute
	}
	options := Options{Pools: s.pools, Body: o.body, MaxReceive: o.max, MaxDepth: 64, MaxStreams: 100, Listener: func(net.Addr) string { return "otlp/grpc" }}
	if o.base != nil {
		o.base(&options)
	}
	id := component.MustNewID("admission")
	cfg := configgrpc.NewDefaultServerConfig()
	cfg.MaxRecvMsgSizeMiB = 8
	cfg.TLS = o.tls
	cfg.Middlewares = []configmiddleware.Config{{ID: id}}
	if o.change != nil {
		o.change(&cfg)
	}
	srv, err := cfg.ToServer(t.Context(), map[component.ID]component.Component{id: &middleware{guard: New(options)}}, componenttest.NewNopTelemetrySettings())
	require.NoError(t, err)
	ptraceotlp.RegisterGRPCServer(srv, s)
	plogotlp.RegisterGRPCServer(srv, &logSink{})
	pmetricotlp.RegisterGRPCServer(srv, &metricSink{})
	pprofileotlp.RegisterGRPCServer(srv, &profileSink{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.addr = l.Addr().String()
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		<-served
		// Whatever happened, everything has been given back.
		require.Eventually(t, func() bool {
			open, _ := s.pools.Connections.Open()
			return s.pools.Reception.Usage().Held == 0 && s.pools.Decoding.Usage().Held == 0 && open == 0
		}, 30*time.Second, time.Millisecond, "reception %+v, decoding %+v", s.pools.Reception.Usage(), s.pools.Decoding.Usage())
	})
	return s
}

func dial(t *testing.T, s *server, o ...grpc.DialOption) *grpc.ClientConn {
	if len(o) == 0 {
		o = append(o, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	cc, err := grpc.NewClient(s.addr, o...)
	require.NoError(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

func spans(n int) ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range n {
		ss.AppendEmpty().SetName(strings.Repeat("name", 20))
	}
	return ptraceotlp.NewExportRequestFromTraces(td)
}

// raw sends b as a message that is not looked at before.
type raw struct{ b []byte }

type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return v.(raw).b, nil }
func (rawCodec) Unmarshal([]byte, any) error   { return nil }
func (rawCodec) Name() string                  { return "proto" }
func (rawCodec) String() string                { return "proto" }

func send(t *testing.T, cc *grpc.ClientConn, method string, b []byte, o ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return cc.Invoke(ctx, method, raw{b}, &raw{}, append(o, grpc.ForceCodec(rawCodec{}))...)
}

const traceExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

func field(num int, b []byte) []byte {
	o := binary.AppendUvarint(nil, uint64(num)<<3|2)
	o = binary.AppendUvarint(o, uint64(len(b)))
	return append(o, b...)
}

func emptySpans(n int) []byte { return field(1, field(2, bytes.Repeat([]byte{0x12, 0}, n))) }

func TestGoodRequestsPassPlainAndCompressed(t *testing.T) {
	s := start(t, settings{})
	cc := dial(t, s)
	for _, name := range []string{"identity", "gzip", "zstd", "snappy"} {
		for _, n := range []int{0, 1, 500, 20_000} {
			before := s.spans.Load()
			_, err := ptraceotlp.NewGRPCClient(cc).Export(t.Context(), spans(n), grpc.UseCompressor(name))
			require.NoError(t, err, "%s %d", name, n)
			require.EqualValues(t, n, s.spans.Load()-before, name)
		}
	}
	require.Empty(t, s.reasons())
	require.Positive(t, s.pools.Decoding.Usage().Peak)
	require.Positive(t, s.pools.Reception.Usage().Peak)
	inflating.m.Range(func(_, _ any) bool { t.Error("an inflated message is left"); return false })
	verdicts.m.Range(func(_, _ any) bool { t.Error("a verdict is left"); return false })
}

// pdata's request types are internal: they are known by name. Each is priced, or this fails.
func TestEverySignalIsPriced(t *testing.T) {
	s := start(t, settings{})
	cc := dial(t, s)
	n := bytes.Repeat([]byte{0x0a, 0}, 4_000_000)
	for _, method := range []string{
		traceExport, "/opentelemetry.proto.collector.logs.v1.LogsService/Export", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
		"/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export",
	} {
		err := send(t, cc, method, n)
		require.Equal(t, codes.InvalidArgument, status.Code(err), "%s: %v", method, err)
		require.ErrorContains(t, err, "costs more memory", method)
	}
	_, err := plogotlp.NewGRPCClient(cc).Export(t.Context(), plogotlp.NewExportRequestFromLogs(plog.NewLogs()))
	require.NoError(t, err)
	_, err = pmetricotlp.NewGRPCClient(cc).Export(t.Context(), pmetricotlp.NewExportRequestFromMetrics(pmetric.NewMetrics()))
	require.NoError(t, err)
	_, err = pprofileotlp.NewGRPCClient(cc).Export(t.Context(), pprofileotlp.NewExportRequestFromProfiles(pprofile.NewProfiles()))
	require.NoError(t, err)
}

func TestARefusalReachesTheClientWithItsReason(t *testing.T) {
	s := start(t, settings{body: httpbody.Limits{MaxBytes: 4 * mib, MaxRatio: 2000}})
	cc := dial(t, s)
	gz := grpc.UseCompressor("gzip")
	for _, c := range []struct {
		name   string
		body   []byte
		o      []grpc.CallOption
		reason admission.Reason
		text   string
	}{
		{"too dear", emptySpans(1_500_000), nil, admission.ReasonPrice, "costs more memory"},
		{"too dear, gzip", emptySpans(1_500_000), []grpc.CallOption{gz}, admission.ReasonPrice, "costs more memory"},
		{"too long, gzip", bytes.Repeat(emptySpans(10_000), 300), []grpc.CallOption{gz}, admission.ReasonSize, "is longer than"},
		{"malformed", []byte{0x0a, 0xff}, nil, admission.ReasonMalformed, "is not valid OTLP"},
		{"deep", field(1, field(2, field(2, field(9, deep(300))))), nil, admission.ReasonDepth, "nested deeper"},
		{"an id of three bytes", field(1, field(2, field(2, field(1, []byte("abc"))))), nil, admission.ReasonMalformed, "cannot be decoded"},
	} {
		before := len(s.reasons())
		err := send(t, cc, traceExport, c.body, c.o...)
		require.Equal(t, codes.InvalidArgument, status.Code(err), "%s: %v", c.name, err)
		require.ErrorContains(t, err, c.text, c.name)
		require.Equal(t, []admission.Reason{c.reason}, s.reasons()[before:], c.name)
	}
	require.Zero(t, s.spans.Load())
	e := s.events[0]
	require.Equal(t, "otlp/grpc", e.Listener)
	require.Contains(t, e.Peer, "127.0.0.1:")
}

func deep(n int) []byte {
	var b []byte
	for range n {
		b = field(6, field(1, field(2, b)))
	}
	return field(2, b)
}

func TestABusyServerAsksToTryAgain(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxWait: 10 * time.Millisecond}})
	all, err := s.pools.Decoding.Reserve(t.Context(), s.pools.Decoding.Largest())
	require.NoError(t, err)
	cc := dial(t, s)
	for _, name := range []string{"identity", "gzip"} {
		_, err = ptraceotlp.NewGRPCClient(cc).Export(t.Context(), spans(500), grpc.UseCompressor(name))
		require.Equal(t, codes.Unavailable, status.Code(err), name)
		details := status.Convert(err).Details()
		require.Len(t, details, 1)
		require.Equal(t, time.Second, details[0].(*errdetails.RetryInfo).RetryDelay.AsDuration())
	}
	all.Release()
	_, err = ptraceotlp.NewGRPCClient(cc).Export(t.Context(), spans(500))
	require.NoError(t, err)
}

func TestAnOuterInterceptorThatRefusesLeaksNothing(t *testing.T) {
	s := start(t, settings{})
	s.handler = func(context.Context) error { return status.Error(codes.PermissionDenied, "no") }
	_, err := ptraceotlp.NewGRPCClient(dial(t, s)).Export(t.Context(), spans(500))
	require.Equal(t, codes.PermissionDenied, status.Code(err))
}

// client speaks HTTP/2 by hand.
type client struct {
	net.Conn
	*http2.Framer
	t    *testing.T
	next uint32
}

func open(t *testing.T, s *server) *client {
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, http2.ClientPreface)
	require.NoError(t, err)
	c := &client{Conn: conn, Framer: http2.NewFramer(conn, conn), t: t, next: 1}
	require.NoError(t, c.WriteSettings())
	return c
}

// call sends the headers of a call and returns its stream.
func (c *client) call(extra ...string) uint32 {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	pairs := append([]string{":method", "POST", ":scheme", "http", ":path", traceExport, ":authority", "x", "content-type", "application/grpc", "te", "trailers"}, extra...)
	for i := 0; i < len(pairs); i += 2 {
		require.NoError(c.t, enc.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]}))
	}
	id := c.next
	c.next += 2
	require.NoError(c.t, c.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true}))
	return id
}

// closed waits until the server closes the connection.
func (c *client) closed() {
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(30*time.Second)))
	_, err := io.Copy(io.Discard, c.Conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		c.t.Fatal("the connection stays open")
	}
}

func prefix(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...)
}

func TestAMessageThatStopsIsEndedAfterGrace(t *testing.T) {
	s := start(t, settings{body: httpbody.Limits{Grace: 100 * time.Millisecond}})
	c := open(t, s)
	require.NoError(t, c.WriteData(c.call(), false, []byte{0, 0, 0, 1, 0, 1, 2, 3}))
	c.closed()
	s.refused(t, admission.ReasonPace)
}

func TestAnIdleConnectionStaysOpen(t *testing.T) {
	s := start(t, settings{body: httpbody.Limits{Grace: 50 * time.Millisecond}})
	cc := dial(t, s)
	for range 3 {
		_, err := ptraceotlp.NewGRPCClient(cc).Export(t.Context(), spans(1))
		require.NoError(t, err)
		time.Sleep(150 * time.Millisecond)
	}
	open, _ := s.pools.Connections.Open()
	require.Equal(t, 1, open, "the same connection all the while")
	require.Empty(t, s.reasons())
}

// The reader asks for the next frame before the message it has just read is decoded: it must not keep a buffer for that.
func TestConnectionsThatWaitForTheirNextMessageHoldNothing(t *testing.T) {
	decode := make(chan struct{})
	s := start(t, settings{})
	s.handler = func(context.Context) error { <-decode; return nil }
	var conns []*client
	for range 20 {
		c := open(t, s)
		conns = append(conns, c)
		require.NoError(t, c.WriteData(c.call(), true, prefix(emptySpans(10))))
	}
	close(decode)
	require.Eventually(t, func() bool { return s.spans.Load() == 200 && s.pools.Reception.Usage().Held == 0 }, 30*time.Second, time.Millisecond)
	connected, _ := s.pools.Connections.Open()
	require.Len(t, conns, connected, "all are open")
}

// The message is decoded, and grpc-go waits for the client to end its side: all of it would be held for as long as it likes.
func TestAClientThatNeverEndsItsSideIsEnded(t *testing.T) {
	s := start(t, settings{body: httpbody.Limits{Grace: 100 * time.Millisecond}})
	c := open(t, s)
	require.NoError(t, c.WriteData(c.call(), false, prefix(emptySpans(1000))))
	c.closed()
	require.Zero(t, s.spans.Load())
	require.Positive(t, s.pools.Decoding.Usage().Peak)
}

func TestWhoWaitsForTheEndOfASideIsEvictedWhenOthersWait(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxBytes: 32 * mib, MaxWait: time.Minute}, body: httpbody.Limits{Grace: time.Minute}})
	c := open(t, s)
	require.NoError(t, c.WriteData(c.call(), false, prefix(emptySpans(1500))))
	require.Eventually(t, func() bool { return s.pools.Decoding.Usage().Held > 400_000 }, 30*time.Second, time.Millisecond)
	h, err := s.pools.Decoding.Reserve(t.Context(), s.pools.Decoding.Largest())
	require.NoError(t, err)
	h.Release()
	require.EqualValues(t, 1, s.pools.Decoding.Usage().Evicted)
}

func TestASecondMessageOfAUnaryCallLeaksNothing(t *testing.T) {
	s := start(t, settings{})
	c := open(t, s)
	require.NoError(t, c.WriteData(c.call(), true, append(prefix(emptySpans(1000)), prefix(emptySpans(1000))...)))
	require.Eventually(t, func() bool { return s.pools.Decoding.Usage().Peak > 600_000 && s.pools.Decoding.Usage().Held == 0 }, 30*time.Second, time.Millisecond)
	require.Zero(t, s.spans.Load())
}

func TestFramesOfOneByteArePaidFor(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxBytes: 32 * mib, MaxWait: 10 * time.Millisecond}, body: httpbody.Limits{Grace: time.Minute}})
	c := open(t, s)
	id := c.call()
	require.NoError(t, c.WriteData(id, false, []byte{0, 0, 0x70, 0, 0}))
	for i := range 60_000 { // 60 kB of message, 10 MB of frames
		if c.WriteData(id, false, []byte{1}) != nil {
			break
		}
		if i%30_000 == 0 {
			_ = c.WriteWindowUpdate(0, 1<<20)
		}
	}
	c.closed()
	require.Eventually(t, func() bool { return len(s.reasons()) > 0 }, 30*time.Second, time.Millisecond)
	require.Contains(t, []admission.Reason{admission.ReasonSize, admission.ReasonBusy}, s.reasons()[0], "by who waits for what")
}

// grpc-go allocates what the head of a DATA frame says, up to 16 MB, and puts what it is longer than 32 KiB into 1 MiB.
func TestAFrameLongerThanWasAnnouncedEndsTheConnection(t *testing.T) {
	s := start(t, settings{})
	c := open(t, s)
	id := c.call()
	_, err := c.Conn.Write([]byte{0xff, 0xff, 0xff, 0, 0, 0, 0, 0, byte(id)})
	require.NoError(t, err)
	c.closed()
	s.refused(t, admission.ReasonMalformed)
}

// A grant to a connection that was closed while it waited was lost once, 12 MB of it in one run.
func TestConnectionsThatCloseWhileTheyWaitLeakNothing(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxBytes: 32 * mib, MaxWait: 20 * time.Millisecond}, body: httpbody.Limits{Grace: 300 * time.Millisecond}})
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", s.addr)
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, http2.ClientPreface)
			f := http2.NewFramer(conn, conn)
			_ = f.WriteSettings()
			var b bytes.Buffer
			enc := hpack.NewEncoder(&b)
			for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", traceExport}, {":authority", "x"}, {"content-type", "application/grpc"}} {
				_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
			}
			for id := uint32(1); id < 8; id += 2 {
				_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndHeaders: true})
				b.Reset()
				for _, h := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", traceExport}, {":authority", "x"}, {"content-type", "application/grpc"}} {
					_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
				}
				_ = f.WriteData(id, false, []byte{0, 0, 0x10, 0, 0})
				for range 4 {
					_ = f.WriteData(id, false, make([]byte, 16000))
				}
				if i%3 == 0 {
					_ = f.WriteRSTStream(id, http2.ErrCodeCancel)
				}
			}
			if i%2 == 0 {
				return
			}
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	wg.Wait()
}

func TestManyClientsAtOnce(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxBytes: 32 * mib, MaxWait: time.Minute}})
	var wg sync.WaitGroup
	for range 8 {
		cc := dial(t, s)
		for i := range 4 {
			wg.Go(func() {
				for range 10 {
					name := []string{"identity", "gzip", "zstd", "snappy"}[i]
					if _, err := ptraceotlp.NewGRPCClient(cc).Export(t.Context(), spans(500), grpc.UseCompressor(name)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	require.EqualValues(t, 8*4*10*500, s.spans.Load())
}

func TestConnectionsOverTheLimitAreClosed(t *testing.T) {
	s := start(t, settings{limits: admission.Limits{MaxConnections: 1}})
	first := open(t, s)
	require.Eventually(t, func() bool { n, _ := s.pools.Connections.Open(); return n == 1 }, 30*time.Second, time.Millisecond)
	over, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	defer over.Close()
	_, err = io.Copy(io.Discard, over)
	var timeout net.Error
	require.False(t, errors.As(err, &timeout) && timeout.Timeout())
	s.refused(t, admission.ReasonConnections)
	first.Close()
	require.Eventually(t, func() bool {
		_, err := ptraceotlp.NewGRPCClient(dial(t, s)).Export(t.Context(), spans(1))
		return err == nil
	}, 30*time.Second, 10*time.Millisecond)
}

func TestTheFramesOfAConnectionAreFollowedInAnyPieces(t *testing.T) {
	var b bytes.Buffer
	b.WriteString(http2.ClientPreface)
	f := http2.NewFramer(&b, nil)
	require.NoError(t, f.WriteSettings())
	require.NoError(t, f.WriteData(1, false, make([]byte, 100)))
	require.NoError(t, f.WriteData(3, false, make([]byte, 50)))
	require.NoError(t, f.WritePing(false, [8]byte{}))
	require.NoError(t, f.WriteData(1, true, make([]byte, 10)))
	require.NoError(t, f.WriteData(5, true, nil))
	require.NoError(t, f.WriteData(7, false, make([]byte, 70)))
	require.NoError(t, f.WriteRSTStream(7, http2.ErrCodeCancel))
	for _, size := range []int{1, 2, 3, 7, 9, 64, 1 << 20} {
		var got frames
		for p := b.Bytes(); len(p) > 0; {
			n := min(size, len(p))
			got.read(p[:n])
			p = p[n:]
		}
		require.EqualValues(t, 50+frameBytes, got.total, fmt.Sprint(size))
		require.EqualValues(t, 110+3*frameBytes, got.whole)
		require.EqualValues(t, 2, got.wholes)
		require.True(t, got.taken())
		require.True(t, got.taken())
		require.Zero(t, got.whole)
		require.False(t, got.taken())
		got.forget()
		require.Zero(t, got.owed())
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x01\x00\x01\x00\x00\x00\x01x"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var whole, pieces frames
		whole.read(b)
		for p := b; len(p) > 0; {
			n := min(int(size)+1, len(p))
			pieces.read(p[:n])
			p = p[n:]
		}
		if whole.owed() != pieces.owed() || whole.wholes != pieces.wholes || whole.owed() < 0 {
			t.Fatal(whole.owed(), pieces.owed())
		}
	})
}
