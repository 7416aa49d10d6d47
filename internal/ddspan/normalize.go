package ddspan

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/traceutil/normalize"
)

// Repair is something that was wrong with a span and is not any more.
type Repair uint8

// The repairs.
const (
	ServiceEmpty Repair = iota
	ServiceTooLong
	ServiceInvalid
	NameEmpty
	NameTooLong
	NameInvalid
	ResourceEmpty
	TypeTooLong
	StartInvalid
	DurationInvalid
	StatusCodeInvalid
	ResourceTruncated
	KeyTruncated
	ValueTruncated
	InvalidUTF8
	numRepairs
)

// RepairNames are the reasons metrics give.
var RepairNames = [numRepairs]string{
	"service_empty", "service_truncated", "service_invalid", "name_empty", "name_truncated", "name_invalid", "resource_empty", "type_truncated",
	"start_invalid", "duration_invalid", "http_status_code_invalid", "resource_truncated", "key_truncated", "value_truncated", "invalid_utf8",
}

// Repairs count what was repaired.
type Repairs [numRepairs]int

// Limits of a span. https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/agent/truncator.go
const (
	maxType     = 100
	maxResource = 5000
	maxKey      = 200
	maxValue    = 25_000
)

var year2000 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()

// ErrNoID is a span without a trace id or a span id, which Datadog has no place for.
var ErrNoID = errors.New("span has no trace id or no span id")

// Normalize brings a span into the form that Datadog accepts, as an Agent does. The error is one that can't be repaired.
func Normalize(dd *pb.Span, language string, now func() time.Time, done *Repairs) error {
	if dd.TraceID == 0 || dd.SpanID == 0 {
		return ErrNoID
	}
	dd.Service = NormalService(dd.Service, language, done)
	for _, key := range [...]string{attrPeerService, attrBaseService} {
		if v, ok := dd.Meta[key]; ok {
			dd.Meta[key], _ = normalize.NormalizePeerService(v)
		}
	}
	dd.Name = NormalName(dd.Name, done)
	if dd.Resource == "" {
		dd.Resource = dd.Name
		done[ResourceEmpty]++
	}
	if dd.ParentID == dd.SpanID && dd.SpanID == dd.TraceID {
		dd.ParentID = 0
	}
	dd.Start, dd.Duration = NormalTimes(dd.Start, dd.Duration, now, done)
	if len(dd.Type) > maxType {
		dd.Type = normalize.TruncateUTF8(dd.Type, maxType)
		done[TypeTooLong]++
	}
	if env, ok := dd.Meta["env"]; ok {
		dd.Meta["env"] = normalize.NormalizeTagValue(env)
	}
	if code, ok := dd.Meta[attrStatusCode]; ok && !validStatusCode(code) {
		delete(dd.Meta, attrStatusCode)
		done[StatusCodeInvalid]++
	}
	for _, link := range dd.SpanLinks {
		if name, ok := link.Attributes["link.name"]; ok {
			link.Attributes["link.name"], _ = normalize.NormalizeName(name)
		}
	}
	return nil
}

// NormalService is the service as Datadog accepts it.
func NormalService(service, language string, done *Repairs) string {
	if service == "" {
		// What the Agent calls an OTLP resource without a name is less helpful than what a tracer's is called.
		done[ServiceEmpty]++
	}
	normal, err := normalize.NormalizeService(service, language)
	switch {
	case errors.Is(err, normalize.ErrTooLong):
		done[ServiceTooLong]++
	case errors.Is(err, normalize.ErrInvalid):
		done[ServiceInvalid]++
	}
	return normal
}

// NormalName is the operation name as Datadog accepts it.
func NormalName(name string, done *Repairs) string {
	normal, err := normalize.NormalizeName(name)
	switch {
	case errors.Is(err, normalize.ErrEmpty):
		done[NameEmpty]++
	case errors.Is(err, normalize.ErrTooLong):
		done[NameTooLong]++
	case errors.Is(err, normalize.ErrInvalid):
		done[NameInvalid]++
	}
	return normal
}

// NormalTimes are a start after the year 2000 and a duration that does not end before it.
func NormalTimes(start, duration int64, now func() time.Time, done *Repairs) (int64, int64) {
	if duration < 0 || duration > math.MaxInt64-start {
		duration = 0
		done[DurationInvalid]++
	}
	if start < year2000 {
		start = now().UnixNano() - duration
		if start < 0 {
			start += duration
		}
		done[StartInvalid]++
	}
	return start, duration
}

func validStatusCode(code string) bool {
	n, err := strconv.ParseUint(code, 10, 64)
	return err == nil && n >= 100 && n < 600
}

// Truncate cuts what is longer than Datadog takes, and repairs texts that are not UTF-8: protobuf would refuse the whole payload.
func Truncate(dd *pb.Span, done *Repairs) {
	dd.Service, dd.Name, dd.Type = valid(dd.Service, done), valid(dd.Name, done), valid(dd.Type, done)
	dd.Resource = valid(dd.Resource, done)
	if len(dd.Resource) > maxResource {
		dd.Resource = normalize.TruncateUTF8(dd.Resource, maxResource)
		done[ResourceTruncated]++
	}
	truncateMeta(dd, maxValue, done)
	for k, v := range dd.Metrics {
		if key := shortKey(k, done); key != k {
			delete(dd.Metrics, k)
			dd.Metrics[key] = v
		}
	}
	for k, v := range dd.MetaStruct {
		if key := valid(k, done); key != k {
			delete(dd.MetaStruct, k)
			dd.MetaStruct[key] = v
		}
	}
	for _, l := range dd.SpanLinks {
		l.Tracestate = valid(l.Tracestate, done)
		validMap(l.Attributes, done)
	}
	for _, e := range dd.SpanEvents {
		validEvent(e, done)
	}
}

func truncateMeta(dd *pb.Span, limit int, done *Repairs) {
	for k, v := range dd.Meta {
		value := valid(v, done)
		if structured(k) {
			// Cut, it would be nothing. See isStructuredMetaKey of the Agent.
			if value != v {
				dd.Meta[k] = value
			}
			continue
		}
		key := shortKey(k, done)
		if len(value) > limit {
			value = normalize.TruncateUTF8(value, limit) + "..."
			done[ValueTruncated]++
		}
		if key != k {
			delete(dd.Meta, k)
		}
		if key != k || value != v {
			dd.Meta[key] = value
		}
	}
}

// Shrink cuts the values of a span that is too large on its own.
func Shrink(dd *pb.Span, limit int, done *Repairs) { truncateMeta(dd, limit, done) }

func shortKey(k string, done *Repairs) string {
	key := valid(k, done)
	if len(key) > maxKey+len("...") || len(key) > maxKey && !strings.HasSuffix(key, "...") {
		key = normalize.TruncateUTF8(key, maxKey) + "..."
		done[KeyTruncated]++
	}
	return key
}

func structured(key string) bool {
	return strings.HasPrefix(key, "_dd.") &&
		(strings.HasSuffix(key, ".json") || strings.HasSuffix(key, ".msgpack") || strings.HasSuffix(key, ".protobuf"))
}

func valid(s string, done *Repairs) string {
	if utf8.ValidString(s) {
		return s
	}
	done[InvalidUTF8]++
	return strings.ToValidUTF8(s, "\uFFFD")
}

func validMap(m map[string]string, done *Repairs) {
	for k, v := range m {
		key, value := valid(k, done), valid(v, done)
		if key != k {
			delete(m, k)
		}
		if key != k || value != v {
			m[key] = value
		}
	}
}

func validEvent(e *pb.SpanEvent, done *Repairs) {
	e.Name = valid(e.Name, done)
	for k, v := range e.Attributes {
		v.StringValue = valid(v.StringValue, done)
		if v.ArrayValue != nil {
			for _, item := range v.ArrayValue.Values {
				item.StringValue = valid(item.StringValue, done)
			}
		}
		if key := valid(k, done); key != k {
			delete(e.Attributes, k)
			e.Attributes[key] = v
		}
	}
}
