package rates

import "sort"

// load counts the traces of one pair.
type load struct {
	counts [numBuckets]float64
	perSec float64 // in the fullest bucket remembered, as of the last rotation
	rate   float64 // 0 until the first rotation
}

// rotate goes from one bucket to a later one.
func (l *load) rotate(from, to int64) {
	fullest := 0.0
	for i := from + 1; i <= from+numBuckets; i++ {
		count := &l.counts[i%numBuckets]
		if i < to {
			// Nothing was counted in this bucket, and what was six buckets ago is too old.
			*count = 0
			continue
		}
		fullest = max(fullest, *count)
		if i == to {
			*count = 0
		}
	}
	l.perSec = fullest / bucket.Seconds()
}

// adjust sets the rate at which a pair keeps its share. It rises slowly, so that a pause does not open the gate for what follows.
func (l *load) adjust(share float64) {
	rate := rateFor(share, l.perSec)
	if l.rate > 0 {
		rate = min(rate, l.rate*maxRise)
	}
	l.rate = rate
}

// idle reports whether nothing is left to be remembered.
func (l *load) idle() bool { return l.perSec == 0 && (l.rate == 0 || l.rate == 1) }

func rateFor(share, perSec float64) float64 {
	if perSec <= share || perSec == 0 {
		return 1
	}
	return share / perSec
}

// shareOf divides a budget among loads evenly. What a small one does not use goes to the larger ones.
func shareOf(budget float64, loads []float64) float64 {
	if len(loads) == 0 {
		return budget
	}
	sorted := append([]float64(nil), loads...)
	sort.Float64s(sorted)
	share := budget / float64(len(sorted))
	for i, l := range sorted[:len(sorted)-1] {
		if l >= share {
			break
		}
		budget -= l
		share = budget / float64(len(sorted)-i-1)
	}
	return share
}
