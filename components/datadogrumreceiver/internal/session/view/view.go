package view

import (
	"slices"
	"strings"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// A view is sent again, whole, whenever it changes; with view updates switched
// on, most of the times only what changed since the last request. Versions rise
// and retries reorder them. A record leaves when the view is first seen, again
// now and then when it changed, and when it is over.

// Config says when the versions of a view become records.
type Config struct {
	// Coalesce is how long the changes of a living view are gathered before a record leaves again.
	Coalesce time.Duration `mapstructure:"coalesce"`
	// Settle is how long an ended view waits for versions that overtook one another.
	Settle time.Duration `mapstructure:"settle"`
	// Idle is how long a view that was not ended is held after its last version. SDKs repeat a living view every 5 minutes.
	Idle time.Duration `mapstructure:"idle"`
	// MaxHeld is the number of views held at a time.
	MaxHeld int `mapstructure:"max_held"`
	// MaxHeldBytes bounds the text of the views held.
	MaxHeldBytes int `mapstructure:"max_held_bytes"`
}

// maxUpdates bounds the updates one view may wait with: the SDK sends the
// whole view after 100 of them. The oldest are then merged for good.
const maxUpdates = 128

// firstSight is how long the first versions of a view are gathered.
const firstSight = time.Second

// Measures is the number of measurements that are remembered of a view.
const Measures = 5

// Sent is what was sent of a view.
type Sent struct {
	Version  int64     // nothing older is wanted
	At       time.Time // when the last record did
	Loaded   bool      // the span of its load did
	Over     bool      // everything did, once
	Measured uint8     // a bit for each measurement that did
	Values   [Measures]float64
}

// Part is one version of a view, whole or as a difference.
type Part struct {
	Version int64
	Line    string
}

// View is what is known of one view.
type View struct {
	Key     digest.Key
	App     string
	ID      string
	From    *event.Origin
	Base    Part   // the newest whole version; version 0 when none came
	Updates []Part // differences newer than Base, in order
	Ended   bool
	First   time.Time
	Touched time.Time
	Sent    Sent
	Counted uint8 // a bit for each measurement that was counted
	Slot    int64 // in storage, -1 when it is not there
}

// Size is about what the view takes in memory.
func (v *View) Size() int {
	n := 256 + len(v.App) + len(v.Base.Line)
	for _, u := range v.Updates {
		n += 32 + len(u.Line)
	}
	return n
}

// Version is the newest version known.
func (v *View) Version() int64 {
	if n := len(v.Updates); n > 0 {
		return max(v.Base.Version, v.Updates[n-1].Version)
	}
	return v.Base.Version
}

// Empty reports whether everything that came was sent.
func (v *View) Empty() bool { return v.Base.Line == "" && len(v.Updates) == 0 }

// Add takes one version in. It reports false when that version was already
// there, or one that says more.
func (v *View) Add(part Part, whole bool) bool {
	if part.Version <= v.Sent.Version || (part.Version <= v.Base.Version && v.Base.Line != "") {
		return false
	}
	at, found := slices.BinarySearchFunc(v.Updates, part.Version, func(u Part, version int64) int {
		switch {
		case u.Version < version:
			return -1
		case u.Version > version:
			return 1
		}
		return 0
	})
	part.Line = strings.Clone(part.Line)
	if !whole {
		if found {
			return false
		}
		v.Updates = slices.Insert(v.Updates, at, part)
		if len(v.Updates) > maxUpdates {
			v.fold(len(v.Updates) - maxUpdates/2)
		}
		return true
	}
	if found {
		at++
	}
	v.Base, v.Updates = part, slices.Delete(v.Updates, 0, at)
	return true
}

// fold merges the oldest n updates into Base.
func (v *View) fold(n int) {
	merged := merge(v.Base.Line, v.Updates[:n])
	v.Base = Part{Version: v.Updates[n-1].Version, Line: merged}
	v.Updates = slices.Delete(v.Updates, 0, n)
}

// due reports whether a record of the view must leave, and whether the view is
// over as far as anybody can tell.
func (v *View) due(cfg *Config, now time.Time, over bool) (record, final bool) {
	if v.Empty() {
		return false, false
	}
	idle := now.Sub(v.Touched)
	final = over || v.Ended && idle >= cfg.Settle || idle >= cfg.Idle
	switch {
	case v.Version() <= v.Sent.Version:
		return false, final
	case final:
		return true, true
	case v.Ended:
		return false, false
	case v.Sent.Version == 0:
		return now.Sub(v.First) >= firstSight, false
	}
	return now.Sub(v.Sent.At) >= cfg.Coalesce, false
}

// markSent notes what was sent. A view that is over needs no text any more, unless a
// newer version came meanwhile.
func (v *View) markSent(d *Due, now time.Time) {
	v.Sent.Version = max(v.Sent.Version, d.Version)
	if d.Record {
		v.Sent.At = now
	}
	for i, value := range d.Values {
		if d.Measured&(1<<i) != 0 {
			v.Sent.Values[i] = value
		}
	}
	v.Sent.Measured |= d.Measured
	if !d.Final {
		return
	}
	v.Sent.Over = true
	d.Fresh = d.Measured &^ v.Counted
	v.Counted |= d.Measured
	if v.Version() <= d.Version {
		v.Base, v.Updates, v.Ended = Part{}, nil, false
	}
}
