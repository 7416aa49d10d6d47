// Package limit bounds how often each of many keys may do something.
package limit

import (
	"math"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
)

// Buckets is one token bucket for each of the keys seen last. A key that was
// pushed out begins with a full bucket: a flood of keys weakens the limit of
// each, never the memory of the process.
type Buckets struct {
	perSecond rate.Limit
	burst     int
	buckets   *lru.Cache[digest.Key, *rate.Limiter]
}

// New returns nil, which allows everything, when perSecond is 0.
func New(perSecond float64, maxKeys int) *Buckets {
	if perSecond <= 0 {
		return nil
	}
	buckets, err := lru.New[digest.Key, *rate.Limiter](maxKeys)
	if err != nil {
		return nil // maxKeys is positive, as validated
	}
	return &Buckets{perSecond: rate.Limit(perSecond), burst: int(min(math.Ceil(2*perSecond), math.MaxInt32)), buckets: buckets}
}

// Allow takes one from the bucket of key and reports whether there was one.
func (l *Buckets) Allow(key digest.Key, now time.Time) bool {
	return l == nil || l.bucket(key).AllowN(now, 1)
}

// GiveBack undoes an Allow.
func (l *Buckets) GiveBack(key digest.Key, now time.Time) {
	if l != nil {
		l.bucket(key).AllowN(now, -1) // a Reservation could be canceled, but gives nothing back once a later one had to wait
	}
}

func (l *Buckets) bucket(key digest.Key) *rate.Limiter {
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(l.perSecond, l.burst)
		if known, raced, _ := l.buckets.PeekOrAdd(key, bucket); raced {
			bucket = known
		}
	}
	return bucket
}
