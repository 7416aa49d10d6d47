package index

// What a value shared through package unique costs besides its strings when
// nobody shares it, measured: the value, its place in the map, its weak pointer.
// The store books it in full for each entry, so its account is an upper bound.
const (
	infoBytes   = 290
	userBytes   = 440 + 96 // what is certain, and the head of what is claimed
	claimBytes  = 176
	stringSlack = 16 // of the allocator, per string
)

// PutSpan makes a span known. It reports whether the span's logs contradict it.
func (x *Index) PutSpan(r Ref, info Info) (conflict bool) {
	bytes := info.Value().bytes()
	x.store.Put(r.SpanKey(), bytes, true, func(e *entry, _ bool) (grown int64) {
		if e.flags&seen == 0 && e.hi2 != 0 {
			if e.hi2 != r.High {
				conflict = true
				grown -= e.pending().bytes()
				e.extra, e.counts = nil, Counts{}
			}
			e.hi2 = 0
		}
		if e.info != (Info{}) {
			grown -= e.info.Value().bytes()
		}
		e.addHi(r.High)
		e.info = info
		return grown + bytes
	})
	return conflict
}

// PutTrace makes a trace known, with what a record said about its user, if
// anything.
// A log with the low half alone does not say which trace it is of: it can tell
// of the user, but it makes no trace known. It returns how many disagreements
// about the user came to light.
func (x *Index) PutTrace(r Ref, said *Said, isSpan bool) (conflicts int64) {
	var need int64
	if said != nil {
		need = said.bytes()
	}
	x.store.Put(r.TraceKey(), need, isSpan, func(e *entry, _ bool) (grown int64) {
		if isSpan || r.High != 0 {
			e.addHi(r.High)
		}
		if said != nil {
			conflicts, grown = e.addUser(said)
		}
		return grown
	})
	return conflicts
}

func (s SpanInfo) bytes() int64 {
	return int64(len(s.Service)+len(s.Name)) + 2*stringSlack + infoBytes
}
