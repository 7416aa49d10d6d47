package datadogrumreceiver

import (
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// none is the node of what is not there.
const none = -1

// children yields the nodes right below node i, none for none.
func (d *jsonDoc) children(i int) iter.Seq[int] {
	return func(yield func(int) bool) {
		if i == none {
			return
		}
		for j, end := i+1, int(d.nodes[i].next); j < end; j = int(d.nodes[j].next) {
			if !yield(j) {
				return
			}
		}
	}
}

// members is children, none when node i is no object.
func (d *jsonDoc) members(i int) iter.Seq[int] {
	if i >= 0 && d.values[i].kind != jsonObject {
		i = none
	}
	return d.children(i)
}

// child returns the member of object i called key, or none.
func (d *jsonDoc) child(i int, key string) int {
	for j := range d.members(i) {
		if d.nodes[j].key == key {
			return j
		}
	}
	return none
}

// at returns the node at a path below the event, or none.
func (d *jsonDoc) at(path ...string) int {
	i := 0
	for _, key := range path {
		i = d.child(i, key)
	}
	return i
}

// text returns the string at node i, or "" when there is none.
func (d *jsonDoc) text(i int) string {
	if i < 0 || d.values[i].kind != jsonString {
		return ""
	}
	return d.values[i].str
}

// idText is text, and a number as it was written: some SDKs write ids bare.
func (d *jsonDoc) idText(i int) string {
	if i >= 0 && d.values[i].kind == jsonNumber {
		return d.values[i].str
	}
	return d.text(i)
}

// float returns the number at node i.
func (d *jsonDoc) float(i int) (float64, bool) {
	if i < 0 || d.values[i].kind != jsonNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(d.values[i].str, 64)
	return f, err == nil && !math.IsInf(f, 0)
}

// integer returns the number at node i rounded towards zero, when it fits.
func (d *jsonDoc) integer(i int) (int64, bool) {
	if i < 0 || d.values[i].kind != jsonNumber {
		return 0, false
	}
	if n, ok := wholeNumber(d.values[i].str); ok {
		return n, true
	}
	f, ok := d.float(i)
	if !ok || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// wholeNumber reads a JSON number that is an integer of 64 bits. strconv tells of
// any other with an error, which is two allocations for each fraction.
func wholeNumber(s string) (int64, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	n, ok := ddcontext.ParseUint64(digits)
	if negative {
		return -int64(n), ok && n <= 1<<63 //nolint:gosec // 1<<63 is its own negative
	}
	return int64(n), ok && n <= math.MaxInt64 //nolint:gosec // see the bound
}

// equal tells whether two nodes hold the same, members in the same order.
func (d *jsonDoc) equal(i int, other *jsonDoc, j int) bool {
	n := int(d.nodes[i].next) - i
	if n != int(other.nodes[j].next)-j || d.values[i] != other.values[j] {
		return false
	}
	for k := 1; k < n; k++ {
		if d.values[i+k] != other.values[j+k] {
			return false
		}
		if d.shape != other.shape && (d.nodes[i+k].key != other.nodes[j+k].key || int(d.nodes[i+k].next)-i != int(other.nodes[j+k].next)-j) {
			return false
		}
	}
	return true
}
