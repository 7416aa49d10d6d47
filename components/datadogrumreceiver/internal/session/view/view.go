package datadogrumreceiver

import (
	"slices"
	"strings"
	"time"
)

// A view is sent again, whole, whenever it changes; with view updates switched
// on, most of the times only what changed since the last request. Versions rise
// and retries reorder them. One record leaves, when the view is over.

// maxViewUpdates bounds the updates one view may wait with: the SDK sends the
// whole view after 100 of them. The oldest are then merged for good.
const maxViewUpdates = 128

// viewPart is one version of a view, whole or as a difference.
type viewPart struct {
	version int64
	line    string
}

type heldView struct {
	key     digest
	app     string
	id      string
	from    *origin
	base    viewPart   // the newest whole version; version 0 when none came
	updates []viewPart // differences newer than base, in order
	ended   bool
	first   time.Time
	touched time.Time
	sent    int64 // the version that left; nothing older is wanted
	counted uint8 // a bit for each of vitalKinds that is in the histograms
	slot    int
	changed bool
}

func (v *heldView) size() int {
	n := 256 + len(v.app) + len(v.base.line)
	for _, u := range v.updates {
		n += 32 + len(u.line)
	}
	return n
}

// version is the newest version known.
func (v *heldView) version() int64 {
	if n := len(v.updates); n > 0 {
		return max(v.base.version, v.updates[n-1].version)
	}
	return v.base.version
}

// count leaves of the vitals found those that were not counted before.
func (v *heldView) count(found []vital) []vital {
	return slices.DeleteFunc(found, func(m vital) bool {
		bit := uint8(1) << m.kind
		twice := v.counted&bit != 0
		v.counted |= bit
		return twice
	})
}

func (v *heldView) empty() bool { return v.base.line == "" && len(v.updates) == 0 }

// add takes one version in. It reports false when that version was already
// there, or one that says more.
func (v *heldView) add(part viewPart, whole bool) bool {
	if part.version <= v.sent || (part.version <= v.base.version && v.base.line != "") {
		return false
	}
	at, found := slices.BinarySearchFunc(v.updates, part.version, func(u viewPart, version int64) int {
		switch {
		case u.version < version:
			return -1
		case u.version > version:
			return 1
		}
		return 0
	})
	part.line = strings.Clone(part.line)
	if !whole {
		if found {
			return false
		}
		v.updates = slices.Insert(v.updates, at, part)
		if len(v.updates) > maxViewUpdates {
			v.fold(len(v.updates) - maxViewUpdates/2)
		}
		return true
	}
	if found {
		at++
	}
	v.base, v.updates = part, slices.Delete(v.updates, 0, at)
	return true
}

// fold merges the oldest n updates into base.
func (v *heldView) fold(n int) {
	merged := mergeView(v.base.line, v.updates[:n])
	v.base = viewPart{version: v.updates[n-1].version, line: merged}
	v.updates = slices.Delete(v.updates, 0, n)
}

// due tells whether the view must leave at now.
func (v *heldView) due(cfg *ViewsConfig, now time.Time) bool {
	switch {
	case v.empty():
		return false
	case v.ended:
		return now.Sub(v.touched) >= cfg.Settle
	}
	return now.Sub(v.touched) >= cfg.Idle
}

// viewTable holds heldViews by tenant, application and view.
type viewTable struct {
	entries map[digest]*heldView
	bytes   int
}

func newViewTable() *viewTable { return &viewTable{entries: map[digest]*heldView{}} }

func (t *viewTable) touch(key digest, app, id string, now time.Time) *heldView {
	v := t.entries[key]
	if v == nil {
		v = &heldView{key: key, app: strings.Clone(app), id: strings.Clone(id), first: now, slot: -1}
		t.entries[key] = v
		t.bytes += v.size()
	}
	return v
}

func (t *viewTable) remove(v *heldView) {
	delete(t.entries, v.key)
	t.bytes -= v.size()
}

func viewKey(from *origin, app, id string) digest { return digestOf("view", from.tenant, app, id) }
