package view

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Due is a snapshot of a view that must leave.
type Due struct {
	View    *View
	Base    Part
	Updates []Part
	From    *event.Origin
	Version int64
	Early   bool // it makes room
	Record  bool // a record must leave
	Final   bool // the view is over as far as anybody can tell
	Was     Sent

	// Set by who writes it.
	Measured uint8 // a bit for each measurement it holds
	Values   [Measures]float64
	Fresh    uint8 // set when it was sent: the measurements to count
}

// Bytes is the text of the snapshot.
func (d *Due) Bytes() int {
	n := len(d.Base.Line)
	for _, u := range d.Updates {
		n += len(u.Line)
	}
	return n
}

// Lines returns the documents to read, the best first: all parts merged, then
// what is whole of it alone, in case all is more than one event may hold.
// partial says of each that something is missing.
func (d *Due) Lines() (merged, fallback string, partial bool) {
	merged, fallback, partial = d.Base.Line, d.Base.Line, d.Base.Line == ""
	if len(d.Updates) > 0 {
		merged = merge(d.Base.Line, d.Updates)
		if partial {
			fallback = d.Updates[len(d.Updates)-1].Line
		}
	}
	return merged, fallback, partial
}

// Table holds views by tenant, application and id. It is not safe for concurrent use.
type Table struct {
	cfg     *Config
	entries map[digest.Key]*View
	bytes   int
}

// NewTable returns an empty table.
func NewTable(cfg *Config) *Table { return &Table{cfg: cfg, entries: map[digest.Key]*View{}} }

// Key is the key of a view.
func Key(from *event.Origin, app, id string) digest.Key {
	return digest.Of("view", from.Tenant, app, id)
}

// Hold takes one version in and returns its view, nil when it is stale.
func (t *Table) Hold(part Part, from *event.Origin, e *event.Event, now time.Time) *View {
	key := Key(from, e.App, e.View)
	v := t.entries[key]
	if v == nil {
		v = &View{Key: key, App: strings.Clone(e.App), ID: strings.Clone(e.View), First: now, Slot: -1}
		t.Put(v)
	}
	before := v.Size()
	whole := e.Kind == event.TypeView
	if !v.Add(part, whole) {
		return nil
	}
	v.From, v.Touched = from, now
	if active := e.Doc.At("view", "is_active"); whole && active >= 0 && part.Version == v.Version() {
		v.Ended = e.Doc.Kind(active) == event.False
	}
	t.bytes += v.Size() - before
	return v
}

// Put adds a view that was made elsewhere.
func (t *Table) Put(v *View) {
	t.entries[v.Key] = v
	t.bytes += v.Size()
}

// Len is the number of views held.
func (t *Table) Len() int { return len(t.entries) }

// Bytes is about what the views take in memory.
func (t *Table) Bytes() int { return t.bytes }

// Full reports whether the table is at its bound.
func (t *Table) Full() bool {
	return len(t.entries) >= t.cfg.MaxHeld || t.bytes >= t.cfg.MaxHeldBytes
}

// Crowded reports whether the table is so full that views must leave early.
func (t *Table) Crowded() bool {
	const tenths = 9
	return 10*len(t.entries) >= tenths*t.cfg.MaxHeld || 10*t.bytes >= tenths*t.cfg.MaxHeldBytes
}

// Due lists the views that must leave at now; with all, every one that holds something.
func (t *Table) Due(now time.Time, all bool) []Due {
	crowded := t.Crowded()
	var list []Due
	for _, v := range t.entries {
		record, final := v.due(t.cfg, now, all)
		early := !final && crowded && !v.Empty() && (v.Ended || now.Sub(v.Touched) > t.cfg.Settle)
		if early {
			record, final = v.due(t.cfg, now, true)
		}
		if record || final {
			list = append(list, Due{
				View: v, Base: v.Base, Updates: append([]Part(nil), v.Updates...), From: v.From, Version: v.Version(),
				Early: early, Record: record, Final: final, Was: v.Sent,
			})
		}
	}
	slices.SortFunc(list, func(a, b Due) int {
		return cmp.Or(a.View.First.Compare(b.View.First), cmp.Compare(a.View.ID, b.View.ID))
	})
	return list
}

// MarkSent notes that d was sent.
func (t *Table) MarkSent(d *Due, now time.Time) {
	before := d.View.Size()
	d.View.markSent(d, now)
	t.bytes += d.View.Size() - before
}

// Expire forgets the views that were sent and are old enough not to be asked
// for, and returns them; with all, every one that was sent.
func (t *Table) Expire(now time.Time, all bool) (gone []*View) {
	crowded := t.Crowded()
	for _, v := range t.entries {
		if v.Empty() && (all || crowded || now.Sub(v.Touched) >= t.cfg.Idle+t.cfg.Settle) {
			delete(t.entries, v.Key)
			t.bytes -= v.Size()
			gone = append(gone, v)
		}
	}
	return gone
}
