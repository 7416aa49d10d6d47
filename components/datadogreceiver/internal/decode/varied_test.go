package decode

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
)

// variedTraces are spans as different as those of a busy system: every span has its own ids and times, every request its own path,
// query and user, one in ten an error with its own stack, one in five a link. The seed is fixed.
func variedTraces(spans int) pb.Traces {
	r := rand.New(rand.NewPCG(7, 11))
	start := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC).UnixNano()
	var traces pb.Traces
	for made := 0; made < spans; {
		id, tid := r.Uint64(), fmt.Sprintf("%016x", uint64(0x6b000ced00000000)+uint64(r.Uint32()))
		var trace pb.Trace
		for i := range 1 + r.IntN(12) {
			if made == spans {
				break
			}
			made++
			s := variedSpan(r, i)
			s.TraceID, s.SpanID = id, r.Uint64()|1
			s.Start = start + r.Int64N(1e12)
			s.Duration = r.Int64N(5e9)
			if i == 0 {
				s.Meta["_dd.p.tid"], s.Meta["_dd.p.dm"] = tid, "-0"
				s.Metrics["_sampling_priority_v1"], s.Metrics["_dd.agent_psr"] = 1, 1
				s.Metrics["process_id"] = 881
			} else {
				s.ParentID = trace[r.IntN(i)].SpanID
			}
			trace = append(trace, s)
		}
		traces = append(traces, trace)
	}
	return traces
}

func variedSpan(r *rand.Rand, i int) *pb.Span {
	n := r.IntN(4)
	if i == 0 {
		n = 0
	}
	s := &pb.Span{Meta: map[string]string{"env": "prod", "version": "1.2.3", "language": "javascript", "runtime-id": "4a736b42-aadd-4e92-95ce-b663a037a993"},
		Metrics: map[string]float64{"_dd.measured": 1}}
	id := r.IntN(1_000_000)
	switch n {
	case 0:
		s.Service, s.Name, s.Type = fmt.Sprintf("shop-%d", r.IntN(6)), "express.request", "web"
		s.Resource = fmt.Sprintf("GET /api/v%d/orders/:id", r.IntN(3))
		s.Meta["span.kind"], s.Meta["http.method"], s.Meta["http.route"] = "server", "GET", "/api/orders/:id"
		s.Meta["http.url"] = fmt.Sprintf("https://shop.example.com/api/orders/%d?page=%d&session=%x", id, r.IntN(50), r.Uint64())
		s.Meta["http.status_code"] = fmt.Sprint(200 + r.IntN(5))
		s.Meta["http.useragent"] = fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.%d Chrome/%d.0", r.IntN(40), 90+r.IntN(50))
		s.Meta["http.client_ip"] = fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), r.IntN(256))
		s.Meta["usr.id"], s.Meta["component"] = fmt.Sprint("user-", id), "express"
	case 1:
		s.Service, s.Name, s.Type = "shop-pg", "postgresql.query", "sql"
		s.Resource = fmt.Sprintf("SELECT a, b, c FROM orders_%d WHERE customer = ? AND day > ? LIMIT %d", r.IntN(40), r.IntN(100))
		s.Meta["span.kind"], s.Meta["db.type"], s.Meta["db.name"], s.Meta["out.host"] = "client", "postgres", "orders", fmt.Sprintf("pg%d", r.IntN(4))
		s.Meta["db.statement"] = fmt.Sprintf("%s -- %d", s.Resource, id)
		s.Metrics["db.row_count"], s.Metrics["network.destination.port"] = float64(r.IntN(100)), 5432
	case 2:
		s.Service, s.Name, s.Type, s.Resource = "shop-http", "http.request", "http", "POST"
		s.Meta["span.kind"], s.Meta["http.method"], s.Meta["http.status_code"] = "client", "POST", "201"
		s.Meta["http.url"] = fmt.Sprintf("http://pay.internal/charge/%d", id)
		s.Meta["out.host"], s.Meta["peer.service"] = "pay.internal", "pay"
	default:
		s.Service, s.Name, s.Resource = "shop-kafka", "kafka.produce", fmt.Sprintf("orders-%d", r.IntN(8))
		s.Meta["span.kind"], s.Meta["kafka.topic"], s.Meta["messaging.system"] = "producer", s.Resource, "kafka"
		s.Metrics["kafka.partition"], s.Metrics["kafka.offset"] = float64(r.IntN(12)), float64(id)
	}
	s.Meta["order.id"], s.Meta["request.id"] = fmt.Sprint(id), fmt.Sprintf("%x-%x", r.Uint32(), r.Uint64())
	if r.IntN(10) == 0 {
		s.Error = 1
		s.Meta["error.type"], s.Meta["error.message"] = "TimeoutError", fmt.Sprintf("order %d timed out after %d ms", id, r.IntN(5000))
		s.Meta["error.stack"] = fmt.Sprintf("TimeoutError: order %d\n    at charge (/srv/shop/pay.js:%d:%d)\n    at run (/srv/shop/index.js:%d:9)", id, r.IntN(400), r.IntN(80), r.IntN(90))
	}
	if r.IntN(5) == 0 {
		s.Meta["_dd.span_links"] = fmt.Sprintf(`[{"trace_id":"%016x%016x","span_id":"%016x","attributes":{"order":"%d"},"flags":1}]`, r.Uint64()|1, r.Uint64(), r.Uint64()|1, id)
	}
	if r.IntN(10) == 0 {
		s.Meta["events"] = fmt.Sprintf(`[{"name":"retry","time_unix_nano":%d,"attributes":{"attempt":%d,"after":"%dms"}}]`, 1_795_165_421_000_000_000+r.Int64N(1e12), r.IntN(4), r.IntN(900))
	}
	return s
}

// variedBodies are the varied spans in each version.
func variedBodies(t testing.TB) map[string][]byte {
	traces := variedTraces(benchSpans)
	v04, err := traces.MarshalMsg(nil)
	require.NoError(t, err)
	return map[string][]byte{"v0.4": v04, "v0.5": encodeV05(traces), "v1.0": encodeV10(t, traces)}
}

func BenchmarkVaried(b *testing.B) {
	bodies := variedBodies(b)
	for _, version := range []string{"v0.4", "v0.5", "v1.0"} {
		p := pipelines(b)[version]
		b.Run(version+"/ours", func(b *testing.B) {
			d := New(Options{MaxSpans: benchSpans})
			perSpan(b, func() {
				if td, _, err := d.Decode(p.format, bodies[version], Headers{}); err != nil || td.SpanCount() != benchSpans {
					b.Fatal(err)
				}
			})
		})
		b.Run(version+"/baseline", func(b *testing.B) {
			perSpan(b, func() {
				if p.baseline(bodies[version]).SpanCount() != benchSpans {
					b.Fatal("spans are missing")
				}
			})
		})
	}
}
