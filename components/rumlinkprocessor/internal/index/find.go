package index

import (
	"unique"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index/store"
)

// Method is how a record was linked.
type Method uint8

// The methods; Methods is their number. MethodID is a record that is linked by
// its own full id, though nothing is known of it here.
const (
	MethodNone Method = iota
	MethodSpan
	MethodTrace
	MethodID64
	MethodKey
	MethodID
	Methods
)

var methodNames = [Methods]string{"none", "span", "trace", "id64", "key", "id"}

func (m Method) String() string { return methodNames[m] }

// Result is what a look-up came to; a later one says more than an earlier one.
type Result uint8

// The results; Results is their number. NotSampled is a record whose trace was
// dropped on purpose.
const (
	Hit Result = iota
	NoID
	NotFound
	StoreFull
	Expired
	Ambiguous
	NotSampled
	Results
)

var resultNames = [Results]string{"hit", "no_id", "not_found", "store_full", "expired", "ambiguous", "not_sampled"}

func (r Result) String() string { return resultNames[r] }

// missed returns why a look-up found nothing: what was known before, or what the
// store says if that says more.
func (r Result) missed(s store.Result) Result {
	switch {
	case r == Hit:
	case s == store.Expired:
		return max(r, Expired)
	case s == store.Full:
		return max(r, StoreFull)
	}
	return r
}

// Found is the answer to a look-up.
type Found struct {
	Method   Method
	Result   Result
	High     uint64 // upper half of the trace, when Method is not MethodNone
	Key      string // the business key that led there, with MethodKey
	Conflict bool   // the low half is known, with another upper half
	info     Info
	rum      unique.Handle[RUM]
}

// Span returns what is known of the span, if it was seen.
func (f *Found) Span() (info SpanInfo, ok bool) {
	if f.info == (Info{}) {
		return info, false
	}
	return f.info.Value(), true
}

// RUM returns what is known of the trace's user, if anything.
func (f *Found) RUM() (ctx RUM, ok bool) {
	if f.rum == (unique.Handle[RUM]{}) {
		return ctx, false
	}
	return f.rum.Value(), true
}

// Find looks for the span of a log, then for its trace.
func (x *Index) Find(r Ref) (f Found) {
	f.Result = NotFound
	hi := r.High
	if r.Span != 0 {
		res := x.store.View(r.SpanKey(), func(e *entry) { hi = f.span(e, hi) })
		f.Result = f.Result.missed(res)
	}
	res := x.store.View(r.TraceKey(), func(e *entry) { f.trace(e, hi) })
	f.Result = f.Result.missed(res)
	if f.Method != MethodNone && r.High == 0 && f.High != 0 {
		f.Method = MethodID64
	}
	return f
}

// span notes what the entry of the span says, and returns the upper half.
func (f *Found) span(e *entry, hi uint64) uint64 {
	if e.flags&seen == 0 {
		return hi
	}
	switch full, v := e.matches(hi); v {
	case match:
		f.Method, f.Result, f.High, f.info = MethodSpan, Hit, full, e.info
		return full
	case unsure:
		f.Result = Ambiguous
	case mismatch:
		f.Conflict = true
	}
	return hi
}

// trace notes what the entry of the trace says.
func (f *Found) trace(e *entry, hi uint64) {
	if e.flags&seen == 0 {
		return
	}
	switch full, v := e.matches(hi); v {
	case match:
		if f.Method == MethodNone {
			f.Method, f.Result, f.High = MethodTrace, Hit, full
		}
		// Whose user it was is certain only if one trace has this half.
		if e.flags&(twoHi|manyHi) == 0 {
			f.rum = e.rum
		}
	case unsure:
		if f.Method == MethodNone {
			f.Result = Ambiguous
		}
	case mismatch:
		f.Conflict = f.Conflict || f.Method == MethodNone
	}
}
