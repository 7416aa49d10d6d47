// Package outage says when backends stop taking data and when they take it again:
// one warning at first and each minute after, one line when it is over. Retries
// alone are many lines at the level of normal work.
package outage

import (
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// every is the least time between two warnings of one backend.
	every = time.Minute
	// maxBackends bounds the backends that are told apart; further ones share a line.
	maxBackends = 64
)

// Log remembers which backends refuse. It is safe for concurrent use.
type Log struct {
	logger *zap.Logger
	now    func() time.Time

	mu       sync.Mutex
	backends map[string]*state
}

// state is a backend that refuses.
type state struct {
	since, logged time.Time
	refused       int
}

// New returns a log.
func New(logger *zap.Logger) *Log {
	return &Log{logger: logger, now: time.Now, backends: map[string]*state{}}
}

// Refused notes that a request was not taken and will be sent again: answer is the
// backend's, or why there is none.
func (l *Log) Refused(backend, answer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.backends[backend]
	if !ok {
		if len(l.backends) >= maxBackends {
			backend = "others"
		}
		if s, ok = l.backends[backend]; !ok {
			s = &state{since: l.now()}
			l.backends[backend] = s
		}
	}
	s.refused++
	if now := l.now(); now.Sub(s.logged) >= every {
		s.logged = now
		l.logger.Warn("a backend takes nothing; what it refuses is kept and sent again",
			zap.String("backend", backend), zap.String("answer", answer), zap.Time("since", s.since), zap.Int("refused_requests", s.refused))
	}
}

// Taken notes that a request was delivered.
func (l *Log) Taken(backend string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.backends) == 0 {
		return
	}
	s, ok := l.backends[backend]
	if !ok {
		return
	}
	delete(l.backends, backend)
	l.logger.Info("a backend takes data again", zap.String("backend", backend), zap.Duration("after", l.now().Sub(s.since)), zap.Int("refused_requests", s.refused))
}
