package decode

import (
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"github.com/DataDog/datadog-agent/pkg/trace/transform"
	"github.com/stretchr/testify/require"
)

// original reads a capture with datadog-agent's own decoder.
func original(t *testing.T, file string, format Format) []*pb.Span {
	t.Helper()
	body, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	if format == V04 {
		var traces pb.Traces
		_, err = traces.UnmarshalMsg(body)
		require.NoError(t, err)
		return traces[0]
	}
	if format == V05 {
		var traces pb.Traces
		require.NoError(t, traces.UnmarshalMsgDictionary(body))
		return traces[0]
	}
	in := new(idx.InternalTracerPayload)
	_, err = in.UnmarshalMsg(body)
	require.NoError(t, err)
	var spans []*pb.Span
	for _, s := range in.Chunks[0].Spans {
		span := &pb.Span{Service: s.Service(), Name: s.Name(), Resource: s.Resource(), Type: s.Type(), SpanID: s.SpanID(),
			ParentID: s.ParentID(), TraceID: in.Chunks[0].LegacyTraceID(), Start: int64(s.Start()), Duration: int64(s.Duration()),
			Meta: map[string]string{"span.kind": s.SpanKind(), "env": s.Env(), "version": s.Version()}, Metrics: map[string]float64{}}
		if s.Error() {
			span.Error = 1
		}
		for key, value := range s.Attributes() {
			if d, ok := value.Value.(*idx.AnyValue_DoubleValue); ok {
				span.Metrics[in.Strings.Get(key)] = d.DoubleValue
			} else {
				span.Meta[in.Strings.Get(key)] = value.AsString(in.Strings)
			}
		}
		spans = append(spans, span)
	}
	return spans
}

// Datadog's exporter makes the same spans of what the receiver made of them. testdata/roundtrip.txt is every difference there is;
// the README says why each is accepted.
func TestRoundTripThroughTheExporter(t *testing.T) {
	conf := config.New()
	var got []string
	for _, c := range []struct {
		file   string
		format Format
	}{{"js-v0.4.bin", V04}, {"go-v0.4.bin", V04}, {"go-v1.0.bin", V10}, {"js-v0.5.bin", V05}} {
		for _, mode := range []Mode{Both, Lossless} {
			body, err := os.ReadFile("testdata/" + c.file)
			require.NoError(t, err)
			td, _, err := New(Options{Mode: mode, MaxSpans: 10, Now: func() time.Time { return time.Unix(0, 0) }}).Decode(c.format, body, Headers{})
			require.NoError(t, err)
			back := make(map[uint64]*pb.Span)
			for _, rs := range td.ResourceSpans().All() {
				for _, span := range rs.ScopeSpans().At(0).Spans().All() {
					dd := transform.OtelSpanToDDSpan(span, rs.Resource(), rs.ScopeSpans().At(0).Scope(), conf)
					back[dd.SpanID] = dd
				}
			}
			for _, want := range original(t, c.file, c.format) {
				got = append(got, fmt.Sprintf("%s %s %s", c.file, mode, want.Name))
				got = append(got, differences(want, back[want.SpanID])...)
			}
		}
	}
	const golden = "testdata/roundtrip.txt"
	text := strings.Join(got, "\n") + "\n"
	if flag.Lookup("update").Value.String() == "true" {
		require.NoError(t, os.WriteFile(golden, []byte(text), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// differences compares field by field. A span that lost a field of the original, or has another value in it, is a line with -.
func differences(want, got *pb.Span) (lines []string) {
	field := func(name string, a, b any) {
		if a != b {
			lines = append(lines, fmt.Sprintf("  - %s: %v became %v", name, a, b))
		}
	}
	field("service", want.Service, got.Service)
	field("name", want.Name, got.Name)
	field("resource", want.Resource, got.Resource)
	field("type", want.Type, got.Type)
	field("trace_id", want.TraceID, got.TraceID)
	field("span_id", want.SpanID, got.SpanID)
	field("parent_id", want.ParentID, got.ParentID)
	field("start", want.Start, got.Start)
	field("duration", want.Duration, got.Duration)
	field("error", want.Error, got.Error)
	for k, v := range want.Meta {
		b, ok := got.Meta[k]
		if n, numeric := got.Metrics[k]; !ok && numeric {
			lines = append(lines, fmt.Sprintf("  - meta %s: %s became the number %s", k, v, strconv.FormatFloat(n, 'f', -1, 64)))
		} else if !ok {
			lines = append(lines, fmt.Sprintf("  - meta %s: %.60s is lost", k, v))
		} else if b != v {
			lines = append(lines, fmt.Sprintf("  - meta %s: %.150s became %.500s", k, v, b))
		}
		delete(got.Meta, k)
	}
	for k, v := range want.Metrics {
		if b, ok := got.Metrics[k]; !ok || b != v {
			lines = append(lines, fmt.Sprintf("  - metric %s: %v became %v", k, v, b))
		}
	}
	for k := range got.Meta {
		lines = append(lines, fmt.Sprintf("  + meta %s", k))
	}
	for k := range got.Metrics {
		if _, ok := want.Metrics[k]; !ok && want.Meta[k] == "" {
			lines = append(lines, fmt.Sprintf("  + metric %s", k))
		}
	}
	sort.Strings(lines)
	return lines
}
