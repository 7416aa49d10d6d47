// Package intern keeps every string of a payload once and names it by a number, so that comparing two strings and choosing by a
// known name are comparisons of numbers. What it copied is valid UTF-8.
package intern

import "unicode/utf8"

// Sym is a string of a Table. Equal strings are equal syms, save those longer than maxLookedUp that were added by Bytes or Text, and
// those added by Hold.
type Sym uint32

// Empty is the empty string of every Table.
const Empty Sym = 0

const (
	// maxLookedUp is the longest string Bytes and Text look up. Longer ones seldom repeat, and hashing them costs more than a copy.
	maxLookedUp = 1024
	// maxKept is how many strings a table may have had and still be used again after Reset.
	maxKept = 16 << 10
)

// Names are the strings a table begins with: the string of Sym i is the i-th. The first must be empty.
type Names struct {
	texts []string
	syms  map[string]Sym
}

// NewNames makes Names of texts.
func NewNames(texts []string) *Names {
	n := &Names{texts: texts, syms: make(map[string]Sym, len(texts))}
	for i, text := range texts {
		n.syms[text] = Sym(i)
	}
	return n
}

// Table holds the strings of one payload. It is not safe for concurrent use.
type Table struct {
	// OnGrow, if set, is told of about GrowStep bytes that the table, and what hangs on it, will have grown by.
	OnGrow func(bytes int)

	names *Names
	texts []string
	syms  map[string]Sym
	grown int
}

const (
	// GrowStep is about how many bytes a table grows between two calls of OnGrow.
	GrowStep = 64 << 10
	// stringBytes is what a string takes beside its text: its header, twice while the list grows, and its place in the map.
	stringBytes = 96
)

// Grow says that bytes more will be held, before they are.
func (t *Table) Grow(bytes int) {
	if t.grown += bytes; t.grown < GrowStep {
		return
	}
	bytes, t.grown = t.grown, 0
	if t.OnGrow != nil {
		t.OnGrow(bytes)
	}
}

// NewTable returns a table that begins with names.
func NewTable(names *Names) *Table {
	return &Table{names: names, texts: append(make([]string, 0, 2*len(names.texts)), names.texts...), syms: make(map[string]Sym, 256)}
}

// Reset forgets everything but the names.
func (t *Table) Reset() {
	t.grown = 0
	if len(t.texts) > maxKept {
		onGrow := t.OnGrow
		*t = *NewTable(t.names)
		t.OnGrow = onGrow
		return
	}
	clear(t.syms)
	clear(t.texts[len(t.names.texts):])
	t.texts = t.texts[:len(t.names.texts)]
}

// Len is one more than the largest Sym.
func (t *Table) Len() int { return len(t.texts) }

// String returns the string y names.
func (t *Table) String(y Sym) string { return t.texts[y] }

// Bytes returns the Sym of b. Each byte of b that is no UTF-8 becomes U+FFFD, as in the Datadog agent.
func (t *Table) Bytes(b []byte) Sym {
	if len(b) == 0 {
		return Empty
	}
	if len(b) > maxLookedUp {
		return t.add(Valid(b))
	}
	return t.Unique(b)
}

// Unique is Bytes that looks up strings of any length.
func (t *Table) Unique(b []byte) Sym {
	if y, ok := t.syms[string(b)]; ok {
		return y
	}
	if y, ok := t.names.syms[string(b)]; ok {
		t.syms[t.texts[y]] = y
		return y
	}
	text := Valid(b)
	y := t.add(text)
	if len(text) != len(b) {
		text = string(b) // it was repaired: found again by what it was
	}
	t.syms[text] = y
	return y
}

// Text returns the Sym of text, which must be valid UTF-8, and keeps a copy: text may be a small part of a large string.
func (t *Table) Text(text string) Sym {
	if text == "" {
		return Empty
	}
	if len(text) > maxLookedUp {
		return t.add(string([]byte(text)))
	}
	if y, ok := t.syms[text]; ok {
		return y
	}
	return t.Unique([]byte(text))
}

// Name returns the Sym of text if it is one of the names.
func (t *Table) Name(text string) (Sym, bool) {
	y, ok := t.names.syms[text]
	return y, ok
}

// Hold returns a Sym for text without looking for an equal string and without copying it.
func (t *Table) Hold(text string) Sym {
	if text == "" {
		return Empty
	}
	return t.add(text)
}

func (t *Table) add(text string) Sym {
	t.Grow(len(text) + stringBytes)
	t.texts = Append(t.texts, text)
	return Sym(len(t.texts) - 1)
}

// Valid copies b, each byte that is no UTF-8 replaced by U+FFFD.
func Valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}

// Append is append that doubles: for a long slice the built-in one adds a quarter at a time and allocates five times the result.
func Append[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		bigger := make([]T, len(s), max(16, 2*len(s)))
		copy(bigger, s)
		s = bigger
	}
	return append(s, v)
}
