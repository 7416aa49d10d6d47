package grpcguard

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/otlpprice"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
)

// codec prices a message and pays for it before the real one decodes it.
type codec struct {
	next  encoding.CodecV2
	guard *Guard
}

// Name implements encoding.CodecV2.
func (c *codec) Name() string { return c.next.Name() }

// Marshal implements encoding.CodecV2.
func (c *codec) Marshal(v any) (mem.BufferSlice, error) { return c.next.Marshal(v) }

// Unmarshal implements encoding.CodecV2. It never fails for an OTLP request: see Guard.unary.
func (c *codec) Unmarshal(data mem.BufferSlice, v any) error {
	root, ok := rootOf(v)
	if !ok {
		return c.next.Unmarshal(data, v)
	}
	m := inflating.take(data)
	if m == nil {
		m = &message{}
		m.hold.Open(c.guard.Pools.Decoding)
	}
	m.bytes = int64(data.Len())
	defer m.endTurn()
	if m.refusal == nil {
		m.refusal = c.decode(m, data, root, v)
	}
	verdicts.put(v, m) // a refused one keeps what it holds until grpc-go has freed its buffers: see Guard.unary
	return nil
}

func (c *codec) decode(m *message, data mem.BufferSlice, root otlpprice.Root, v any) *admission.Refusal {
	ctx := context.Background() // a codec has none; max_wait bounds the wait
	var b []byte
	var beside int64
	switch len(data) {
	case 0:
	case 1:
		b = data[0].ReadOnlyData()
	default:
		beside = m.bytes
		if err := m.hold.Grow(ctx, beside); err != nil {
			return refusalOf(err)
		}
		b = httpbody.GetBuffer(beside)[:beside]
		defer httpbody.FreeBuffer(b)
		data.CopyTo(b)
	}
	l := otlpprice.Limits{Cost: c.guard.Pools.Decoding.Largest() - beside, Depth: c.guard.MaxDepth}
	if err := otlpprice.Pay(ctx, &m.hold, b, root, l, 0); err != nil {
		return refusalOf(err)
	}
	if err := c.next.Unmarshal(mem.BufferSlice{mem.SliceBuffer(b)}, v); err != nil {
		return admission.Refuse(admission.ReasonMalformed, "cannot be decoded: %s", err)
	}
	m.hold.Shrink(beside)
	return nil
}

func refusalOf(err error) *admission.Refusal {
	if r := admission.AsRefusal(err); r != nil {
		return r
	}
	return admission.RefuseForNow(admission.ReasonBusy, "%s", err.Error())
}

// roots are the requests of OTLP by their type. pdata's are internal, so they are known by name only.
var roots sync.Map // reflect.Type -> otlpprice.Root, or -1

func rootOf(v any) (otlpprice.Root, bool) {
	t := reflect.TypeOf(v)
	known, ok := roots.Load(t)
	if !ok {
		root := -1
		for suffix, r := range map[string]otlpprice.Root{
			"ExportTraceServiceRequest": otlpprice.Traces, "ExportLogsServiceRequest": otlpprice.Logs,
			"ExportMetricsServiceRequest": otlpprice.Metrics, "ExportProfilesServiceRequest": otlpprice.Profiles,
		} {
			if strings.HasSuffix(fmt.Sprint(t), "."+suffix) {
				root = int(r)
			}
		}
		known, _ = roots.LoadOrStore(t, root)
	}
	root := known.(int)
	return otlpprice.Root(max(root, 0)), root >= 0
}
