package datadogrumreceiver

import (
	"errors"
	"slices"
	"strings"
)

// The parser below reads one event into a flat arena instead of a tree of
// maps: an event is walked once and thrown away, and its strings are cut out
// of the line that was read, so a value that is passed on costs no copy.

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonFalse
	jsonTrue
	jsonNumber
	jsonString
	jsonObject
	jsonArray
)

const (
	maxJSONDepth = 64
	// An iOS crash report names a few thousand binary images; nothing an SDK
	// sends comes near this.
	maxJSONNodes = 20_000
)

var (
	errJSONSyntax    = errors.New("not a JSON value")
	errJSONDepth     = errors.New("nested more than 64 levels")
	errJSONNodes     = errors.New("more than 20000 values")
	errJSONDuplicate = errors.New("a member name occurs twice")
)

// jsonNode is one value. Its children are nodes first to end, each followed by
// its next sibling at next; they lie behind it, or, when the same text came
// before, where it was parsed then.
type jsonNode struct {
	key   string // member name when the parent is an object
	str   string // unescaped string, number as written, or the raw text of an object or array
	next  int32
	first int32
	end   int32
	kind  jsonKind
	depth uint8
	to    *field // where the value goes, once somebody looked it up
}

// jsonDoc is the arena of parsed values. The zero value is ready.
type jsonDoc struct {
	nodes []jsonNode
	src   string
	pos   int
	depth int
	limit int

	// The events of a body repeat most of what they say: application, session,
	// view, user, device. An object that came before is recognised by its text
	// and not parsed again, which halves the time an event takes.
	known  [knownObjects]int32 // nodes of objects parsed lately
	inside string              // the top-level member that is being read
	recall int                 // where to look first: members come in the same order
	forget int                 // which to replace next
}

// reset forgets every value and keeps the arena.
func (d *jsonDoc) reset() {
	d.nodes = d.nodes[:0]
	d.known, d.recall, d.forget = [knownObjects]int32{}, 0, 0
}

// parse adds line, which must hold exactly one RFC 8259 value, to the arena
// and returns its root. Strings of the nodes are parts of line unless they
// were escaped. What could not be read leaves no nodes behind.
func (d *jsonDoc) parse(line string) (root int, err error) {
	root = len(d.nodes)
	d.src, d.pos, d.depth, d.limit = line, 0, 0, root+maxJSONNodes
	d.space()
	err = d.value("")
	d.space()
	if err == nil && d.pos != len(d.src) {
		err = errJSONSyntax
	}
	if err != nil {
		d.nodes = d.nodes[:root]
		for slot, node := range d.known {
			if int(node) >= root {
				d.known[slot] = 0
			}
		}
	}
	return root, err
}

// space steps over white space, of which SDKs write none.
func (d *jsonDoc) space() {
	if d.pos < len(d.src) && d.src[d.pos] <= ' ' {
		d.skipSpace()
	}
}

func (d *jsonDoc) skipSpace() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *jsonDoc) value(key string) error {
	if d.pos >= len(d.src) {
		return errJSONSyntax
	}
	if len(d.nodes) >= d.limit {
		return errJSONNodes
	}
	i := len(d.nodes)
	d.nodes = slices.Grow(d.nodes, 1)[:i+1]
	n := &d.nodes[i]
	*n = jsonNode{key: key, next: int32(i + 1), depth: uint8(d.depth)} //nolint:gosec // bounded by limit
	switch c := d.src[d.pos]; {
	case c == '"':
		s, err := d.str()
		n.kind, n.str = jsonString, s
		return err
	case c == '{' || c == '[':
		// Members of an event and of its internals repeat; what is deeper comes with
		// them. Depth and name tell where such an object is, so what is found out
		// about its members holds wherever it is repeated.
		if d.depth == 1 {
			d.inside = key
		}
		repeats := c == '{' && (d.depth == 1 || d.depth == 2 && d.inside == "_dd")
		if repeats && d.repeated(i) {
			return nil
		}
		err := d.compound(i, c)
		if repeats && err == nil && len(d.nodes[i].str) >= minRepeated {
			d.remember(i)
		}
		return err
	case c == '-' || c-'0' <= 9:
		return d.number(i)
	case c == 't':
		return d.literal(i, "true", jsonTrue)
	case c == 'f':
		return d.literal(i, "false", jsonFalse)
	case c == 'n':
		return d.literal(i, "null", jsonNull)
	}
	return errJSONSyntax
}

func (d *jsonDoc) literal(i int, word string, kind jsonKind) error {
	if !strings.HasPrefix(d.src[d.pos:], word) {
		return errJSONSyntax
	}
	d.pos += len(word)
	d.nodes[i].kind = kind
	return nil
}

func (d *jsonDoc) compound(i int, open byte) error {
	if d.depth++; d.depth > maxJSONDepth {
		return errJSONDepth
	}
	start := d.pos
	kind, end := jsonObject, byte('}')
	if open == '[' {
		kind, end = jsonArray, ']'
	}
	d.pos++
	d.space()
	if d.pos < len(d.src) && d.src[d.pos] == end {
		d.pos++
	} else if err := d.members(i+1, kind, end); err != nil {
		return err
	}
	d.depth--
	n := &d.nodes[i]
	last := int32(len(d.nodes)) //nolint:gosec // bounded by limit
	n.kind, n.str, n.next, n.first, n.end = kind, d.src[start:d.pos], last, int32(i+1), last
	return nil
}

// members reads what is between the brackets; its first value becomes node
// first. A name that occurs twice is an error: which of the two a reader takes
// differs from parser to parser.
func (d *jsonDoc) members(first int, kind jsonKind, end byte) error {
	const pairwise = 64 // members that are compared one by one
	marks := uint64(0)
	for count := 1; ; count++ {
		key := ""
		if kind == jsonObject {
			var err error
			if key, err = d.name(); err != nil {
				return err
			}
			mark := uint64(1)
			if n := len(key); n > 0 {
				mark <<= (uint(n)*7 + uint(key[0])*5 + uint(key[n-1])) % 64
			}
			if marks&mark != 0 && count <= pairwise && d.named(first, key) {
				return errJSONDuplicate
			}
			marks |= mark
		}
		d.space()
		if err := d.value(key); err != nil {
			return err
		}
		d.space()
		if d.pos >= len(d.src) {
			return errJSONSyntax
		}
		switch d.src[d.pos] {
		case ',':
			d.pos++
		case end:
			d.pos++
			if kind == jsonObject && count > pairwise && d.repeatsName(first) {
				return errJSONDuplicate
			}
			return nil
		default:
			return errJSONSyntax
		}
	}
}

// name reads a member's name and the colon behind it.
func (d *jsonDoc) name() (string, error) {
	d.space()
	if d.pos >= len(d.src) || d.src[d.pos] != '"' {
		return "", errJSONSyntax
	}
	key, err := d.str()
	if err != nil {
		return "", err
	}
	d.space()
	if d.pos >= len(d.src) || d.src[d.pos] != ':' {
		return "", errJSONSyntax
	}
	d.pos++
	return key, nil
}

// named tells whether one of the siblings from first on is called key.
func (d *jsonDoc) named(first int, key string) bool {
	for j := first; j < len(d.nodes); j = int(d.nodes[j].next) {
		if d.nodes[j].key == key {
			return true
		}
	}
	return false
}

// repeatsName tells whether two of the siblings from first on have the same name.
func (d *jsonDoc) repeatsName(first int) bool {
	seen := make(map[string]struct{}, 128)
	for j := first; j < len(d.nodes); j = int(d.nodes[j].next) {
		if _, twice := seen[d.nodes[j].key]; twice {
			return true
		}
		seen[d.nodes[j].key] = struct{}{}
	}
	return false
}

func (d *jsonDoc) number(i int) error {
	start := d.pos
	d.eat('-')
	if !d.eat('0') && !d.digits() {
		return errJSONSyntax
	}
	if d.eat('.') && !d.digits() {
		return errJSONSyntax
	}
	if d.eat('e') || d.eat('E') {
		_ = d.eat('+') || d.eat('-')
		if !d.digits() {
			return errJSONSyntax
		}
	}
	d.nodes[i].kind, d.nodes[i].str = jsonNumber, d.src[start:d.pos]
	return nil
}

// eat steps over the next character if it is c.
func (d *jsonDoc) eat(c byte) bool {
	if d.pos < len(d.src) && d.src[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

// digits steps over a run of digits and tells whether there was one.
func (d *jsonDoc) digits() bool {
	start := d.pos
	for d.pos < len(d.src) && d.src[d.pos]-'0' <= 9 {
		d.pos++
	}
	return d.pos > start
}

// plainText are the bytes a string holds as they are.
var plainText = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// str reads the string whose opening quote is at pos.
func (d *jsonDoc) str() (string, error) {
	src, start := d.src, d.pos+1
	for i := start; i < len(src); i++ {
		c := src[i]
		if plainText[c] {
			continue
		}
		d.pos = i
		switch c {
		case '"':
			d.pos++
			return src[start:i], nil
		case '\\':
			return d.escaped(start)
		}
		break
	}
	return "", errJSONSyntax
}
