package decode

import (
	"fmt"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/proto"
)

// payloadV07 is a payload of v0.7 with one chunk.
func payloadV07(t *testing.T, p *pb.TracerPayload, chunk *pb.TraceChunk, spans ...*pb.Span) (ptrace.Traces, Stats) {
	t.Helper()
	chunk.Spans = spans
	p.Chunks = []*pb.TraceChunk{chunk}
	body, err := p.MarshalMsg(nil)
	require.NoError(t, err)
	td, stats, err := New(Options{MaxSpans: 10}).Decode(V07, body, Headers{})
	require.NoError(t, err)
	return td, stats
}

func TestTheUpperHalfMayBeTheChunks(t *testing.T) {
	t.Parallel()
	td, _ := payloadV07(t, &pb.TracerPayload{}, &pb.TraceChunk{Priority: 1, Tags: map[string]string{"_dd.p.tid": "6b000ced00000000"}},
		&pb.Span{TraceID: 1, SpanID: 2}, &pb.Span{TraceID: 1, SpanID: 3})
	for _, span := range td.ResourceSpans().At(0).ScopeSpans().At(0).Spans().All() {
		require.Equal(t, "6b000ced000000000000000000000001", span.TraceID().String())
	}
	_, stats := payloadV07(t, &pb.TracerPayload{}, &pb.TraceChunk{Tags: map[string]string{"_dd.p.tid": "x"}}, &pb.Span{TraceID: 1, SpanID: 2})
	require.Equal(t, 1, stats.BadTIDs)
}

func TestPrioritiesOfChunks(t *testing.T) {
	t.Parallel()
	for priority, want := range map[int32]struct {
		sampled bool
		value   any
	}{1: {true, 1.0}, 2: {true, 2.0}, 0: {false, 0.0}, -1: {false, -1.0}, -128: {false, nil}} {
		td, _ := payloadV07(t, &pb.TracerPayload{}, &pb.TraceChunk{Priority: priority}, &pb.Span{TraceID: 1, SpanID: 2, Name: "n"}, &pb.Span{TraceID: 1, SpanID: 3, Name: "n"})
		spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
		require.Equal(t, want.value, spans.At(0).Attributes().AsRaw()["_sampling_priority_v1"], priority)
		require.Equal(t, want.sampled, spans.At(0).Flags() == 1, priority)
		require.Equal(t, want.value, spans.At(1).Attributes().AsRaw()["_sampling_priority_v1"], priority)
	}
}

// In protobuf a chunk without a priority has priority 0.
func TestAnAgentLeavesOutAPriorityOfZero(t *testing.T) {
	t.Parallel()
	payload := &pb.TracerPayload{Chunks: []*pb.TraceChunk{{Spans: []*pb.Span{{TraceID: 1, SpanID: 2, Name: "n"}}}}}
	body, err := proto.Marshal(&pb.AgentPayload{HostName: "h", Env: "prod", TracerPayloads: []*pb.TracerPayload{payload, payload}})
	require.NoError(t, err)
	td, _, err := New(Options{MaxSpans: 10}).Decode(AgentPayload, body, Headers{})
	require.NoError(t, err)
	require.Equal(t, 2, td.ResourceSpans().Len())
	for _, rs := range td.ResourceSpans().All() {
		require.Equal(t, 0.0, rs.ScopeSpans().At(0).Spans().At(0).Attributes().AsRaw()["_sampling_priority_v1"])
		attrs := rs.Resource().Attributes().AsRaw()
		require.Equal(t, "h", attrs["host.name"], "the agent's, where the tracer names none")
		require.Equal(t, "prod", attrs["deployment.environment.name"])
	}
}

func TestTheVersionOfAPayloadIsThatOfItsOwnService(t *testing.T) {
	t.Parallel()
	td, _ := payloadV07(t, &pb.TracerPayload{AppVersion: "1.2.3", Env: "prod"}, &pb.TraceChunk{Priority: 1},
		&pb.Span{TraceID: 1, SpanID: 2, Service: "shop", Meta: map[string]string{"env": "test"}},
		&pb.Span{TraceID: 1, SpanID: 3, Service: "shop-pg", Meta: map[string]string{"_dd.base_service": "shop"}},
		&pb.Span{TraceID: 1, SpanID: 4, Service: "shop-pg", Meta: map[string]string{"_dd.base_service": "shop", "version": "9"}})
	want := [][2]any{{"1.2.3", "test"}, {nil, "prod"}, {"9", "prod"}}
	for i, rs := range td.ResourceSpans().All() {
		attrs := rs.Resource().Attributes().AsRaw()
		require.Equal(t, want[i], [2]any{attrs["service.version"], attrs["deployment.environment.name"]}, i)
	}
}

func TestAttributesOfChunksAndPayloadsAreBounded(t *testing.T) {
	t.Parallel()
	tags := make(map[string]string)
	for i := range 70 {
		tags[fmt.Sprint("k", i)] = "v"
	}
	td, stats := payloadV07(t, &pb.TracerPayload{Tags: tags}, &pb.TraceChunk{Priority: 1, Tags: tags}, &pb.Span{TraceID: 1, SpanID: 2})
	require.Equal(t, 2*(70-64), stats.BadAttributes)
	rs := td.ResourceSpans().At(0)
	require.Equal(t, 64, rs.ScopeSpans().At(0).Spans().At(0).Attributes().Len()-1, "and the priority")
	require.Equal(t, 64+2, rs.Resource().Attributes().Len(), "and the names of service and SDK")
}

func TestATagOfAWrongTypeCostsItsSpanInV05(t *testing.T) {
	t.Parallel()
	id := uint64(100)
	span := func(m msg, tags func(msg) msg) msg {
		id++
		m = m.a(12).u(0).u(0).u(0).u(1).u(id).u(0).u(0).u(0).u(0)
		return tags(m).m(0).u(0)
	}
	body := msg{}.a(2).a(2).s("").s("k").a(1).a(4)
	body = span(body, func(m msg) msg { return m.m(2).u(99).u(1).u(1).u(1) })     // a key outside the dictionary
	body = span(body, func(m msg) msg { return m.m(2).u(1).s("text").u(1).u(1) }) // a value that is no place
	body = span(body, func(m msg) msg { return m.m(1).u(1).u(1) })
	body = span(body, func(m msg) msg { return m.m(0) })
	td, stats, err := New(Options{Mode: Lossless, MaxSpans: 10}).Decode(V05, body, Headers{})
	require.NoError(t, err)
	require.Equal(t, [3]int{DropMalformed: 2}, stats.Dropped)
	spans := td.ResourceSpans().At(0).ScopeSpans().At(0).Spans()
	require.Equal(t, 2, spans.Len())
	require.Equal(t, "0000000000000067", spans.At(0).SpanID().String())
	require.Equal(t, map[string]any{"k": "k"}, spans.At(0).Attributes().AsRaw())
	require.Equal(t, "0000000000000068", spans.At(1).SpanID().String())
}

func TestAttributesOfV10ThatAreNoTriplesAreLeftOut(t *testing.T) {
	t.Parallel()
	body := msg{}.m(1).u(11).a(1).m(2).u(6).bin("\x01").u(4).a(1).m(3).u(4).u(9).u(9).a(4).s("k").u(1).s("v").s("left over").u(2).s("name")
	td, stats, err := New(Options{Mode: Lossless, MaxSpans: 10}).Decode(V10, body, Headers{})
	require.NoError(t, err)
	require.Equal(t, 1, stats.BadAttributes)
	require.Equal(t, map[string]any{"operation.name": "name"}, onlySpan(t, td).Attributes().AsRaw())
}

func TestTypedValuesOfEventsEndWhereTheirMapDoes(t *testing.T) {
	t.Parallel()
	event := msg{}.m(2).s("name").s("e").s("attributes").m(2)
	event = event.s("first").m(3).s("type").u(2).s("int_value").i(5).s("string_value").s("ignored")
	event = event.s("second").m(2).s("string_value").s("v").s("type").u(0)
	body := append(msg{}.a(1).a(1).m(3).s("trace_id").u(1).s("span_id").u(2).s("span_events").a(1), event...)
	td, _, err := New(Options{Mode: Lossless, MaxSpans: 10}).Decode(V04, body, Headers{})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"first": int64(5), "second": "v"}, onlySpan(t, td).Events().At(0).Attributes().AsRaw())
}
