package retrypolicy

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
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
	known *ttlset.Map[[32]byte, struct{}]
}

func newSentParts() *sentParts {
	return &sentParts{known: ttlset.NewMap[[32]byte, struct{}](maxSentParts, 0)}
}

func (s *sentParts) has(key [32]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known.Get(key, time.Time{})
	return ok
}

func (s *sentParts) add(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.Put(key, struct{}{}, time.Time{})
}

func (s *sentParts) forget(key [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known.Remove(key)
}

func partKey(signal string, part []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(signal))
	h.Write(part)
	return [32]byte(h.Sum(nil))
}
