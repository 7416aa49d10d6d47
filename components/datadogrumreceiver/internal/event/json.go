package event

import (
	"errors"
	"strings"
)

// The parser below reads one event into two flat lists instead of a tree of
// maps. What the event is made of lies in the nodes, which events of one Shape
// share, what it says in the values. Strings are cut out of the text that was
// read, so a value that is passed on costs no copy.

// Kind is what a JSON value is.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	False
	True
	Number
	String
	Object
	Array
)

const (
	maxDepth = 64
	// MaxNodes bounds the values of one event. An iOS crash report names a few
	// thousand binary images; nothing an SDK sends comes near this.
	MaxNodes = 20_000
)

var (
	errJSONSyntax    = errors.New("not a JSON value")
	errJSONDepth     = errors.New("nested more than 64 levels")
	errJSONNodes     = errors.New("more than 20000 values")
	errJSONDuplicate = errors.New("a member name occurs twice")
)

// node is the place of one value. Its children lie behind it, each followed
// by its next sibling at next, the last by the node's own next.
type node struct {
	key  string // member name when the parent is an object
	next int32
}

// value is what an event says in one place.
type value struct {
	str  string // unescaped string, or number as written
	kind Kind
}

// leaf is a value without children, and where its text is.
type leaf struct{ node, start, end int32 }

// parser reads one text at a time. The zero value is ready.
type parser struct {
	src    string
	pos    int
	depth  int
	nodes  []node
	values []value // as many as nodes
	leaves []leaf  // in the order of their text
}

// parse reads src, which must hold exactly one RFC 8259 value, into nodes,
// values and leaves. Strings are parts of src unless they were escaped.
func (p *parser) parse(src string) error {
	p.src, p.pos, p.depth = src, 0, 0
	p.nodes, p.values, p.leaves = p.nodes[:0], p.values[:0], p.leaves[:0]
	p.space()
	if err := p.value(""); err != nil {
		return err
	}
	p.space()
	if p.pos != len(src) {
		return errJSONSyntax
	}
	return nil
}

// space steps over white space, of which SDKs write None.
func (p *parser) space() {
	if p.pos < len(p.src) && p.src[p.pos] <= ' ' {
		p.skipSpace()
	}
}

func (p *parser) skipSpace() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *parser) value(key string) error {
	if len(p.nodes) >= MaxNodes {
		return errJSONNodes
	}
	i := len(p.nodes)
	p.nodes = append(p.nodes, node{key: key, next: int32(i + 1)}) //nolint:gosec // bounded by MaxNodes
	p.values = append(p.values, value{})
	if p.pos < len(p.src) {
		switch p.src[p.pos] {
		case '{':
			return p.compound(i, Object, '}')
		case '[':
			return p.compound(i, Array, ']')
		}
	}
	start := p.pos
	v, err := p.scalar()
	p.values[i] = v
	p.leaves = append(p.leaves, leaf{int32(i), int32(start), int32(p.pos)}) //nolint:gosec // an event is shorter
	return err
}

// scalar reads the value without children at pos.
func (p *parser) scalar() (value, error) {
	if p.pos >= len(p.src) {
		return value{}, errJSONSyntax
	}
	switch c := p.src[p.pos]; {
	case c == '"':
		s, err := p.str()
		return value{s, String}, err
	case c == '-' || c-'0' <= 9:
		return p.number()
	case c == 't':
		return p.literal("true", True)
	case c == 'f':
		return p.literal("false", False)
	case c == 'n':
		return p.literal("null", Null)
	}
	return value{}, errJSONSyntax
}

func (p *parser) literal(word string, kind Kind) (value, error) {
	if !strings.HasPrefix(p.src[p.pos:], word) {
		return value{}, errJSONSyntax
	}
	p.pos += len(word)
	return value{kind: kind}, nil
}

func (p *parser) compound(i int, kind Kind, end byte) error {
	if p.depth++; p.depth > maxDepth {
		return errJSONDepth
	}
	p.values[i].kind = kind
	p.pos++
	p.space()
	if p.pos < len(p.src) && p.src[p.pos] == end {
		p.pos++
	} else if err := p.members(i+1, kind, end); err != nil {
		return err
	}
	p.depth--
	p.nodes[i].next = int32(len(p.nodes)) //nolint:gosec // bounded by MaxNodes
	return nil
}

// members reads what is between the brackets; its first value becomes node
// first. A name that occurs twice is an error: which of the two a reader takes
// differs from parser to parser.
func (p *parser) members(first int, kind Kind, end byte) error {
	const pairwise = 64 // members that are compared one by one
	marks := uint64(0)
	for count := 1; ; count++ {
		key := ""
		if kind == Object {
			var err error
			if key, err = p.name(); err != nil {
				return err
			}
			mark := uint64(1)
			if n := len(key); n > 0 {
				mark <<= (uint(n)*7 + uint(key[0])*5 + uint(key[n-1])) % 64
			}
			if marks&mark != 0 && count <= pairwise && p.named(first, key) {
				return errJSONDuplicate
			}
			marks |= mark
		}
		p.space()
		if err := p.value(key); err != nil {
			return err
		}
		p.space()
		if p.pos >= len(p.src) {
			return errJSONSyntax
		}
		switch p.src[p.pos] {
		case ',':
			p.pos++
		case end:
			p.pos++
			if kind == Object && count > pairwise && p.repeatsName(first) {
				return errJSONDuplicate
			}
			return nil
		default:
			return errJSONSyntax
		}
	}
}

// name reads a member's name and the colon behind it.
func (p *parser) name() (string, error) {
	p.space()
	if p.pos >= len(p.src) || p.src[p.pos] != '"' {
		return "", errJSONSyntax
	}
	key, err := p.str()
	if err != nil {
		return "", err
	}
	p.space()
	if p.pos >= len(p.src) || p.src[p.pos] != ':' {
		return "", errJSONSyntax
	}
	p.pos++
	return key, nil
}

// named tells whether one of the siblings from first on is called key.
func (p *parser) named(first int, key string) bool {
	for j := first; j < len(p.nodes); j = int(p.nodes[j].next) {
		if p.nodes[j].key == key {
			return true
		}
	}
	return false
}

// repeatsName tells whether two of the siblings from first on have the same name.
func (p *parser) repeatsName(first int) bool {
	seen := make(map[string]struct{}, 128)
	for j := first; j < len(p.nodes); j = int(p.nodes[j].next) {
		if _, twice := seen[p.nodes[j].key]; twice {
			return true
		}
		seen[p.nodes[j].key] = struct{}{}
	}
	return false
}

func (p *parser) number() (value, error) {
	start := p.pos
	p.eat('-')
	if !p.eat('0') && !p.digits() {
		return value{}, errJSONSyntax
	}
	if p.eat('.') && !p.digits() {
		return value{}, errJSONSyntax
	}
	if p.eat('e') || p.eat('E') {
		_ = p.eat('+') || p.eat('-')
		if !p.digits() {
			return value{}, errJSONSyntax
		}
	}
	return value{p.src[start:p.pos], Number}, nil
}

// eat steps over the next character if it is c.
func (p *parser) eat(c byte) bool {
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

// digits steps over a run of digits and tells whether there was one.
func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos]-'0' <= 9 {
		p.pos++
	}
	return p.pos > start
}

// plainText are the bytes a string holds as they are.
var plainText = func() (table [256]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// str reads the string whose opening quote is at pos.
func (p *parser) str() (string, error) {
	src, start := p.src, p.pos+1
	for i := start; i < len(src); i++ {
		c := src[i]
		if plainText[c] {
			continue
		}
		p.pos = i
		switch c {
		case '"':
			p.pos++
			return src[start:i], nil
		case '\\':
			return p.escaped(start)
		}
		break
	}
	return "", errJSONSyntax
}
