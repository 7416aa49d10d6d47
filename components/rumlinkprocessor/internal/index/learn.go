package rumlinkprocessor

import (
	"unique"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

// What a value shared through package unique costs besides its strings when
// nobody shares it, measured: the value, its place in the map, its weak pointer.
// The store books it in full for each entry, so its account is an upper bound.
const (
	infoBytes   = 290
	rumBytes    = 420
	stringSlack = 16 // of the allocator, per string
)

// putSpan makes a span known. It says whether its logs contradict it.
func (j *join) putSpan(r spanRef, info unique.Handle[spanInfo]) (conflict bool) {
	bytes := info.Value().bytes()
	j.store.Put(r.spanKey(), bytes, true, func(e *entry, _ bool) (grown int64) {
		if e.flags&known == 0 && e.hi2 != 0 {
			if e.hi2 != r.hi {
				conflict = true
				grown -= e.events.bytes()
				e.events, e.counts = nil, [len(e.counts)]uint16{}
			}
			e.hi2 = 0
		}
		if e.info != (unique.Handle[spanInfo]{}) {
			grown -= e.info.Value().bytes()
		}
		e.addHi(r.hi)
		e.info = info
		return grown + bytes
	})
	return conflict
}

// putTrace makes a trace known, with what ctx says about its user, if anything.
// A log with the low half alone does not say which trace it is of: it can tell
// of the user, but it makes no trace known.
func (j *join) putTrace(r spanRef, ctx *rumContext, isSpan bool) (conflicts int64) {
	var need int64
	if ctx != nil {
		need = ctx.bytes()
	}
	j.store.Put(r.traceKey(), need, isSpan, func(e *entry, _ bool) (grown int64) {
		if isSpan || r.hi != 0 {
			e.addHi(r.hi)
		}
		if ctx != nil {
			conflicts, grown = e.addRUM(ctx)
		}
		return grown
	})
	return conflicts
}

// countLog counts one log on its span, which may yet have to come, and keeps
// event for it. It says what became of the event and whether it came too late.
func (j *join) countLog(r spanRef, severity int, event string, maxEvents int) (out counted) {
	need := int64(0)
	if event != "" {
		need = eventBytes(event)
	}
	res := j.store.Put(r.spanKey(), need, false, func(e *entry, fresh bool) (grown int64) {
		switch {
		case fresh:
			e.hi2 = r.hi
		case e.flags&known != 0:
			if _, v := e.matches(r.hi); v != match {
				out.conflict = true
				return 0
			}
		case e.hi2 == 0:
			e.hi2 = r.hi
		case r.hi != 0 && r.hi != e.hi2:
			out.conflict = true
			return 0
		}
		e.count(severity)
		out.late = e.flags&left != 0
		if event == "" {
			return 0
		}
		grown, out.kept = e.addEvent(event, maxEvents)
		return grown
	})
	out.refused = res != store.Hit
	return out
}

// counted says what became of a log's contribution to its span.
type counted struct{ late, kept, conflict, refused bool }

func (s spanInfo) bytes() int64 {
	return int64(len(s.service)+len(s.name)) + 2*stringSlack + infoBytes
}
