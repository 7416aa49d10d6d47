package parking

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// Incomplete is a log that lacks something: where it is in its batch, and what
// would complete it.
type Incomplete struct {
	Resource, Scope, Record int
	Wants                   []index.EntryKey
}

// TakeOut removes logs, in the order in which they are in ld, and scopes and
// resources that hold nothing else.
func TakeOut(ld plog.Logs, logs []Incomplete) {
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
				if next < len(logs) && logs[next].Resource == resource && logs[next].Scope == scope && logs[next].Record == record {
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

// PackLogs copies logs into items, one for each resource and list of wants.
func PackLogs(ctx context.Context, ld plog.Logs, logs []Incomplete) (items []*Item) {
	type box struct {
		logs  plog.Logs
		scope int
		label
		wants []index.EntryKey
	}
	info, md := metadataOf(ctx)
	boxes := make(map[index.EntryKey]*box)
	var order []*box
	for i, s := range logs {
		if i > 0 && logs[i-1].Resource != s.Resource {
			clear(boxes)
		}
		rl := ld.ResourceLogs().At(s.Resource)
		sl := rl.ScopeLogs().At(s.Scope)
		b := boxes[fold(s.Wants)]
		if b == nil {
			b = &box{logs: plog.NewLogs(), scope: -1, wants: s.Wants, label: label{Resource: s.Resource, Metadata: md}}
			to := b.logs.ResourceLogs().AppendEmpty()
			rl.Resource().CopyTo(to.Resource())
			to.SetSchemaUrl(rl.SchemaUrl())
			boxes[fold(s.Wants)] = b
			order = append(order, b)
		}
		scopes := b.logs.ResourceLogs().At(0).ScopeLogs()
		if b.scope != s.Scope {
			to := scopes.AppendEmpty()
			sl.Scope().CopyTo(to.Scope())
			to.SetSchemaUrl(sl.SchemaUrl())
			b.scope = s.Scope
		}
		sl.LogRecords().At(s.Record).CopyTo(scopes.At(scopes.Len() - 1).LogRecords().AppendEmpty())
		b.Positions = append(b.Positions, uint64(s.Scope)<<32|uint64(s.Record))
		b.Records++
	}
	for _, b := range order {
		otlp, _ := (&plog.ProtoMarshaler{}).MarshalLogs(b.logs) // pdata of our own making: it cannot fail
		items = append(items, &Item{info: info, Wants: b.wants, otlp: otlp, label: b.label})
	}
	return items
}

// fold makes one name of a list of keys.
func fold(keys []index.EntryKey) (sum index.EntryKey) {
	for _, k := range keys {
		sum = index.EntryKey{Tenant: k.Tenant, A: sum.A*31 + k.A, B: sum.B*37 + k.B}
	}
	return sum
}

// UnpackLogs puts the records of a batch, which is in order of arrival, back
// into the order in which each resource sent them.
func UnpackLogs(batch []*Item) (plog.Logs, error) {
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

func unpackResource(out plog.ResourceLogs, items []*Item) error {
	type placed struct {
		at    uint64
		scope plog.ScopeLogs
		lr    plog.LogRecord
	}
	var all []placed
	for i, p := range items {
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
