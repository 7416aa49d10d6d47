package event

import (
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// None is the node of what is not there.
const None = -1

// Children yields the nodes right below node i, nothing for None.
func (d *Doc) Children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if i == None {
			return
		}
		for j, end := i+1, int(d.nodes[i].next); j < end; j = int(d.nodes[j].next) {
			if !yield(j) {
				return
			}
		}
	}
}

// Members is Children, nothing when node i is no object.
func (d *Doc) Members(i int) iter.Seq[int] {
	if i >= 0 && d.values[i].kind != Object {
		i = None
	}
	return d.Children(i)
}

// Child returns the member of object i called key, or None.
func (d *Doc) Child(i int, key string) int {
	for j := range d.Members(i) {
		if d.nodes[j].key == key {
			return j
		}
	}
	return None
}

// At returns the node at a path below the event, or None.
func (d *Doc) At(path ...string) int {
	i := 0
	for _, key := range path {
		i = d.Child(i, key)
	}
	return i
}

// Text returns the string at node i, or "" when there is None.
func (d *Doc) Text(i int) string {
	if i < 0 || d.values[i].kind != String {
		return ""
	}
	return d.values[i].str
}

// IDText is Text, and a number as it was written: some SDKs write ids bare.
func (d *Doc) IDText(i int) string {
	if i >= 0 && d.values[i].kind == Number {
		return d.values[i].str
	}
	return d.Text(i)
}

// Float returns the number at node i.
func (d *Doc) Float(i int) (float64, bool) {
	if i < 0 || d.values[i].kind != Number {
		return 0, false
	}
	f, err := strconv.ParseFloat(d.values[i].str, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// Integer returns the number at node i rounded towards zero, when it fits.
func (d *Doc) Integer(i int) (int64, bool) {
	if i < 0 || d.values[i].kind != Number {
		return 0, false
	}
	if n, ok := WholeNumber(d.values[i].str); ok {
		return n, true
	}
	f, ok := d.Float(i)
	if !ok || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// WholeNumber reads a JSON number that is an integer of 64 bits. strconv tells of
// any other with an error, which is two allocations for each fraction.
func WholeNumber(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	n, ok := ddcontext.ParseUint64(digits)
	if negative {
		return -int64(n), ok && n <= 1<<63
	}
	return int64(n), ok && n <= math.MaxInt64
}

// Equal reports whether two nodes hold the same, members in the same order.
func (d *Doc) Equal(i int, other *Doc, j int) bool {
	n := int(d.nodes[i].next) - i
	if n != int(other.nodes[j].next)-j || d.values[i] != other.values[j] {
		return false
	}
	for k := 1; k < n; k++ {
		if d.values[i+k] != other.values[j+k] {
			return false
		}
		if d.Shape != other.Shape && (d.nodes[i+k].key != other.nodes[j+k].key || int(d.nodes[i+k].next)-i != int(other.nodes[j+k].next)-j) {
			return false
		}
	}
	return true
}

// Key is the member name of node i.
func (d *Doc) Key(i int) string { return d.nodes[i].key }

// Kind is what node i holds.
func (d *Doc) Kind(i int) Kind { return d.values[i].kind }

// Raw is the unescaped string at node i, or its number as written.
func (d *Doc) Raw(i int) string { return d.values[i].str }

// Empty reports whether node i has no children.
func (d *Doc) Empty(i int) bool { return int(d.nodes[i].next) == i+1 }

// Body is the member called like the event's type, or None.
func (d *Doc) Body() int { return d.at[atBody] }

// Internal is the member called _dd, or None.
func (d *Doc) Internal() int { return d.at[atInternal] }
