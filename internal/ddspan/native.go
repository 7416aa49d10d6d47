package ddspan

import (
	"encoding/binary"
	"strconv"
	"strings"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// added are names that the datadog receiver writes beside a tracer's own. They are left out when one of those is there.
var added = map[string][]string{
	"server.address":             {"out.host", "peer.hostname"},
	"server.port":                {"out.port", "network.destination.port"},
	"db.system.name":             {"db.type", "db.system"},
	"db.query.text":              {"db.statement", "sql.query", "redis.raw_command"},
	"db.operation.name":          {"db.operation"},
	"db.collection.name":         {"db.sql.table"},
	"db.response.returned_rows":  {"db.row_count"},
	"rpc.service":                {"grpc.method.service"},
	"rpc.method":                 {"grpc.method.name"},
	"rpc.grpc.status_code":       {"grpc.status.code"},
	"messaging.destination.name": {"messaging.destination"}, // beside kafka.topic, tracers write it themselves
	"user.id":                    {"usr.id"},
	"error.message":              {"error.msg"},
}

// replaced are names that the datadog receiver writes instead of a tracer's own, and so are put back.
var replaced = map[string]string{
	"http.request.method":          "http.method",
	"http.response.status_code":    "http.status_code",
	"url.full":                     "http.url",
	"user_agent.original":          "http.useragent",
	"client.address":               "http.client_ip",
	"network.protocol.version":     "http.version",
	"http.request.header.referrer": "http.referrer",
	"http.request.body.size":       "http.request.content_length",
	"http.response.body.size":      "http.response.content_length",
	"db.namespace":                 "db.name",
}

// native copies a span that a Datadog tracer made.
func (m *Mapper) native(s ptrace.Span, r *Resource, src Source) *pb.Span {
	attrs := s.Attributes()
	dd := frame(s)
	dd.Meta = make(map[string]string, attrs.Len()+len(r.onSpans)+2)
	dd.Metrics = make(map[string]float64, 8)
	c := nativeCopy{attrs: attrs, dd: dd}
	if enc, ok := attrs.Get(attrEncoding); ok {
		c.enc = enc.Int()
	}
	for k, v := range attrs.All() {
		c.attribute(k, v)
	}
	for _, kv := range r.onSpans {
		if _, ok := dd.Meta[kv.key]; !ok {
			dd.Meta[kv.key] = kv.value
		}
	}
	if dd.Service == "" {
		dd.Service = r.Service
	}
	if src == OverOTLP {
		if dd.Name == "" {
			dd.Name = s.Name()
		}
		if dd.Resource == "" {
			dd.Resource = s.Name()
		}
		if _, ok := dd.Metrics[attrPriority]; !ok {
			if p, ok := statePriority(s.TraceState().AsRaw()); ok {
				dd.Metrics[attrPriority] = p
			}
		}
	}
	if _, ok := dd.Meta[attrKind]; !ok && s.Kind() != ptrace.SpanKindUnspecified {
		dd.Meta[attrKind] = kindName(s.Kind())
	}
	c.links(s.Links())
	c.events(s)
	return dd
}

// nativeCopy is one span being copied.
type nativeCopy struct {
	attrs pcommon.Map
	dd    *pb.Span
	enc   int64
}

func (c *nativeCopy) attribute(k string, v pcommon.Value) {
	switch k {
	case attrOperation:
		c.dd.Name = v.AsString()
		return
	case attrResource:
		c.dd.Resource = v.AsString()
		return
	case attrType:
		c.dd.Type = v.AsString()
		return
	case attrService:
		c.dd.Service = v.AsString()
		return
	case attrEncoding:
		return
	}
	if strings.HasPrefix(k, internalPrefix) {
		return
	}
	if c.isAdded(k) {
		return
	}
	if own, ok := replaced[k]; ok {
		if _, both := c.attrs.Get(own); both {
			own = k
		}
		if own == "db.name" {
			if _, ok := c.attrs.Get("db.instance"); ok {
				return // it was made of db.instance
			}
		}
		k = own
		if v.Type() == pcommon.ValueTypeInt && c.enc&encTypedInts == 0 {
			// The receiver made it an integer of a text.
			c.dd.Meta[k] = strconv.FormatInt(v.Int(), 10)
			return
		}
	}
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		c.number(k, v.Double())
	case pcommon.ValueTypeInt:
		c.number(k, float64(v.Int()))
	case pcommon.ValueTypeBytes:
		if c.dd.MetaStruct == nil {
			c.dd.MetaStruct = make(map[string][]byte, 1)
		}
		c.dd.MetaStruct[k] = v.Bytes().AsRaw()
	case pcommon.ValueTypeStr:
		c.dd.Meta[k] = v.Str()
	default:
		c.dd.Meta[k] = v.AsString()
	}
}

// number puts a number where it was: the receiver calls one whose name has a text too <name>.number.
func (c *nativeCopy) number(k string, f float64) {
	if own, ok := strings.CutSuffix(k, ".number"); ok {
		if v, both := c.attrs.Get(own); both && v.Type() == pcommon.ValueTypeStr {
			k = own
		}
	}
	c.dd.Metrics[k] = f
}

// isAdded reports whether the receiver wrote the attribute beside one of the tracer's own.
func (c *nativeCopy) isAdded(k string) bool {
	own, ok := added[k]
	if !ok {
		return false
	}
	for _, name := range own {
		if _, ok := c.attrs.Get(name); ok {
			return true
		}
	}
	if k != "db.query.text" {
		return false
	}
	// Without a statement it is the resource's, which is the query of these types.
	switch text(c.attrs, attrType) {
	case "sql", "cassandra":
		return true
	}
	return false
}

// frame are the fields that every source fills alike.
func frame(s ptrace.Span) *pb.Span {
	tid, sid, pid := s.TraceID(), s.SpanID(), s.ParentSpanID()
	dd := &pb.Span{
		TraceID:  binary.BigEndian.Uint64(tid[8:]),
		SpanID:   binary.BigEndian.Uint64(sid[:]),
		ParentID: binary.BigEndian.Uint64(pid[:]),
		Start:    int64(s.StartTimestamp()),
		Duration: int64(s.EndTimestamp()) - int64(s.StartTimestamp()),
	}
	if s.Status().Code() == ptrace.StatusCodeError {
		dd.Error = 1
	}
	return dd
}

func kindName(k ptrace.SpanKind) string {
	switch k {
	case ptrace.SpanKindInternal:
		return "internal"
	case ptrace.SpanKindServer:
		return "server"
	case ptrace.SpanKindClient:
		return "client"
	case ptrace.SpanKindProducer:
		return "producer"
	case ptrace.SpanKindConsumer:
		return "consumer"
	}
	return ""
}

// statePriority reads the priority of the dd member of a tracestate, as in dd=s:1;t.dm:-0.
func statePriority(state string) (float64, bool) {
	for member := range strings.SplitSeq(state, ",") {
		list, ok := strings.CutPrefix(strings.TrimSpace(member), "dd=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(list, ";") {
			if value, ok := strings.CutPrefix(field, "s:"); ok {
				n, err := strconv.ParseInt(value, 10, 8)
				return float64(n), err == nil
			}
		}
	}
	return 0, false
}
