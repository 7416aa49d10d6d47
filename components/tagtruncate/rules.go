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

// book answers what holds for a key: an exact rule, else protection, else the
// most literal wildcard rule, else nothing.
type book struct {
	exact    map[string]verdict
	patterns []pattern // in order of precedence
	// lead tells, by a key's first byte, whether any drop, hash or strip_query
	// rule can match it; no such key needs a look when its value is short.
	lead    [256]bool
	anyLead bool
	// shortest max_value among the rules, 0 when there is none
	shortest int
}

type pattern struct {
	glob    string
	verdict verdict
}

func newBook(cfg *Config) *book {
	b := &book{exact: map[string]verdict{}}
	for _, key := range append(slices.Clone(cfg.Protected), cfg.ReportAttribute) {
		switch {
		case key == "":
		case strings.Contains(key, "*"):
			b.patterns = append(b.patterns, pattern{key, verdict{protected: true}})
		default:
			b.exact[key] = verdict{protected: true}
		}
	}
	for key, rule := range cfg.Rules {
		v := verdict{
			drop:       rule.Action == actionDrop,
			hash:       rule.Action == actionHash,
			stripQuery: rule.StripQuery,
			maxValue:   rule.MaxValue,
		}
		if v.drop || v.hash || v.stripQuery {
			b.watch(key)
		} else if v.maxValue > 0 && (b.shortest == 0 || v.maxValue < b.shortest) {
			b.shortest = v.maxValue
		}
		if strings.Contains(key, "*") {
			b.patterns = append(b.patterns, pattern{key, v})
		} else {
			b.exact[key] = v
		}
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

func (b *book) watch(glob string) {
	b.anyLead = true
	if glob[0] != '*' {
		b.lead[glob[0]] = true
		return
	}
	for i := range b.lead {
		b.lead[i] = true
	}
}

func (b *book) look(key string) verdict {
	if v, found := b.exact[key]; found {
		return v
	}
	for i := range b.patterns {
		if match(b.patterns[i].glob, key) {
			return b.patterns[i].verdict
		}
	}
	return verdict{}
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
