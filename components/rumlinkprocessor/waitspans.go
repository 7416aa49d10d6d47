package rumlinkprocessor

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"
)

// tracesWithAfterwards forgets used-up keys when the next consumer has accepted
// the spans that used them: a batch that is sent again finds them again.
type tracesWithAfterwards struct {
	processor.Traces
	linker *spanLinker
}

func (t *tracesWithAfterwards) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	ctx, c := withCall(ctx, t.linker)
	if err := t.Traces.ConsumeTraces(ctx, td); err != nil {
		return err
	}
	t.linker.join.consume(c.consumed)
	return nil
}

// park holds a batch of spans back for its logs and says whether it could.
func (p *spanLinker) park(ctx context.Context, td ptrace.Traces) bool {
	otlp, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(td)
	if err != nil {
		return false // cannot happen; the spans pass on
	}
	info, md := metadataOf(ctx)
	parcels := []*parcel{{info: info, otlp: otlp, label: label{Records: td.SpanCount(), Metadata: md}}}
	if p.room.reserve(parcels[0].size()) {
		err = p.room.park(ctx, parcels)
		if err == nil {
			p.room.tel.parked.Add(ctx, records(parcels), p.room.tel.self)
			return true
		}
		p.room.tel.storageFailed(ctx)
		p.set.Logger.Error("Spans pass without waiting for their logs", zap.Error(err))
	}
	p.room.tel.degraded.Add(ctx, records(parcels), p.room.tel.self)
	return false
}

// release enriches spans that have waited and hands them on.
func (p *spanLinker) release(ctx context.Context, batch []*parcel) error {
	td := ptrace.NewTraces()
	for _, parcel := range batch {
		one, err := unpackSpans(parcel)
		if err != nil {
			return consumererror.NewPermanent(err)
		}
		one.ResourceSpans().MoveAndAppendTo(td.ResourceSpans())
	}
	var n spanBatch
	p.enrich(&n, td)
	if err := p.next.ConsumeTraces(clientContext(ctx, batch), td); err != nil {
		return err
	}
	p.join.consume(n.consumed)
	p.add(ctx, &n.tally)
	return nil
}

func unpackSpans(p *parcel) (ptrace.Traces, error) {
	td, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(p.otlp)
	if err != nil {
		return td, fmt.Errorf("unpack spans: %w", err)
	}
	return td, nil
}

// adopt makes parked spans of an earlier process known again.
func (p *spanLinker) adopt(parcel *parcel) error {
	td, err := unpackSpans(parcel)
	if err != nil {
		return err
	}
	var n spanBatch
	p.learn(&n, td)
	return nil
}
