package journal

// maxItems bounds what a damaged limit can make Load read.
const maxItems = 1 << 24

// numbers hands out the numbers below limit that are free, then new ones.
type numbers struct {
	free  []uint64
	live  uint64
	limit uint64 // all numbers in use are below
}

func (s *numbers) take() uint64 {
	s.live++
	if last := len(s.free) - 1; last >= 0 {
		n := s.free[last]
		s.free = s.free[:last]
		return n
	}
	s.limit++
	return s.limit - 1
}

// give takes a number back. When none is in use, they begin at 0 again, so that
// a start after a busy day does not look for all of that day's items.
func (s *numbers) give(n uint64) {
	s.live--
	if s.live == 0 {
		s.free, s.limit = nil, 0
		return
	}
	s.free = append(s.free, n)
}
