package obfuscation

import (
	"strings"
	"unicode/utf8"

	"github.com/DataDog/datadog-agent/pkg/obfuscate"
)

// NonParsable is what the Agent writes in place of SQL it cannot read.
const NonParsable = "Non-parsable SQL query"

// cutMark ends a text that was too long.
const cutMark = "..."

// Outcome is what became of a text.
type Outcome uint8

// The outcomes.
const (
	Unchanged Outcome = iota
	Changed
	Failed // it could not be read, and stands no longer
	Cut    // it was longer than is read
	OutcomeCount
)

// String returns the outcome as metrics spell it.
func (o Outcome) String() string {
	return [OutcomeCount]string{"unchanged", "changed", "failed", "cut"}[o]
}

// kind is a way of rewriting texts; with the text it is what the result depends on.
type kind uint8

const (
	noKind kind = iota
	sqlKind
	lexerKind // of systems without a grammar here
	redisNameKind
	redisKind
	redisAllKind
	memcachedKind
	mongoKind
	elasticKind
	openSearchKind
)

// Obfuscator rewrites texts.
type Obfuscator struct {
	cfg      Config
	lib      *obfuscate.Obfuscator
	sql      obfuscate.SQLConfig
	perDBMS  map[string]obfuscate.SQLConfig
	cache    *cache
	onLookup func(hit bool)
}

// New returns an obfuscator for a valid configuration. onLookup, if not nil, is told of each look-up in the cache.
func New(cfg Config, onLookup func(hit bool)) *Obfuscator {
	o := &Obfuscator{cfg: cfg, sql: libSQL(cfg.SQL.Mode, cfg.SQL.SQLOptions), perDBMS: map[string]obfuscate.SQLConfig{}, onLookup: onLookup}
	for name, options := range cfg.SQL.PerSystem {
		o.perDBMS[name] = libSQL(cfg.SQL.Mode, options)
	}
	o.lib = obfuscate.NewObfuscator(obfuscate.Config{
		SQL:        o.sql,
		ES:         libJSON(cfg.Elasticsearch),
		OpenSearch: libJSON(cfg.OpenSearch),
		Mongo:      libJSON(cfg.MongoDB),
		HTTP:       obfuscate.HTTPConfig{RemoveQueryString: cfg.HTTP.RemoveQueryString, RemovePathDigits: cfg.HTTP.RemovePathsWithDigits},
		Memcached:  obfuscate.MemcachedConfig{Enabled: true, KeepCommand: cfg.Memcached.KeepCommand},
		CreditCard: obfuscate.CreditCardsConfig{Enabled: true, Luhn: cfg.CreditCards.Luhn, KeepValues: cfg.CreditCards.KeepValues},
	})
	if cfg.CacheBytes > 0 {
		o.cache = newCache(cfg.CacheBytes)
	}
	return o
}

func libSQL(mode SQLMode, options SQLOptions) obfuscate.SQLConfig {
	c := obfuscate.SQLConfig{
		ReplaceDigits:    options.ReplaceDigits,
		KeepSQLAlias:     options.KeepAlias,
		DollarQuotedFunc: options.DollarQuotedFunc,
		KeepNull:         options.KeepNull,
		KeepBoolean:      options.KeepBoolean,
		KeepJSONPath:     options.KeepJSONPath,
	}
	if mode != Agent {
		c.ObfuscationMode = obfuscate.ObfuscationMode(mode)
	}
	return c
}

func libJSON(c JSONConfig) obfuscate.JSONConfig {
	return obfuscate.JSONConfig{Enabled: c.Enabled, KeepValues: c.KeepValues, ObfuscateSQLValues: c.ObfuscateSQLValues}
}

// Query rewrites a statement or command. dbms is the name of the database system; only some modes look at it.
func (o *Obfuscator) Query(system System, dbms, text string) (string, Outcome) {
	return o.rewrite(o.queryKind(system), dbms, text)
}

// Resource rewrites a resource name: SQL as a statement, Redis commands to their names, and no others.
func (o *Obfuscator) Resource(system System, dbms, text string) (string, Outcome) {
	switch system {
	case SQL:
		return o.rewrite(o.queryKind(SQL), dbms, text)
	case Redis, Valkey:
		return o.rewrite(redisNameKind, "", text)
	}
	return text, Unchanged
}

func (o *Obfuscator) queryKind(system System) kind {
	redis := func(c RedisConfig) kind {
		switch {
		case !c.Enabled:
			return noKind
		case c.RemoveAllArgs:
			return redisAllKind
		}
		return redisKind
	}
	enabled := func(is bool, k kind) kind {
		if !is {
			return noKind
		}
		return k
	}
	switch system {
	case SQL:
		return enabled(o.cfg.SQL.Mode != Off, sqlKind)
	case Redis:
		return redis(o.cfg.Redis)
	case Valkey:
		return redis(o.cfg.Valkey)
	case Memcached:
		return enabled(o.cfg.Memcached.Enabled, memcachedKind)
	case MongoDB:
		return enabled(o.cfg.MongoDB.Enabled, mongoKind)
	case Elasticsearch:
		return enabled(o.cfg.Elasticsearch.Enabled, elasticKind)
	case OpenSearch:
		return enabled(o.cfg.OpenSearch.Enabled, openSearchKind)
	}
	return enabled(o.cfg.SQL.Mode != Off, lexerKind)
}

func (o *Obfuscator) rewrite(k kind, dbms, text string) (string, Outcome) {
	if k == noKind || text == "" || text == NonParsable {
		return text, Unchanged
	}
	if k != sqlKind || o.cfg.SQL.Mode == Agent && len(o.perDBMS) == 0 {
		dbms = "" // it changes nothing
	}
	key := cacheKey{k, dbms, text}
	if o.cache != nil {
		r, hit := o.cache.get(key)
		if o.onLookup != nil {
			o.onLookup(hit)
		}
		if hit {
			return r.text, r.outcome
		}
	}
	r := o.compute(key)
	if o.cache != nil {
		o.cache.put(key, r)
	}
	return r.text, r.outcome
}

func (o *Obfuscator) compute(key cacheKey) result {
	text, cut := key.text, false
	if len(text) > o.cfg.MaxTextBytes {
		text, cut = wholeRunes(text[:o.cfg.MaxTextBytes]), true
	}
	out, ok := o.apply(key.kind, key.dbms, text)
	switch {
	case !ok && !cut:
		return result{NonParsable, Failed}
	case !ok: // its end may be the reason
		return result{lexed(text) + cutMark, Cut}
	case cut:
		return result{out + cutMark, Cut}
	case out == key.text:
		return result{key.text, Unchanged}
	}
	return result{out, Changed}
}

func (o *Obfuscator) apply(k kind, dbms, text string) (string, bool) {
	switch k {
	case sqlKind:
		return o.statement(dbms, text)
	case lexerKind:
		return lexed(text), true
	case redisNameKind:
		return o.lib.QuantizeRedisString(text), true
	case redisKind:
		return o.lib.ObfuscateRedisString(text), true
	case redisAllKind:
		return o.lib.RemoveAllRedisArgs(text), true
	case memcachedKind:
		return o.lib.ObfuscateMemcachedString(text), true
	case mongoKind:
		return document(text, o.lib.ObfuscateMongoDBString), true
	case elasticKind:
		return document(text, o.lib.ObfuscateElasticSearchString), true
	}
	return document(text, o.lib.ObfuscateOpenSearchString), true
}

// document rewrites JSON, and the JSON behind words such as `find users {"email": "a"}`.
func document(text string, rewrite func(string) string) string {
	switch c := strings.TrimLeft(text, " \t\r\n"); {
	case c == "" || c[0] == '{' || c[0] == '[' || c[0] == '"':
		return rewrite(text)
	default:
		head, _, found := strings.Cut(text, "{")
		if !found {
			return lexed(text)
		}
		words := strings.TrimRight(head, " ")
		return lexed(words) + head[len(words):] + rewrite(text[len(head):])
	}
}

func (o *Obfuscator) statement(dbms, text string) (string, bool) {
	opts := o.sql // a copy: the lexer's dbms is part of it
	if special, ok := o.perDBMS[dbms]; ok {
		opts = special
	}
	opts.DBMS = dbms
	var q *obfuscate.ObfuscatedQuery
	var err error
	switch {
	case opts.ObfuscationMode == obfuscate.ObfuscateOnly:
		return lexedWith(text, &opts), true
	case opts.ObfuscationMode != "":
		q, err = o.lib.ObfuscateWithSQLLexer(text, &opts)
	case strings.IndexByte(text, '\\') < 0:
		q, err = o.lib.ObfuscateSQLStringWithOptions(text, &opts, "-")
	default:
		q, err = obfuscate.NewObfuscator(obfuscate.Config{}).ObfuscateSQLStringWithOptions(text, &opts, "-")
	}
	if err != nil {
		return "", false
	}
	return q.Query, true
}

// wholeRunes removes the beginning of a rune from the end of a text.
func wholeRunes(s string) string {
	for i := 1; i <= utf8.UTFMax && i <= len(s); i++ {
		if b := s[len(s)-i]; utf8.RuneStart(b) {
			if !utf8.FullRuneInString(s[len(s)-i:]) {
				return s[:len(s)-i]
			}
			break
		}
	}
	return s
}
