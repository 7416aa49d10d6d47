package obfuscation

import (
	"strings"
	"sync"
)

// entryBytes is about what an entry costs besides its texts.
const entryBytes = 128

type cacheKey struct {
	kind kind
	dbms string
	text string
}

type result struct {
	text    string
	outcome Outcome
}

// cache remembers what became of texts: services send the same few over and over. It holds two generations of at most half its bytes each; when
// the young one is full it becomes the old one, and the old one is forgotten.
type cache struct {
	mu         sync.Mutex
	young, old map[cacheKey]result
	bytes      int
	half       int
}

func newCache(bytes int) *cache { return &cache{young: map[cacheKey]result{}, half: bytes / 2} }

func (c *cache) get(key cacheKey) (result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r, ok := c.young[key]; ok {
		return r, true
	}
	r, ok := c.old[key]
	if ok {
		c.add(key, r)
	}
	return r, ok
}

func (c *cache) put(key cacheKey, r result) {
	key.text = strings.Clone(key.text) // it may be part of a whole request
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(key, r)
}

// add remembers a result. The caller holds the lock.
func (c *cache) add(key cacheKey, r result) {
	cost := len(key.text) + len(r.text) + entryBytes
	if cost > c.half/8 {
		return // one text must not push out all others
	}
	if c.bytes+cost > c.half {
		c.old, c.young, c.bytes = c.young, map[cacheKey]result{}, 0
	}
	if _, there := c.young[key]; !there {
		c.young[key] = r
		c.bytes += cost
	}
}

func (c *cache) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.young) + len(c.old)
}
