package obfuscate

import "github.com/otelcol-obs/otelcol-obs/internal/obfuscation"

// role is why an attribute is looked at.
type role uint8

const (
	noRole     role = iota
	systemName      // names the database system, in the order of trust
	systemName2
	systemName3
	spanType
	query    // a statement for the system that the item names
	ownQuery // a statement for the system that its own key names
	resourceName
	webURL
	urlQuery
	stackTrace
)

type key struct {
	role   role
	system obfuscation.System
}

var keys = map[string]key{
	"db.system.name": {role: systemName}, "db.system": {role: systemName2}, "db.type": {role: systemName3}, "span.type": {role: spanType},

	"db.query.text": {role: query}, "db.statement": {role: query},
	"sql.query":          {role: ownQuery, system: obfuscation.SQL},
	"redis.raw_command":  {role: ownQuery, system: obfuscation.Redis},
	"valkey.raw_command": {role: ownQuery, system: obfuscation.Valkey},
	"memcached.command":  {role: ownQuery, system: obfuscation.Memcached},
	"mongodb.query":      {role: ownQuery, system: obfuscation.MongoDB},
	"elasticsearch.body": {role: ownQuery, system: obfuscation.Elasticsearch},
	"opensearch.body":    {role: ownQuery, system: obfuscation.OpenSearch},

	"resource.name": {role: resourceName},

	"http.url": {role: webURL}, "url.full": {role: webURL}, "http.target": {role: webURL}, "http.referrer": {role: webURL},
	"http.referer": {role: webURL}, "http.request.header.referer": {role: webURL}, "http.request.headers.referer": {role: webURL},
	"url.query": {role: urlQuery},

	"error.stack": {role: stackTrace}, "exception.stacktrace": {role: stackTrace},
}

// shapes has a bit set for the first byte and length of every key, so that others need not be hashed to be passed over.
var shapes = func() (s [64]uint64) {
	for name := range keys {
		s[name[0]&63] |= 1 << (len(name) & 63)
	}
	return s
}()

func keyOf(name string) key {
	if name == "" || shapes[name[0]&63]&(1<<(len(name)&63)) == 0 {
		return key{}
	}
	return keys[name]
}
