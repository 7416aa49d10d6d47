package delta

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// ID is a series: resource, scope, metric and attributes. 128 bits of a cryptographic hash do not meet by chance, nor on purpose.
type ID [16]byte

// identifier makes ids.
type identifier struct {
	h    hash.Hash
	base [sha256.Size]byte // of resource, scope and metric
}

func newIdentifier() *identifier { return &identifier{h: sha256.New()} }

func (i *identifier) metric(res pcommon.Resource, scope pcommon.InstrumentationScope, m pmetric.Metric) {
	i.h.Reset()
	i.attributes(res.Attributes())
	i.text(scope.Name())
	i.text(scope.Version())
	i.attributes(scope.Attributes())
	i.text(m.Name())
	i.text(m.Unit())
	i.h.Write([]byte{byte(m.Type())})
	i.h.Sum(i.base[:0])
}

func (i *identifier) point(attrs pcommon.Map) (id ID) {
	i.h.Reset()
	i.h.Write(i.base[:])
	i.attributes(attrs)
	var sum [sha256.Size]byte
	i.h.Sum(sum[:0])
	copy(id[:], sum[:])
	return id
}

func (i *identifier) text(s string) {
	var n [8]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
	i.h.Write(n[:])
	i.h.Write([]byte(s))
}

func (i *identifier) attributes(m pcommon.Map) {
	type pair struct{ key, value string }
	list := make([]pair, 0, m.Len())
	for k, v := range m.All() {
		list = append(list, pair{k, string(rune(v.Type())) + v.AsString()})
	}
	slices.SortFunc(list, func(a, b pair) int { return strings.Compare(a.key, b.key) })
	i.h.Write([]byte{byte(len(list)), byte(len(list) >> 8), byte(len(list) >> 16)})
	for _, p := range list {
		i.text(p.key)
		i.text(p.value)
	}
}

// last is what the last point of a series said.
type last struct {
	Start, Time uint64
	Value       float64  // of a sum; of a histogram the sum
	Int         int64    // of a sum of integers
	Count       uint64   // of a histogram
	Zero        uint64   // of an exponential one
	Scale       int32    // of an exponential one
	Offsets     [2]int32 // of an exponential one: positive and negative
	Buckets     [2][]uint64
	Bounds      []float64
	HasSum      bool
}
