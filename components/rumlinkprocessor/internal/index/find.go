package rumlinkprocessor

import (
	"unique"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

// found is the answer to a lookup.
type found struct {
	method   method
	result   result
	hi       uint64 // upper half of the trace, when method is not none
	info     unique.Handle[spanInfo]
	rum      unique.Handle[rumContext]
	conflict bool // the low half is known, with another upper half
}

// find looks for the span of a log, then for its trace.
func (j *join) find(r spanRef) (f found) {
	f.result = resultNotFound
	hi := r.hi
	if r.span != 0 {
		f.missed(j.store.View(r.spanKey(), func(e *entry) {
			if e.flags&known == 0 {
				return
			}
			switch full, v := e.matches(hi); v {
			case match:
				f.method, f.result, f.hi, f.info = methodSpan, resultHit, full, e.info
				hi = full
			case unsure:
				f.result = resultAmbiguous
			case mismatch:
				f.conflict = true
			}
		}))
	}
	f.missed(j.store.View(r.traceKey(), func(e *entry) {
		if e.flags&known == 0 {
			return
		}
		switch full, v := e.matches(hi); v {
		case match:
			if f.method == methodNone {
				f.method, f.result, f.hi = methodTrace, resultHit, full
			}
			// Whose user it was is certain only if one trace has this half.
			if e.flags&(twoHi|manyHi) == 0 {
				f.rum = e.rum
			}
		case unsure:
			if f.method == methodNone {
				f.result = resultAmbiguous
			}
		case mismatch:
			f.conflict = f.conflict || f.method == methodNone
		}
	}))
	if f.method != methodNone && r.hi == 0 && f.hi != 0 {
		f.method = methodID64
	}
	return f
}

// missed notes why a lookup found nothing; the more telling reason stays.
func (f *found) missed(r store.Result) {
	if f.result == resultHit {
		return
	}
	switch r {
	case store.Expired:
		f.result = max(f.result, resultExpired)
	case store.Full:
		f.result = max(f.result, resultStoreFull)
	}
}
