package rumlinkprocessor

import (
	"context"
	"unique"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

// logsWithAfterwards stands before the processor that processorhelper made, and
// does what may only be done when the next consumer has accepted the data that
// need not wait: a refused batch stays with its sender as a whole.
type logsWithAfterwards struct {
	processor.Logs
	linker *logLinker
}

func (l *logsWithAfterwards) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	ctx, c := withCall(ctx, l.linker)
	if err := l.Logs.ConsumeLogs(ctx, ld); err != nil {
		l.linker.giveBack(c.parcels)
		return err
	}
	l.linker.join.consume(c.consumed)
	return l.linker.park(ctx, c.parcels)
}

// stray is a record that lacks its span: where it is in the batch.
type stray struct {
	resource, scope, record int
	src                     source
	wants                   []store.Key
}

// wantsOf says what a log should wait for, given what was found for it: its own
// span if it names one, else its trace, else the spans its keys may lead to.
func (p *logLinker) wantsOf(ref spanRef, lr plog.LogRecord, f *found) []store.Key {
	if v, ok := lr.Attributes().Get(attrLinked); ok && v.Bool() {
		return nil // an earlier hop has linked it
	}
	switch {
	case !lr.TraceID().IsEmpty() && ref.span != 0:
		if f.info == (unique.Handle[spanInfo]{}) {
			return []store.Key{ref.spanKey()}
		}
	case f.method != methodNone:
	case !lr.TraceID().IsEmpty():
		if f.result != resultAmbiguous {
			return []store.Key{ref.traceKey()}
		}
	case f.result == resultNotFound || f.result == resultStoreFull:
		var wants []store.Key
		for i := range p.join.keys {
			k := &p.join.keys[i]
			if at, ok := p.join.keyOf(ref.tenant, k, k.Log, lr.Attributes()); ok {
				wants = append(wants, at)
			}
		}
		return wants
	}
	return nil
}

// setAside packs the strays and takes them out of ld, or, when there is no room
// for them, joins them as they are.
func (p *logLinker) setAside(ctx context.Context, b *logBatch, ld plog.Logs, strays []stray, c *call) {
	parcels := pack(ctx, ld, strays)
	var size int64
	for _, parcel := range parcels {
		size += parcel.size()
	}
	if !p.room.reserve(size) {
		p.room.tel.degraded.Add(ctx, int64(len(strays)), p.room.tel.self)
		for _, s := range strays {
			lr := ld.ResourceLogs().At(s.resource).ScopeLogs().At(s.scope).LogRecords().At(s.record)
			p.link(b, s.src, lr, waited)
		}
		return
	}
	c.parcels = parcels
	takeOut(ld, strays)
}

// park begins the wait of parcels that have been promised room. If the storage
// fails, they are handed on at once, and the caller learns how that went.
func (p *logLinker) park(ctx context.Context, parcels []*parcel) error {
	if len(parcels) == 0 {
		return nil
	}
	if err := p.room.park(ctx, parcels); err != nil {
		p.room.tel.storageFailed(ctx)
		p.room.tel.degraded.Add(ctx, records(parcels), p.room.tel.self)
		p.set.Logger.Error("Logs pass without waiting for their spans", zap.Error(err))
		return p.release(ctx, parcels)
	}
	p.room.tel.parked.Add(ctx, records(parcels), p.room.tel.self)
	// A span that came between the lookup and the parking has not seen them.
	for _, parcel := range parcels {
		for _, k := range parcel.wants {
			if p.join.knows(k) {
				p.room.arrived(k)
			}
		}
	}
	return nil
}

// release joins logs that have waited and hands them on.
func (p *logLinker) release(ctx context.Context, batch []*parcel) error {
	ld, err := unpackLogs(batch)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	for _, rl := range ld.ResourceLogs().All() {
		b.prints.reset()
		src := p.source(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				p.link(b, src, lr, waited)
			}
		}
	}
	if err := p.next.ConsumeLogs(clientContext(ctx, batch), ld); err != nil {
		return err
	}
	p.join.consume(b.consumed)
	p.add(ctx, &b.tally)
	return nil
}

// adopt makes parked logs of an earlier process known, as if they came now.
func (p *logLinker) adopt(one *parcel) error {
	ld, err := unpackLogs([]*parcel{one})
	if err != nil {
		return err
	}
	b := p.batches.Get().(*logBatch)
	defer p.recycle(b)
	one.ready = true
	for _, rl := range ld.ResourceLogs().All() {
		b.prints.reset()
		src := p.source(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if wants := p.link(b, src, lr, arriving); wants != nil {
					one.wants, one.ready = wants, false // the same for all of one parcel
				}
			}
		}
	}
	return nil
}
