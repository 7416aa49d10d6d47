package rumlinkprocessor

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

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
