package admissioncost

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// batches are requests of 500 spans as SDKs send them: of a web framework, a database client, a cache and a queue, some with
// an exception. No two spans are alike.
func batches(b *testing.B) (bodies [][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 32 {
		td := ptrace.NewTraces()
		for _, service := range []string{"shop-frontend", "orders", "payments"} {
			rs := td.ResourceSpans().AppendEmpty()
			for k, v := range map[string]string{
				"service.name": service, "service.version": "2.14.3", "deployment.environment.name": "production", "host.name": fmt.Sprintf("node-%d", r.IntN(40)),
				"k8s.pod.name": fmt.Sprintf("%s-%x-%x", service, r.Uint32(), r.Uint32()), "telemetry.sdk.language": "java", "telemetry.sdk.name": "opentelemetry",
			} {
				rs.Resource().Attributes().PutStr(k, v)
			}
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName("io.opentelemetry.instrumentation." + service)
			for range 500 / 3 {
				span(ss.Spans().AppendEmpty(), r)
			}
		}
		body, err := ptraceotlp.NewExportRequestFromTraces(td).MarshalProto()
		require.NoError(b, err)
		bodies = append(bodies, body)
	}
	return bodies
}

func span(s ptrace.Span, r *rand.Rand) {
	start := uint64(1_795_000_000_000_000_000 + r.Int64N(1e12))
	id := func() []byte { return binary.BigEndian.AppendUint64(nil, r.Uint64()) }
	s.SetTraceID(pcommon.TraceID(append(id(), id()...)))
	s.SetSpanID(pcommon.SpanID(id()))
	s.SetParentSpanID(pcommon.SpanID(id()))
	s.SetStartTimestamp(pcommon.Timestamp(start))
	s.SetEndTimestamp(pcommon.Timestamp(start + r.Uint64N(1e9)))
	attrs := s.Attributes()
	attrs.PutInt("thread.id", r.Int64N(200))
	attrs.PutStr("thread.name", fmt.Sprintf("http-nio-8080-exec-%d", r.IntN(200)))
	switch r.IntN(4) {
	case 0:
		s.SetName("GET /orders/{id}/items")
		s.SetKind(ptrace.SpanKindServer)
		attrs.PutStr("http.request.method", "GET")
		attrs.PutStr("http.route", "/orders/{id}/items")
		attrs.PutStr("url.path", fmt.Sprintf("/orders/%d/items", r.IntN(1e7)))
		attrs.PutStr("url.query", fmt.Sprintf("page=%d&size=50&sort=created,desc", r.IntN(90)))
		attrs.PutStr("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36")
		attrs.PutInt("http.response.status_code", 200)
		attrs.PutStr("client.address", fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256)))
		attrs.PutStr("network.protocol.version", "1.1")
	case 1:
		s.SetName("SELECT shop.order_items")
		s.SetKind(ptrace.SpanKindClient)
		attrs.PutStr("db.system.name", "postgresql")
		attrs.PutStr("db.namespace", "shop")
		attrs.PutStr("db.query.text", fmt.Sprintf("SELECT id, sku, quantity, price FROM order_items WHERE order_id = $1 AND state IN ($2, $3) ORDER BY id LIMIT %d", r.IntN(500)))
		attrs.PutStr("server.address", "orders-db.internal")
		attrs.PutInt("server.port", 5432)
	case 2:
		s.SetName("GET")
		s.SetKind(ptrace.SpanKindClient)
		attrs.PutStr("db.system.name", "redis")
		attrs.PutStr("db.query.text", fmt.Sprintf("GET cart:%x", r.Uint64()))
		attrs.PutBool("cache.hit", r.IntN(2) == 0)
	default:
		s.SetName("orders publish")
		s.SetKind(ptrace.SpanKindProducer)
		attrs.PutStr("messaging.system", "kafka")
		attrs.PutStr("messaging.destination.name", "orders")
		attrs.PutInt("messaging.kafka.offset", r.Int64N(1e9))
		attrs.PutDouble("messaging.lag", r.Float64())
	}
	if r.IntN(20) == 0 {
		event := s.Events().AppendEmpty()
		event.SetName("exception")
		event.SetTimestamp(pcommon.Timestamp(start))
		event.Attributes().PutStr("exception.type", "java.net.SocketTimeoutException")
		event.Attributes().PutStr("exception.message", fmt.Sprintf("timeout after %d ms", r.IntN(5000)))
		s.Status().SetCode(ptrace.StatusCodeError)
	}
}
