package rumlinkprocessor

import (
	"context"
	"fmt"
	"slices"
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
	ctx, c := withCall(ctx)
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

// takeOut removes the strays, and scopes and resources that hold nothing else.
func takeOut(ld plog.Logs, strays []stray) {
	next := 0
	resource := -1
	ld.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		resource++
		scope, touched := -1, false
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			scope++
			record, before := -1, sl.LogRecords().Len()
			sl.LogRecords().RemoveIf(func(plog.LogRecord) bool {
				record++
				if next < len(strays) && strays[next].resource == resource && strays[next].scope == scope && strays[next].record == record {
					next++
					return true
				}
				return false
			})
			touched = touched || sl.LogRecords().Len() < before
			return before > 0 && sl.LogRecords().Len() == 0
		})
		return touched && rl.ScopeLogs().Len() == 0
	})
}

// pack copies strays into parcels, one for each resource and partner.
func pack(ctx context.Context, ld plog.Logs, strays []stray) (parcels []*parcel) {
	type box struct {
		logs  plog.Logs
		scope int
		label
		wants []store.Key
	}
	info, md := metadataOf(ctx)
	boxes := make(map[store.Key]*box)
	var order []*box
	for i, s := range strays {
		if i > 0 && strays[i-1].resource != s.resource {
			clear(boxes)
		}
		rl := ld.ResourceLogs().At(s.resource)
		sl := rl.ScopeLogs().At(s.scope)
		b := boxes[fold(s.wants)]
		if b == nil {
			b = &box{logs: plog.NewLogs(), scope: -1, wants: s.wants, label: label{Resource: s.resource, Metadata: md}}
			to := b.logs.ResourceLogs().AppendEmpty()
			rl.Resource().CopyTo(to.Resource())
			to.SetSchemaUrl(rl.SchemaUrl())
			boxes[fold(s.wants)] = b
			order = append(order, b)
		}
		scopes := b.logs.ResourceLogs().At(0).ScopeLogs()
		if b.scope != s.scope {
			to := scopes.AppendEmpty()
			sl.Scope().CopyTo(to.Scope())
			to.SetSchemaUrl(sl.SchemaUrl())
			b.scope = s.scope
		}
		sl.LogRecords().At(s.record).CopyTo(scopes.At(scopes.Len() - 1).LogRecords().AppendEmpty())
		b.Positions = append(b.Positions, uint64(s.scope)<<32|uint64(s.record))
		b.Records++
	}
	for _, b := range order {
		otlp, _ := (&plog.ProtoMarshaler{}).MarshalLogs(b.logs) // pdata of our own making: it cannot fail
		parcels = append(parcels, &parcel{info: info, wants: b.wants, otlp: otlp, label: b.label})
	}
	return parcels
}

// fold makes one name of a list of keys.
func fold(keys []store.Key) (sum store.Key) {
	for _, k := range keys {
		sum = store.Key{Tenant: k.Tenant, A: sum.A*31 + k.A, B: sum.B*37 + k.B}
	}
	return sum
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

// unpackLogs puts the records of a batch, which is in order of arrival, back
// into the order in which each resource sent them.
func unpackLogs(batch []*parcel) (plog.Logs, error) {
	ld := plog.NewLogs()
	for from := 0; from < len(batch); {
		to := from + 1
		for to < len(batch) && batch[to].Call == batch[from].Call && batch[to].Resource == batch[from].Resource {
			to++
		}
		if err := unpackResource(ld.ResourceLogs().AppendEmpty(), batch[from:to]); err != nil {
			return ld, err
		}
		from = to
	}
	return ld, nil
}

func unpackResource(out plog.ResourceLogs, parcels []*parcel) error {
	type placed struct {
		at    uint64
		scope plog.ScopeLogs
		lr    plog.LogRecord
	}
	var all []placed
	for i, p := range parcels {
		ld, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p.otlp)
		if err != nil {
			return fmt.Errorf("unpack logs: %w", err)
		}
		if ld.ResourceLogs().Len() != 1 || ld.LogRecordCount() != len(p.Positions) {
			return fmt.Errorf("unpack logs: want 1 resource with %d records, got %d with %d",
				len(p.Positions), ld.ResourceLogs().Len(), ld.LogRecordCount())
		}
		rl := ld.ResourceLogs().At(0)
		if i == 0 {
			rl.Resource().CopyTo(out.Resource())
			out.SetSchemaUrl(rl.SchemaUrl())
		}
		n := 0
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				all = append(all, placed{p.Positions[n], sl, lr})
				n++
			}
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return int(int64(a.at - b.at)) })
	scope := -1
	for _, one := range all {
		if s := int(one.at >> 32); s != scope {
			sl := out.ScopeLogs().AppendEmpty()
			one.scope.Scope().CopyTo(sl.Scope())
			sl.SetSchemaUrl(one.scope.SchemaUrl())
			scope = s
		}
		one.lr.MoveTo(out.ScopeLogs().At(out.ScopeLogs().Len() - 1).LogRecords().AppendEmpty())
	}
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
	for _, rl := range ld.ResourceLogs().All() {
		b.prints.reset()
		src := p.source(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				if wants := p.link(b, src, lr, arriving); wants != nil {
					one.wants = wants // the same for all of one parcel
				}
			}
		}
	}
	return nil
}
