package ddcontext

import (
	"iter"
	"strings"
)

const (
	tagPrefix = "_dd.p."
	tidKey    = tagPrefix + "tid"
	dmKey     = tagPrefix + "dm"

	// upstreamServicesKey is a tag of old tracers that nobody reads any more; all of them discard it.
	upstreamServicesKey = tagPrefix + "upstream_services"

	// MaxTagsLength is the longest x-datadog-tags that Datadog's tracers read or write, in bytes.
	MaxTagsLength = 512
)

// Tags are the `_dd.p.*` tags that travel with a trace, in the order they came, each key once. `_dd.p.tid` is never among them: it belongs
// to the trace id. The zero value is the empty set; Tags are immutable.
type Tags struct {
	wire string // as in x-datadog-tags: key=value,key=value
}

// ParseTags reads the header x-datadog-tags. Keys other than `_dd.p.*` are left out, as the Python, Ruby and Java tracers do; of
// a repeated key the last value stays. The raw `_dd.p.tid` is returned apart, unchecked. ok is false, and nothing is returned, if it
// is longer than MaxTagsLength or the grammar is broken anywhere:
//
//	header = tag *( "," tag )
//	tag    = 1*( 0x21-0x7E except "," "=" ) "=" 1*( 0x20-0x7E except "," )
func ParseTags(header string) (tags Tags, tid string, ok bool) {
	if len(header) > MaxTagsLength {
		return Tags{}, "", false
	}
	clean, tids, tidStart, tidEnd := true, 0, 0, 0
	for start := 0; start < len(header); {
		entry, tail, more := strings.Cut(header[start:], ",")
		key, value, found := strings.Cut(entry, "=")
		// A trailing comma is an error too; Java forgives it, Go does not.
		if !found || more && tail == "" || !validTag(key, value) {
			return Tags{}, "", false
		}
		end := start + len(entry)
		if key == tidKey {
			tid, tids, tidStart, tidEnd = value, tids+1, start, end
		} else {
			clean = clean && travels(key) && !hasKey(tail, key)
		}
		start = end + 1
	}
	// A substring will do if nothing but a tid at either end must go, as is usual.
	switch {
	case clean && tids == 0:
		return Tags{header}, "", true
	case clean && tids == 1 && tidStart == 0:
		return Tags{header[min(tidEnd+1, len(header)):]}, tid, true
	case clean && tids == 1 && tidEnd == len(header):
		return Tags{header[:tidStart-1]}, tid, true
	}
	return Tags{keepTravelling(header)}, tid, true
}

// String returns the tags as x-datadog-tags spells them, without `_dd.p.tid`.
func (t Tags) String() string { return t.wire }

// Get returns the value of a tag by its full name, `_dd.p.dm` for instance.
func (t Tags) Get(key string) (string, bool) {
	for k, v := range t.All() {
		if k == key {
			return v, true
		}
	}
	return "", false
}

// All yields the tags, keys with their `_dd.p.`, in order.
func (t Tags) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for rest := t.wire; rest != ""; {
			var tag string
			tag, rest, _ = strings.Cut(rest, ",")
			key, value, _ := strings.Cut(tag, "=")
			if !yield(key, value) {
				return
			}
		}
	}
}

// With returns the tags with one set, in its old place if it was there. A key that is not `_dd.p.*`, or is `_dd.p.tid`, or a value that no
// header can carry, changes nothing and returns false.
func (t Tags) With(key, value string) (Tags, bool) {
	if !validTag(key, value) || !travels(key) {
		return t, false
	}
	entry := key + "=" + value
	if t.wire == "" {
		return Tags{entry}, true
	}
	old, found := t.Get(key)
	if !found {
		return Tags{t.wire + "," + entry}, true
	}
	if old == value {
		return t, true
	}
	var b strings.Builder
	for k, v := range t.All() {
		if k == key {
			v = value
		}
		writeTag(&b, k, v)
	}
	return Tags{b.String()}, true
}

// Without returns the tags less one.
func (t Tags) Without(key string) Tags {
	if !hasKey(t.wire, key) {
		return t
	}
	var b strings.Builder
	for k, v := range t.All() {
		if k != key {
			writeTag(&b, k, v)
		}
	}
	return Tags{b.String()}
}

// keepTravelling copies the tags that travel, each key once with its last value.
func keepTravelling(wire string) string {
	var b strings.Builder
	b.Grow(len(wire))
	for rest := wire; rest != ""; {
		var tag string
		tag, rest, _ = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(tag, "=")
		if travels(key) && !hasKey(rest, key) {
			writeTag(&b, key, value)
		}
	}
	return b.String()
}

func repeatsKey(wire string) bool {
	for rest := wire; rest != ""; {
		var tag string
		tag, rest, _ = strings.Cut(rest, ",")
		if key, _, _ := strings.Cut(tag, "="); hasKey(rest, key) {
			return true
		}
	}
	return false
}

func writeTag(b *strings.Builder, key, value string) {
	if b.Len() > 0 {
		b.WriteByte(',')
	}
	b.WriteString(key)
	b.WriteByte('=')
	b.WriteString(value)
}

// hasKey reports whether a well-formed tag list has the key.
func hasKey(wire, key string) bool {
	for rest := wire; rest != ""; {
		var tag string
		tag, rest, _ = strings.Cut(rest, ",")
		if len(tag) > len(key) && tag[len(key)] == '=' && tag[:len(key)] == key {
			return true
		}
	}
	return false
}

func travels(key string) bool {
	return strings.HasPrefix(key, tagPrefix) && key != tidKey && key != upstreamServicesKey
}

func validTag(key, value string) bool {
	if key == "" || value == "" || !printable(value) || strings.IndexByte(value, ',') >= 0 {
		return false
	}
	for i := range len(key) {
		if c := key[i]; c <= ' ' || c > '~' || c == ',' || c == '=' {
			return false
		}
	}
	return true
}

// printable reports whether s is made of 0x20-0x7E only, so that it can stand in a header line and cannot end it.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
