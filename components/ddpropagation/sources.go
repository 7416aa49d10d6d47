package ddpropagation

import (
	"math/bits"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// pair is a source as the walk needs it.
type pair struct {
	Source
	family ddid.KeyFamily
	// spareOf is the span id of an earlier source with the same trace id: if that is there, this pair is not needed.
	spareOf string
	// inPath says that the trace id is the last part of a path, as Google's is.
	inPath bool
}

// traceField returns the field in which the trace id stands.
func (p *pair) traceField(f field) field {
	if p.inPath && f.kind == textField {
		f.text = f.text[strings.LastIndexByte(f.text, '/')+1:]
	}
	return f
}

// finder finds the configured trace ids in a map in one pass over its keys, whichever of their dots are nesting.
type finder struct {
	pairs []pair
	// roots are the top-level keys behind which a trace id may be: for a.b.c these are a.b.c itself, a.b and a.
	roots map[string][]root
	// shapes has a bit set for the first byte and length of every root, so that other keys need not be hashed to be passed over.
	shapes [64]uint64
	// hints are texts of which a JSON object has at least one if it has a trace id.
	hints []string
}

type root struct {
	source int
	rest   string // path within the map at the root; empty when the root is the whole path
	rank   int    // 0 for the flat key; when a source stands in two places the flatter one counts
}

// hits is what one pass found: a bit for each source, and its value.
type hits struct {
	found  uint64
	values [maxSources]pcommon.Value
	ranks  [maxSources]int
}

func newFinder(sources []Source) *finder {
	f := &finder{roots: map[string][]root{}}
	for i, s := range sources {
		p := pair{Source: s, family: family(s.TraceID), inPath: strings.IndexByte(s.TraceID, '/') >= 0}
		for _, earlier := range f.pairs {
			if earlier.TraceID == s.TraceID {
				p.spareOf = earlier.SpanID
			}
		}
		f.pairs = append(f.pairs, p)
		rank := 0
		for head, rest := s.TraceID, ""; head != ""; head, rest = splitLast(head, rest) {
			f.roots[head] = append(f.roots[head], root{source: i, rest: rest, rank: rank})
			f.shapes[head[0]&63] |= 1 << (len(head) & 63)
			rank++
		}
		// Of trace: one look-up serves nearly all names.
		if strings.Contains(s.TraceID, "race") {
			f.hint("race")
		} else {
			f.hint(longestName(s.TraceID))
		}
	}
	return f
}

// hint adds a name, unless another hint stands in it already.
func (f *finder) hint(name string) {
	if !f.mayBeIn(name) {
		f.hints = append(f.hints, name)
	}
}

func longestName(path string) (longest string) {
	for name := range strings.SplitSeq(path, ".") {
		if len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// isSpare reports whether an earlier source with the same trace id has the span id.
func (f *finder) isSpare(p *pair, m pcommon.Map) bool {
	if p.spareOf == "" {
		return false
	}
	_, ok := findIn(m, p.spareOf)
	return ok
}

// mayBeIn passes over nearly every JSON object that has no trace id, unparsed.
func (f *finder) mayBeIn(text string) bool {
	for _, hint := range f.hints {
		if strings.Contains(text, hint) {
			return true
		}
	}
	return false
}

// splitLast moves the last name of head to the front of rest.
func splitLast(head, rest string) (string, string) {
	i := strings.LastIndexByte(head, '.')
	if i < 0 {
		return "", ""
	}
	if rest == "" {
		return head[:i], head[i+1:]
	}
	return head[:i], head[i+1:] + "." + rest
}

// family tells a name that only Datadog's log injection writes from one that anybody writes.
func family(path string) ddid.KeyFamily {
	for name := range strings.SplitSeq(path, ".") {
		if name == "dd" || name == "_dd" || strings.HasPrefix(name, "dd_") {
			return ddid.DatadogKey
		}
	}
	return ddid.BareKey
}

// mayBeRoot passes over nearly every key that is no root.
func (f *finder) mayBeRoot(key string) bool {
	return key != "" && f.shapes[key[0]&63]&(1<<(len(key)&63)) != 0
}

// scan finds the trace ids in m.
func (f *finder) scan(m pcommon.Map, h *hits) {
	h.found = 0
	for key, value := range m.All() {
		if !f.mayBeRoot(key) {
			continue
		}
		for _, r := range f.roots[key] {
			if bit := uint64(1) << r.source; h.found&bit != 0 && h.ranks[r.source] <= r.rank {
				continue
			}
			v, ok := value, true
			if r.rest != "" {
				v, ok = find(value, r.rest)
			}
			if ok {
				h.found |= 1 << r.source
				h.values[r.source] = v
				h.ranks[r.source] = r.rank
			}
		}
	}
}

// next takes the most trusted source out of the hits.
func (h *hits) next() int {
	source := bits.TrailingZeros64(h.found)
	h.found &= h.found - 1
	return source
}

// fieldIn reads the field at path, if there is one.
func fieldIn(m pcommon.Map, path string) field {
	if path == "" {
		return field{}
	}
	if v, ok := findIn(m, path); ok {
		return fieldOf(v)
	}
	return field{}
}

// find follows path into v: as one flat key, or through nested maps, the flattest first.
func find(v pcommon.Value, path string) (pcommon.Value, bool) {
	switch v.Type() {
	case pcommon.ValueTypeMap:
		return findIn(v.Map(), path)
	case pcommon.ValueTypeSlice:
		// Of the elements of a list the first that has it counts.
		for i := range min(v.Slice().Len(), maxElements) {
			if found, ok := find(v.Slice().At(i), path); ok {
				return found, true
			}
		}
	}
	return v, false
}

// maxElements is how many elements of a list are looked at.
const maxElements = 16

func findIn(m pcommon.Map, path string) (pcommon.Value, bool) {
	if v, ok := m.Get(path); ok {
		return v, true
	}
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		if inner, ok := m.Get(path[:i]); ok {
			if v, ok := find(inner, path[i+1:]); ok {
				return v, true
			}
		}
	}
	return pcommon.Value{}, false
}
