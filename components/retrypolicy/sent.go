package retrypolicy

import (
	"crypto/sha256"
	"sync"
)

// maxSentParts bounds what is remembered of splits that are under way.
const maxSentParts = 4096

// sentParts remembers, for one client, parts that its backend took while
// another part of the same request has to be retried: the exporter sends the
// whole request again, and these parts would arrive twice. A part is forgotten
// when its request is done, or as the oldest of maxSentParts, which costs a
// duplicate.
type sentParts struct {
	mu    sync.Mutex
	known map[[32]byte]struct{}
	order [][32]byte
}

func newSentParts() *sentParts { return &sentParts{known: map[[32]byte]struct{}{}} }

func (s *sentParts) has(key [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[key]
	return ok
}

func (s *sentParts) add(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[key]; ok {
		return
	}
	for len(s.order) >= maxSentParts {
		delete(s.known, s.order[0])
		s.order = s.order[1:]
	}
	s.known[key] = struct{}{}
	s.order = append(s.order, key)
}

func (s *sentParts) forget(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, key)
	for i, k := range s.order {
		if k == key {
			s.order = append(s.order[:i], s.order[i+1:]...)
			return
		}
	}
}

func partKey(signal string, part []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(signal))
	h.Write(part)
	return [32]byte(h.Sum(nil))
}
