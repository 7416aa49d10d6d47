package otlpprice

import (
	"encoding/binary"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/pprofile/pprofileotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

// field writes a length-delimited field.
func field(num int, b []byte) []byte {
	o := binary.AppendUvarint(nil, uint64(num)<<3|2)
	o = binary.AppendUvarint(o, uint64(len(b)))
	return append(o, b...)
}

// within puts b into the fields of path, the outermost first.
func within(b []byte, path ...int) []byte {
	for i := len(path) - 1; i >= 0; i-- {
		b = field(path[i], b)
	}
	return b
}

func repeat(n int, b ...byte) []byte {
	o := make([]byte, 0, n*len(b))
	for range n {
		o = append(o, b...)
	}
	return o
}

type element struct {
	name string
	root Root
	body []byte
	n    int
}

// elements are a body of n of each kind of thing a request can have many of, as small as it can be written.
func elements(n int) []element {
	inSpan := func(b []byte) []byte { return within(b, 1, 2, 2) }
	inMetric := func(data int, b []byte) []byte { return within(b, 1, 2, 2, data) }
	inDictionary := func(b []byte) []byte { return field(2, b) }
	double := []byte{0x31, 1, 0, 0, 0, 0, 0, 0, 0}
	return []element{
		{"ResourceSpans", Traces, repeat(n, 0x0a, 0), n},
		{"ScopeSpans", Traces, within(repeat(n, 0x12, 0), 1), n},
		{"ScopeSpans of before OTLP 0.15", Traces, within(repeat(n, 0xc2, 0x3e, 0), 1), n},
		{"Span", Traces, within(repeat(n, 0x12, 0), 1, 2), n},
		{"Span of before OTLP 0.15", Traces, within(repeat(n, 0x12, 0), 1, 1000), n},
		{"Span with an overlong field number", Traces, within(repeat(n, 0x92, 0x80, 0x80, 0x80, 0x80, 0x01, 0), 1, 2), n},
		{"Event", Traces, inSpan(repeat(n, 0x5a, 0)), n},
		{"Link", Traces, inSpan(repeat(n, 0x6a, 0)), n},
		{"EntityRef", Traces, within(repeat(n, 0x1a, 0), 1, 1), n},
		{"EntityRef's key", Traces, within(repeat(n, 0x1a, 0), 1, 1, 3), n},
		{"KeyValue", Traces, inSpan(repeat(n, 0x4a, 0)), n},
		{"KeyValue of a bool", Traces, inSpan(repeat(n, 0x4a, 7, 0x0a, 1, 'k', 0x12, 2, 0x10, 1)), n},
		{"KeyValue of a string", Traces, inSpan(repeat(n, 0x4a, 8, 0x0a, 1, 'k', 0x12, 3, 0x0a, 1, 'x')), n},
		{"KeyValue of bytes", Traces, inSpan(repeat(n, 0x4a, 8, 0x0a, 1, 'k', 0x12, 3, 0x3a, 1, 'x')), n},
		{"KeyValue of an array", Traces, inSpan(repeat(n, 0x4a, 7, 0x0a, 1, 'k', 0x12, 2, 0x2a, 0)), n},
		{"KeyValue of a map", Traces, inSpan(repeat(n, 0x4a, 7, 0x0a, 1, 'k', 0x12, 2, 0x32, 0)), n},
		{"AnyValue in an array", Traces, inSpan(within(repeat(n, 0x0a, 0), 9, 2, 5)), n},
		{"AnyValue of a string in an array", Traces, inSpan(within(repeat(n, 0x0a, 2, 0x0a, 0), 9, 2, 5)), n},
		{"AnyValue of an array in an array", Traces, inSpan(within(repeat(n, 0x0a, 2, 0x2a, 0), 9, 2, 5)), n},
		{"LogRecord", Logs, within(repeat(n, 0x12, 0), 1, 2), n},
		{"LogRecord with a body", Logs, within(repeat(n, 0x12, 5, 0x2a, 3, 0x0a, 1, 'x'), 1, 2), n},
		{"LogRecord with 20 maps in one another", Logs, within(repeat(n/20, maps(20)...), 1, 2), n / 20 * 20},
		{"Metric", Metrics, within(repeat(n, 0x12, 0), 1, 2), n},
		{"Metric with a gauge", Metrics, within(repeat(n, 0x12, 2, 0x2a, 0), 1, 2), n},
		{"Metric with a sum", Metrics, within(repeat(n, 0x12, 2, 0x3a, 0), 1, 2), n},
		{"Metric with an exponential histogram", Metrics, within(repeat(n, 0x12, 2, 0x52, 0), 1, 2), n},
		{"NumberDataPoint", Metrics, inMetric(5, repeat(n, 0x0a, 0)), n},
		{"NumberDataPoint of an int", Metrics, inMetric(5, repeat(n, append([]byte{0x0a, 9}, double...)...)), n},
		{"HistogramDataPoint", Metrics, inMetric(9, repeat(n, 0x0a, 0)), n},
		{"counts, packed", Metrics, inMetric(9, within(repeat(n, 1, 0, 0, 0, 0, 0, 0, 0), 1, 6)), n},
		{"counts, unpacked", Metrics, inMetric(9, within(repeat(n, 0x31, 1, 0, 0, 0, 0, 0, 0, 0), 1)), n},
		{"ExponentialHistogramDataPoint", Metrics, inMetric(10, repeat(n, 0x0a, 0)), n},
		{"buckets, packed", Metrics, inMetric(10, within(repeat(n, 1), 1, 8, 2)), n},
		{"buckets, unpacked", Metrics, inMetric(10, within(repeat(n, 0x10, 1), 1, 8)), n},
		{"SummaryDataPoint", Metrics, inMetric(11, repeat(n, 0x0a, 0)), n},
		{"quantile", Metrics, inMetric(11, within(repeat(n, 0x32, 0), 1)), n},
		{"Exemplar", Metrics, inMetric(5, within(repeat(n, 0x2a, 0), 1)), n},
		{"Exemplar of an int", Metrics, inMetric(5, within(repeat(n, append([]byte{0x2a, 9}, double...)...), 1)), n},
		{"ResourceProfiles", Profiles, repeat(n, 0x0a, 0), n},
		{"ScopeProfiles", Profiles, within(repeat(n, 0x12, 0), 1), n},
		{"Profile", Profiles, within(repeat(n, 0x12, 0), 1, 2), n},
		{"Sample", Profiles, within(repeat(n, 0x12, 0), 1, 2, 2), n},
		{"Sample's values", Profiles, within(repeat(n, 1), 1, 2, 2, 2, 4), n},
		{"Mapping", Profiles, inDictionary(repeat(n, 0x0a, 0)), n},
		{"Location", Profiles, inDictionary(repeat(n, 0x12, 0)), n},
		{"Line", Profiles, inDictionary(within(repeat(n, 0x1a, 0), 2)), n},
		{"Function", Profiles, inDictionary(repeat(n, 0x1a, 0)), n},
		{"Profile's Link", Profiles, inDictionary(repeat(n, 0x22, 0)), n},
		{"string table", Profiles, inDictionary(repeat(n, 0x2a, 0)), n},
		{"KeyValueAndUnit", Profiles, inDictionary(repeat(n, 0x32, 0)), n},
		{"KeyValueAndUnit of a string", Profiles, inDictionary(repeat(n, 0x32, 4, 0x12, 2, 0x0a, 0)), n},
		{"Stack", Profiles, inDictionary(repeat(n, 0x3a, 0)), n},
		{"Stack's locations", Profiles, inDictionary(within(repeat(n, 1), 7, 1)), n},
	}
}

// maps is a log record whose body is d maps in one another.
func maps(d int) []byte {
	var b []byte
	for range d {
		b = within(b, 6, 1, 2)
	}
	return within(b, 2, 5)
}

func decode(b []byte, root Root) (any, error) {
	switch root {
	case Traces:
		r := ptraceotlp.NewExportRequest()
		return r, r.UnmarshalProto(b)
	case Logs:
		r := plogotlp.NewExportRequest()
		return r, r.UnmarshalProto(b)
	case Metrics:
		r := pmetricotlp.NewExportRequest()
		return r, r.UnmarshalProto(b)
	}
	r := pprofileotlp.NewExportRequest()
	return r, r.UnmarshalProto(b)
}

func decodeJSON(b []byte, root Root) (any, error) {
	switch root {
	case Traces:
		r := ptraceotlp.NewExportRequest()
		return r, r.UnmarshalJSON(b)
	case Logs:
		r := plogotlp.NewExportRequest()
		return r, r.UnmarshalJSON(b)
	}
	r := pmetricotlp.NewExportRequest()
	return r, r.UnmarshalJSON(b)
}
