package tagtruncate

import (
	"cmp"
	"slices"
	"strings"
)

// verdict is what the configuration says about one key.
type verdict struct {
	protected  bool
	drop       bool
	hash       bool
	stripQuery bool
	maxValue   int // 0: the scope's
}

// ruleSet says what holds for a key: an exact rule, else protection, else the
// most literal wildcard rule, else nothing.
type ruleSet struct {
	exact         map[string]*verdict
	prints        [16]uint64 // fingerprints of the keys of exact
	patterns      []pattern  // in order of precedence
	globFirstByte [256]bool  // the first bytes of keys a pattern can match
	// firstByte says, by a key's first byte, whether any drop, hash or strip_query
	// rule can match it; no such key needs a look when its value is short.
	firstByte    [256]bool
	anyFirstByte bool
	// shortest max_value among the rules, 0 when there is none
	shortest int
}

type pattern struct {
	glob    string
	verdict *verdict
}

// nothing is said about most keys.
var nothing verdict

// betweenComponents are attributes that carry whole payloads from one component of a collector to another: cut, they are nothing.
const betweenComponents = "dd.internal.*"

func newRuleSet(cfg *Config) *ruleSet {
	b := &ruleSet{exact: map[string]*verdict{}}
	for _, key := range append(slices.Clone(cfg.Protected), cfg.ReportAttribute, betweenComponents) {
		switch {
		case key == "":
		case strings.Contains(key, "*"):
			b.patterns = append(b.patterns, pattern{key, &verdict{protected: true}})
		default:
			b.exact[key] = &verdict{protected: true}
		}
	}
	for key, rule := range cfg.Rules {
		v := &verdict{
			drop:       rule.Action == actionDrop,
			hash:       rule.Action == actionHash,
			stripQuery: rule.StripQuery,
			maxValue:   rule.MaxValue,
		}
		if v.drop || v.hash || v.stripQuery {
			b.anyFirstByte = true
			markFirstByte(&b.firstByte, key)
		} else if v.maxValue > 0 && (b.shortest == 0 || v.maxValue < b.shortest) {
			b.shortest = v.maxValue
		}
		if strings.Contains(key, "*") {
			b.patterns = append(b.patterns, pattern{key, v})
		} else {
			b.exact[key] = v
		}
	}
	for key := range b.exact {
		f := fingerprint(key)
		b.prints[f>>6] |= 1 << (f & 63)
	}
	for _, p := range b.patterns {
		markFirstByte(&b.globFirstByte, p.glob)
	}
	slices.SortFunc(b.patterns, func(x, y pattern) int {
		if x.verdict.protected != y.verdict.protected {
			if x.verdict.protected {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(literals(y.glob), literals(x.glob)), cmp.Compare(x.glob, y.glob))
	})
	return b
}

// markFirstByte marks the first bytes of the keys glob can match.
func markFirstByte(bytes *[256]bool, glob string) {
	if glob[0] != '*' {
		bytes[glob[0]] = true
		return
	}
	for i := range bytes {
		bytes[i] = true
	}
}

// watches reports whether key must be looked up even if its value is short.
func (b *ruleSet) watches(key string) bool {
	return b.anyFirstByte && (key == "" || b.firstByte[key[0]])
}

// look returns what is said about key, never nil.
func (b *ruleSet) look(key string) *verdict {
	if key != "" && !b.mayName(key) {
		return &nothing
	}
	return b.find(key)
}

// mayName reports whether find can find anything. Three numbers of the key tell
// for most, and spare them the hash.
func (b *ruleSet) mayName(key string) bool {
	f := fingerprint(key)
	return b.prints[f>>6]>>(f&63)&1 != 0 || b.globFirstByte[key[0]]
}

func (b *ruleSet) find(key string) *verdict {
	if v, found := b.exact[key]; found {
		return v
	}
	for i := range b.patterns {
		if match(b.patterns[i].glob, key) {
			return b.patterns[i].verdict
		}
	}
	return &nothing
}

// fingerprint is a number below 1024 that equal keys share and most others do
// not. The key is not empty.
func fingerprint(key string) uint {
	return (uint(len(key))*33 + uint(key[0])*5 + uint(key[len(key)-1])*67) & 1023
}

func literals(glob string) int { return len(glob) - strings.Count(glob, "*") }

// match reports whether key matches glob, in which * stands for any number of
// any characters. Its worst case is len(glob) times len(key), without recursion.
func match(glob, key string) bool {
	g, k := 0, 0
	star, retry := -1, 0
	for k < len(key) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, retry = g, k
			g++
		case g < len(glob) && glob[g] == key[k]:
			g++
			k++
		case star >= 0:
			retry++
			g, k = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}
