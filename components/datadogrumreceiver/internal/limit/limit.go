package datadogrumreceiver

import (
	"math"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limiters is one token bucket for each of the keys seen last. A key that was
// pushed out begins with a full bucket: a flood of keys weakens the limit of
// each, never the memory of the process.
type limiters struct {
	perSecond rate.Limit
	burst     int
	buckets   *lru.Cache[digest, *rate.Limiter]
}

// newLimiters returns nil, which allows everything, when perSecond is 0.
func newLimiters(perSecond rate.Limit, maxKeys int) *limiters {
	if perSecond <= 0 {
		return nil
	}
	buckets, err := lru.New[digest, *rate.Limiter](maxKeys)
	if err != nil {
		return nil // maxKeys is positive, as validated
	}
	return &limiters{perSecond: perSecond, burst: int(min(math.Ceil(2*float64(perSecond)), math.MaxInt32)), buckets: buckets}
}

func (l *limiters) allow(key digest, now time.Time) bool {
	return l == nil || l.bucket(key).AllowN(now, 1)
}

// giveBack undoes an allow.
func (l *limiters) giveBack(key digest, now time.Time) {
	if l != nil {
		l.bucket(key).AllowN(now, -1) // a Reservation could be canceled, but gives nothing back once a later one had to wait
	}
}

func (l *limiters) bucket(key digest) *rate.Limiter {
	bucket, ok := l.buckets.Get(key)
	if !ok {
		bucket = rate.NewLimiter(l.perSecond, l.burst)
		if known, raced, _ := l.buckets.PeekOrAdd(key, bucket); raced {
			bucket = known
		}
	}
	return bucket
}
