package index

import (
	"hash/maphash"
	"unique"
)

// Info stands for the service and name of a span. All that are equal share one.
type Info = unique.Handle[SpanInfo]

const memoSize = 256

// Infos finds the Info of a service and name. Few of them make up most spans, and
// those that were met lately are found without asking package unique. It is not
// safe for concurrent use.
type Infos struct {
	seed maphash.Seed
	memo [memoSize]Info
}

// NewInfos returns an empty Infos.
func NewInfos() *Infos { return &Infos{seed: maphash.MakeSeed()} }

// Of returns the Info of a service and name.
func (m *Infos) Of(service, name string) Info {
	info := SpanInfo{Service: service, Name: name}
	at := &m.memo[maphash.Comparable(m.seed, info)%memoSize]
	if *at == (Info{}) || at.Value() != info {
		*at = unique.Make(info)
	}
	return *at
}
