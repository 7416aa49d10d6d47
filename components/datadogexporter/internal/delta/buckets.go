package delta

import "slices"

// subtract returns a - b, and false when they have other buckets or one fell.
func subtract(a, b []uint64) ([]uint64, bool) {
	if len(a) != len(b) {
		return nil, false
	}
	out := make([]uint64, len(a))
	for i := range a {
		if a[i] < b[i] {
			return nil, false
		}
		out[i] = a[i] - b[i]
	}
	return out, true
}

func equal(a, b []float64) bool { return slices.Equal(a, b) }

// coarser merges buckets of an exponential histogram until each is 2^by times as wide in the exponent.
func coarser(offset int32, buckets []uint64, by int32) (int32, []uint64) {
	if by <= 0 || len(buckets) == 0 {
		return offset, buckets
	}
	by = min(by, 31)
	first := offset >> by
	end := int32((int64(offset) + int64(len(buckets)) - 1) >> by)
	out := make([]uint64, int(end-first)+1)
	for i, n := range buckets {
		out[int32((int64(offset)+int64(i))>>by)-first] += n
	}
	return first, out
}

// subtractAt returns a - b for buckets that begin at different places, from the beginning of a.
func subtractAt(offset int32, a []uint64, from int32, b []uint64) ([]uint64, bool) {
	out := slices.Clone(a)
	for i, n := range b {
		if n == 0 {
			continue
		}
		at := int64(from) + int64(i) - int64(offset)
		if at < 0 || at >= int64(len(out)) || out[at] < n {
			return nil, false
		}
		out[at] -= n
	}
	return out, true
}
