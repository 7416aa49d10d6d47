package parking

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// PackSpans returns an item with all of td.
func PackSpans(ctx context.Context, td ptrace.Traces) *Item {
	otlp, _ := (&ptrace.ProtoMarshaler{}).MarshalTraces(td) // what pdata holds can be marshaled
	info, md := metadataOf(ctx)
	return &Item{info: info, otlp: otlp, label: label{Records: td.SpanCount(), Metadata: md}}
}

// UnpackSpans returns the spans of items, in their order.
func UnpackSpans(items []*Item) (ptrace.Traces, error) {
	td := ptrace.NewTraces()
	for _, it := range items {
		one, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(it.otlp)
		if err != nil {
			return td, fmt.Errorf("unpack spans: %w", err)
		}
		one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	return td, nil
}
