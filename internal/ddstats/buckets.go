package ddstats

import (
	"slices"
	"sync"
	"time"
)

// Limits bound what is counted at a time.
type Limits struct {
	// Groups are those of all buckets. Further ones become one overflow group for each service.
	Groups int
	// Resources are those of one service in one bucket.
	Resources int
	// Open are the buckets that are not closed.
	Open int
}

// DefaultLimits are the limits of a component that has none of its own.
var DefaultLimits = Limits{Groups: 20_000, Resources: 1000, Open: 32}

// closeAfter is how many intervals after its beginning a bucket is closed: one until it ends, and two for spans that come late.
const closeAfter = 3

// Even seconds after the beginning of a bucket are nobody's: Agents use its beginning, and odd seconds for what tracers counted.
const (
	lateSlots   = 4
	lateStep    = 2 * time.Second
	maxLateKept = 4096
)

// Counts say what became of added spans.
type Counts struct{ Late, Overflow int }

// Buckets hold what was counted until it is handed on. They are safe for concurrent use.
type Buckets struct {
	interval int64
	limits   Limits

	mu     sync.Mutex
	open   map[int64]*Bucket // by start
	late   map[int64]*Bucket // by the start of the bucket they are late for
	slots  map[int64]int     // late slots used up, by start
	oldest int64             // buckets before have been closed
	first  int64             // the earliest bucket of which it is known which seconds were used
	groups int               // of all buckets, closed ones included until they are forgotten
}

// Bucket is what was counted in one interval.
type Bucket struct {
	Start     int64
	closes    int64
	groups    map[Key]*group
	resources map[string]map[string]struct{}
}

// NewBuckets returns buckets of an interval. Nothing before the next one is open: an earlier process may have sent it.
func NewBuckets(interval time.Duration, limits Limits, now time.Time) *Buckets {
	b := &Buckets{interval: int64(interval), limits: limits, open: map[int64]*Bucket{}, late: map[int64]*Bucket{}, slots: map[int64]int{}}
	b.oldest = b.align(now.UnixNano()) + b.interval
	b.first = b.oldest
	return b
}

func (b *Buckets) align(ts int64) int64 { return ts - ts%b.interval }

// Add adds what was counted.
func (b *Buckets) Add(d Delta, now time.Time) Counts {
	var c Counts
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, h := range d.hits {
		bucket, late := b.bucket(h.end, now.UnixNano())
		if late {
			c.Late++
		}
		g, overflow := b.group(bucket, d.keys[h.key])
		if overflow {
			c.Overflow++
		}
		g.add(h)
	}
	return c
}

// bucket finds the bucket of a span that ended at end.
func (b *Buckets) bucket(end, now int64) (found *Bucket, late bool) {
	start := b.align(end)
	newest := max(b.align(now)+2*b.interval, b.oldest)
	switch {
	case start > newest:
		start, late = newest, true // a clock that is ahead
	case start >= b.oldest:
	default:
		if bucket := b.lateBucket(start, now); bucket != nil {
			return bucket, true
		}
		start, late = max(b.align(now), b.oldest), true
	}
	bucket := b.open[start]
	if bucket == nil {
		if len(b.open) >= b.limits.Open && b.open[b.oldest] != nil {
			return b.open[b.oldest], true
		}
		bucket = newBucket(start, start+closeAfter*b.interval)
		b.open[start] = bucket
	}
	return bucket, late
}

// lateBucket is a bucket for spans whose own has been handed on, under a second of its own. It returns nil when those are used up.
func (b *Buckets) lateBucket(start, now int64) *Bucket {
	if bucket := b.late[start]; bucket != nil {
		return bucket
	}
	slot := b.slots[start] + 1
	if slot > lateSlots || int64(slot)*int64(lateStep) >= b.interval || len(b.late) >= b.limits.Open || len(b.slots) >= maxLateKept {
		return nil
	}
	if start < b.first {
		return nil // before this process: another may have used its slots
	}
	bucket := newBucket(start+int64(slot)*int64(lateStep), now+2*b.interval)
	b.slots[start] = slot
	b.late[start] = bucket
	return bucket
}

func newBucket(start, closes int64) *Bucket {
	return &Bucket{Start: start, closes: closes, groups: map[Key]*group{}, resources: map[string]map[string]struct{}{}}
}

// group finds the group of a key, or the one for what is too much.
func (b *Buckets) group(bucket *Bucket, k Key) (g *group, overflow bool) {
	if g = bucket.groups[k]; g != nil {
		return g, false
	}
	seen := bucket.resources[k.Service]
	_, known := seen[k.Resource]
	if b.groups >= b.limits.Groups || !known && len(seen) >= b.limits.Resources {
		k = Key{Env: k.Env, Host: k.Host, Service: k.Service, Name: k.Name, Resource: overflowName}
		if b.groups >= 2*b.limits.Groups {
			k = Key{Env: "none", Service: overflowName, Name: overflowName, Resource: overflowName}
		}
		if g = bucket.groups[k]; g != nil {
			return g, true
		}
		overflow = true
	} else if !known {
		if seen == nil {
			seen = map[string]struct{}{}
			bucket.resources[k.Service] = seen
		}
		seen[k.Resource] = struct{}{}
	}
	g = &group{}
	bucket.groups[k] = g
	b.groups++
	return g, overflow
}

// Close closes the buckets whose time has come, or all of them, and returns them in the order of their starts. They count against
// the limits until they are forgotten.
func (b *Buckets) Close(now time.Time, all bool) (closed []*Bucket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ts := now.UnixNano()
	for start, bucket := range b.open {
		if all || bucket.closes <= ts {
			closed = append(closed, bucket)
			delete(b.open, start)
			b.oldest = max(b.oldest, start+b.interval)
		}
	}
	for start, bucket := range b.late {
		if all || bucket.closes <= ts {
			closed = append(closed, bucket)
			delete(b.late, start)
		}
	}
	b.oldest = max(b.oldest, b.align(ts)-(closeAfter-1)*b.interval)
	for start := range b.slots {
		if start < ts-int64(time.Hour) && b.late[start] == nil {
			delete(b.slots, start)
		}
	}
	b.first = max(b.first, b.align(ts-int64(time.Hour)))
	slices.SortFunc(closed, func(x, y *Bucket) int { return int(min(max(x.Start-y.Start, -1), 1)) })
	return closed
}

// Forget frees what a closed bucket holds.
func (b *Buckets) Forget(bucket *Bucket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups -= len(bucket.groups)
	bucket.groups = nil
}

// Groups is the number of groups of all buckets.
func (b *Buckets) Groups() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.groups
}
