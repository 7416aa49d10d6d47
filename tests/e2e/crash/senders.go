package crash

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// answerWithin is how long a client waits for an acknowledgement.
const answerWithin = 5 * time.Second

func percentileOf(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(p/100*float64(len(all))))]
}

// Traces returns spans with the given numbers, some attributes and a text of
// padding bytes each.
func Traces(uids []uint64, padding int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "crash")
	spans := rs.ScopeSpans().AppendEmpty().Spans()
	now := time.Now()
	for _, uid := range uids {
		span := spans.AppendEmpty()
		span.SetName("GET /orders/{id}")
		span.SetTraceID(pcommon.TraceID(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 1), uid+1)))
		span.SetSpanID(pcommon.SpanID(binary.BigEndian.AppendUint64(nil, uid+1)))
		span.SetStartTimestamp(pcommon.NewTimestampFromTime(now))
		span.SetEndTimestamp(pcommon.NewTimestampFromTime(now.Add(time.Millisecond)))
		span.Attributes().PutStr("uid", strconv.FormatUint(uid, 10))
		span.Attributes().PutStr("http.request.method", "GET")
		if padding > 0 {
			span.Attributes().PutStr("padding", strings.Repeat("x", padding))
		}
	}
	return td
}

// Logs returns log records with the given numbers.
func Logs(uids []uint64, padding int) plog.Logs {
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutStr("service.name", "crash")
	records := rl.ScopeLogs().AppendEmpty().LogRecords()
	for _, uid := range uids {
		lr := records.AppendEmpty()
		lr.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		lr.Body().SetStr("order accepted " + strings.Repeat("x", padding))
		lr.Attributes().PutStr("uid", strconv.FormatUint(uid, 10))
	}
	return ld
}

// Metrics returns data points with the given numbers.
func Metrics(uids []uint64, padding int) pmetric.Metrics {
	md := pmetric.NewMetrics()
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", "crash")
	metric := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	metric.SetName("orders")
	points := metric.SetEmptyGauge().DataPoints()
	for _, uid := range uids {
		point := points.AppendEmpty()
		point.SetTimestamp(pcommon.NewTimestampFromTime(time.Now()))
		point.SetIntValue(1)
		point.Attributes().PutStr("uid", strconv.FormatUint(uid, 10))
		point.Attributes().PutStr("padding", strings.Repeat("x", padding))
	}
	return md
}

// otlpGRPC sends spans over gRPC.
type otlpGRPC struct {
	conn   *grpc.ClientConn
	client ptraceotlp.GRPCClient
	pad    int
}

func newOTLPGRPC(addr string, pad int) (*otlpGRPC, error) {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second}))
	if err != nil {
		return nil, err
	}
	return &otlpGRPC{conn: conn, client: ptraceotlp.NewGRPCClient(conn), pad: pad}, nil
}

func (o *otlpGRPC) send(ctx context.Context, uids []uint64) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := o.client.Export(ctx, ptraceotlp.NewExportRequestFromTraces(Traces(uids, o.pad)))
	st := status.Convert(err)
	switch {
	case err == nil:
		return acked, nil
	case notSent(err):
		o.conn.ResetConnectBackoff()
		return refused, err
	// grpc-go's own words for a connection that ended under a call.
	case st.Code() == codes.DeadlineExceeded, st.Code() == codes.Canceled, strings.Contains(st.Message(), "error reading from server"),
		strings.Contains(st.Message(), "transport is closing"), strings.Contains(st.Message(), "connection reset"),
		strings.Contains(st.Message(), "broken pipe"), strings.Contains(st.Message(), "the connection is draining"):
		o.conn.ResetConnectBackoff()
		return uncertain, err
	}
	return refused, err
}

func (o *otlpGRPC) close() { _ = o.conn.Close() }

// poster sends bodies over HTTP.
type poster struct {
	client      *http.Client
	method, url string
	header      http.Header
	encode      func(uids []uint64) []byte
}

func newPoster(method, url, contentType string, encode func([]uint64) []byte) *poster {
	return &poster{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: answerWithin},
		method: method, url: url, header: http.Header{"Content-Type": {contentType}}, encode: encode,
	}
}

func (p *poster) send(ctx context.Context, uids []uint64) (outcome, error) {
	req, err := http.NewRequestWithContext(ctx, p.method, p.url, bytes.NewReader(p.encode(uids)))
	if err != nil {
		return refused, err
	}
	req.Header = p.header.Clone()
	// Go's client must not send twice on its own: only the ledger may know that.
	req.GetBody = nil
	resp, err := p.client.Do(req)
	if err != nil {
		if notSent(err) {
			return refused, err
		}
		return uncertain, err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch {
	case resp.StatusCode/100 == 2:
		return acked, nil // the status is the acknowledgement, whatever follows
	case err != nil:
		return uncertain, err
	}
	return refused, fmt.Errorf("%s: %s", resp.Status, said)
}

func (p *poster) close() { p.client.CloseIdleConnections() }

func newOTLPHTTP(addr string, pad int) *poster {
	return newPoster(http.MethodPost, "http://"+addr+"/v1/logs", "application/x-protobuf", func(uids []uint64) []byte {
		body, err := plogotlp.NewExportRequestFromLogs(Logs(uids, pad)).MarshalProto()
		if err != nil {
			panic(err)
		}
		return body
	})
}

func newOTLPMetrics(addr string, pad int) *poster {
	return newPoster(http.MethodPost, "http://"+addr+"/v1/metrics", "application/x-protobuf", func(uids []uint64) []byte {
		body, err := pmetricotlp.NewExportRequestFromMetrics(Metrics(uids, pad)).MarshalProto()
		if err != nil {
			panic(err)
		}
		return body
	})
}

// newDatadog04 sends traces as dd-trace does: one span each, an array of maps.
func newDatadog04(addr string, pad int) *poster {
	p := newPoster(http.MethodPut, "http://"+addr+"/v0.4/traces", "application/msgpack", func(uids []uint64) []byte {
		b := msgp.AppendArrayHeader(nil, uint32(len(uids)))
		for _, uid := range uids {
			b = msgp.AppendArrayHeader(b, 1)
			b = msgp.AppendMapHeader(b, 10)
			b = msgp.AppendString(msgp.AppendString(b, "service"), "crash")
			b = msgp.AppendString(msgp.AppendString(b, "name"), "web.request")
			b = msgp.AppendString(msgp.AppendString(b, "resource"), "GET /orders/{id}")
			b = msgp.AppendString(msgp.AppendString(b, "type"), "web")
			b = msgp.AppendUint64(msgp.AppendString(b, "trace_id"), uid+1)
			b = msgp.AppendUint64(msgp.AppendString(b, "span_id"), uid+1)
			b = msgp.AppendInt64(msgp.AppendString(b, "start"), time.Now().UnixNano())
			b = msgp.AppendInt64(msgp.AppendString(b, "duration"), 1e6)
			b = msgp.AppendMapHeader(msgp.AppendString(b, "metrics"), 1)
			b = msgp.AppendFloat64(msgp.AppendString(b, "_sampling_priority_v1"), 1)
			b = msgp.AppendMapHeader(msgp.AppendString(b, "meta"), 2)
			b = msgp.AppendString(msgp.AppendString(b, "uid"), strconv.FormatUint(uid, 10))
			b = msgp.AppendString(msgp.AppendString(b, "padding"), strings.Repeat("x", pad))
		}
		return b
	})
	p.header.Set("Datadog-Meta-Lang", "go")
	return p
}

// newDatadog05 sends a string table and spans that refer to it.
func newDatadog05(addr string, pad int) *poster {
	p := newPoster(http.MethodPut, "http://"+addr+"/v0.5/traces", "application/msgpack", func(uids []uint64) []byte {
		table := []string{"", "crash", "web.request", "GET /orders/{id}", "web", "uid", "padding", strings.Repeat("x", pad), "_sampling_priority_v1"}
		fixed := len(table)
		for _, uid := range uids {
			table = append(table, strconv.FormatUint(uid, 10))
		}
		b := msgp.AppendArrayHeader(nil, 2)
		b = msgp.AppendArrayHeader(b, uint32(len(table)))
		for _, s := range table {
			b = msgp.AppendString(b, s)
		}
		b = msgp.AppendArrayHeader(b, uint32(len(uids)))
		for i, uid := range uids {
			b = msgp.AppendArrayHeader(b, 1)
			b = msgp.AppendArrayHeader(b, 12)
			for _, ref := range []uint32{1, 2, 3} { // service, name, resource
				b = msgp.AppendUint32(b, ref)
			}
			b = msgp.AppendUint64(b, uid+1) // trace id
			b = msgp.AppendUint64(b, uid+1) // span id
			b = msgp.AppendUint64(b, 0)     // parent id
			b = msgp.AppendInt64(b, time.Now().UnixNano())
			b = msgp.AppendInt64(b, 1e6)
			b = msgp.AppendInt32(b, 0) // error
			b = msgp.AppendMapHeader(b, 2)
			b = msgp.AppendUint32(msgp.AppendUint32(b, 5), uint32(fixed+i))
			b = msgp.AppendUint32(msgp.AppendUint32(b, 6), 7)
			b = msgp.AppendMapHeader(b, 1)
			b = msgp.AppendFloat64(msgp.AppendUint32(b, 8), 1)
			b = msgp.AppendUint32(b, 4) // type
		}
		return b
	})
	p.header.Set("Datadog-Meta-Lang", "go")
	return p
}

// newDatadog10 sends an indexed payload, written by Datadog's own encoder.
func newDatadog10(addr string, pad int) *poster {
	p := newPoster(http.MethodPut, "http://"+addr+"/v1.0/traces", "application/msgpack", func(uids []uint64) []byte {
		table := idx.NewStringTable()
		payload := &idx.InternalTracerPayload{Strings: table}
		padding := strings.Repeat("x", pad)
		for _, uid := range uids {
			span := idx.NewInternalSpan(table, &idx.Span{SpanID: uid + 1, Start: uint64(time.Now().UnixNano()), Duration: 1e6, Attributes: map[uint32]*idx.AnyValue{}})
			span.SetService("crash")
			span.SetName("web.request")
			span.SetResource("GET /orders/{id}")
			span.SetType("web")
			span.SetStringAttribute("uid", strconv.FormatUint(uid, 10))
			span.SetStringAttribute("padding", padding)
			traceID := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 1), uid+1)
			payload.Chunks = append(payload.Chunks, idx.NewInternalTraceChunk(table, 1, "", nil, []*idx.InternalSpan{span}, false, traceID, 4))
		}
		b, err := payload.MarshalMsg(nil)
		if err != nil {
			panic(err)
		}
		return b
	})
	p.header.Set("Datadog-Meta-Lang", "go")
	return p
}

// fluent sends chunks in the compressed packed forward mode and waits for the
// ack of each, as Fluent Bit with require_ack_response.
type fluent struct {
	addr string
	pad  int
	conn net.Conn
	r    *msgp.Reader
}

func newFluent(addr string, pad int) *fluent { return &fluent{addr: addr, pad: pad} }

func (f *fluent) send(ctx context.Context, uids []uint64) (outcome, error) {
	chunk := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uids[0]))
	return f.exchange(ctx, f.encode(uids, chunk), chunk)
}

// exchange sends a message and waits for the ack of its chunk.
func (f *fluent) exchange(ctx context.Context, message []byte, chunk string) (outcome, error) {
	if f.conn == nil {
		conn, err := (&net.Dialer{Timeout: answerWithin}).DialContext(ctx, "tcp", f.addr)
		if err != nil {
			return refused, err
		}
		f.conn, f.r = conn, msgp.NewReader(conn)
	}
	_ = f.conn.SetDeadline(time.Now().Add(answerWithin))
	stop := context.AfterFunc(ctx, func() { _ = f.conn.SetDeadline(time.Now()) })
	defer stop()
	if _, err := f.conn.Write(message); err != nil {
		f.close()
		return uncertain, err
	}
	if err := f.readAck(chunk); err != nil {
		f.close()
		return uncertain, err
	}
	return acked, nil
}

func (f *fluent) readAck(chunk string) error {
	n, err := f.r.ReadMapHeader()
	if err != nil {
		return err
	}
	for range n {
		key, err := f.r.ReadString()
		if err != nil {
			return err
		}
		value, err := f.r.ReadString()
		if err != nil {
			return err
		}
		if key == "ack" && value == chunk {
			return nil
		}
	}
	return fmt.Errorf("no ack of chunk %s", chunk)
}

func (f *fluent) encode(uids []uint64, chunk string) []byte {
	var events []byte
	for _, uid := range uids {
		events = msgp.AppendArrayHeader(events, 2)
		events = msgp.AppendInt64(events, time.Now().Unix())
		events = msgp.AppendMapHeader(events, 2)
		events = msgp.AppendString(msgp.AppendString(events, "log"), "order accepted "+strings.Repeat("x", f.pad))
		events = msgp.AppendString(msgp.AppendString(events, "uid"), strconv.FormatUint(uid, 10))
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(events)
	_ = z.Close()
	b := msgp.AppendArrayHeader(nil, 3)
	b = msgp.AppendString(b, "crash")
	b = msgp.AppendBytes(b, packed.Bytes())
	b = msgp.AppendMapHeader(b, 3)
	b = msgp.AppendString(msgp.AppendString(b, "chunk"), chunk)
	b = msgp.AppendInt(msgp.AppendString(b, "size"), len(uids))
	return msgp.AppendString(msgp.AppendString(b, "compressed"), "gzip")
}

func (f *fluent) close() {
	if f.conn != nil {
		_ = f.conn.Close()
		f.conn = nil
	}
}
