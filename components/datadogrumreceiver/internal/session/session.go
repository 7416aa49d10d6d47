package session

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/infer"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/lifetime"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

// Config is what the user may say about what is held.
type Config struct {
	Actions  *action.Config
	Infer    *infer.Config
	Views    *view.Config
	Sessions *lifetime.Config
	Dedupe   *DedupeConfig

	MaxEventAge time.Duration // older events are records, not spans
	Ahead       time.Duration // how far in the future a date may lie
}

// DedupeConfig bounds the memory of what was already converted.
type DedupeConfig struct {
	// TTL is how long a body or event is remembered.
	TTL time.Duration `mapstructure:"ttl"`
	// MaxEvents is the number of events remembered at a time.
	MaxEvents int `mapstructure:"max_events"`
	// MaxBodies is the number of bodies remembered at a time.
	MaxBodies int `mapstructure:"max_bodies"`
}

// Why a batch is not taken for now. The sender shall come again.
var (
	ErrFull     = errors.New("holding as many views and actions as configured")
	ErrBusy     = errors.New("another request with the same events is being converted")
	errStopping = errors.New("the receiver stops")
)

// ClaimLife is how long a request may take to convert a body. A claim that is
// older was left by one that never ended.
const ClaimLife = 5 * time.Minute

// Sessions holds what waits. One mutex guards all of it but seen and noise,
// which have their own.
type Sessions struct {
	cfg   Config
	seen  *ttlset.Claims[digest.Key]
	noise *noise

	batches atomic.Uint64

	mu        sync.Mutex
	actions   *action.Table
	views     *view.Table
	lifetimes *lifetime.Table
	recent    *infer.Table
	journal   *journal.Journal // nil without storage
	closed    bool             // the last hand-over has begun
}

// New returns sessions that hold nothing.
func New(cfg Config) (*Sessions, error) {
	n, err := newNoise(cfg.Actions)
	return &Sessions{
		cfg: cfg, seen: ttlset.NewClaims[digest.Key](cfg.Dedupe.MaxEvents, cfg.Dedupe.TTL, ClaimLife), noise: n,
		actions: action.NewTable(cfg.Actions), views: view.NewTable(cfg.Views), lifetimes: lifetime.NewTable(cfg.Sessions), recent: infer.NewTable(cfg.Infer),
	}, err
}

// Close refuses what would be held from now on.
func (s *Sessions) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// full reports whether a table is at its bound. The next hand-over then makes
// room, and the sender comes again.
func (s *Sessions) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.actions.Full() || s.views.Full()
}

// Sizes is what is held now.
type Sizes struct {
	Actions, ActionBytes int
	Views, ViewBytes     int
	Sessions             int // that live
	Keys                 int // events remembered
}

// Sizes returns what is held now.
func (s *Sessions) Sizes() Sizes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Sizes{s.actions.Len(), s.actions.Bytes(), s.views.Len(), s.views.Bytes(), s.lifetimes.Live(), s.seen.Len()}
}

// Stored reports whether what is held is also in storage.
func (s *Sessions) Stored() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal != nil
}
