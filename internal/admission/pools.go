package admission

import (
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultMemory = 512 << 20 // what is assumed where nothing limits the process
	minBytes      = 32 << 20

	// DefaultMaxWait is Limits.MaxWait's default.
	DefaultMaxWait = time.Second
	// DefaultMaxConnections is Limits.MaxConnections' default.
	DefaultMaxConnections = 10_000
)

// Limits are what a Pools is sized by. Zero values are defaults.
type Limits struct {
	// MaxBytes is the size of both pools together; 0: two fifths of GOMEMLIMIT.
	MaxBytes int64
	// MaxRequestCost is what one request may take of the decoding pool; 0: all of it, so that one largest request passes alone.
	MaxRequestCost int64
	// MaxWait bounds how long anybody waits for a pool; 0: DefaultMaxWait.
	MaxWait time.Duration
	// MaxConnections bounds the open connections; 0: DefaultMaxConnections.
	MaxConnections int
	// MaxConnectionBytes bounds what the open connections are priced at together; 0: a quarter of GOMEMLIMIT.
	MaxConnectionBytes int64
	// MaxConnectionsPerAddress bounds the connections of one IPv4 address or IPv6 /64; 0: no bound.
	MaxConnectionsPerAddress int
}

// Validate says which limit contradicts itself.
func (l Limits) Validate() error {
	var errs []error
	if l.MaxBytes != 0 && l.MaxBytes < minBytes {
		errs = append(errs, fmt.Errorf("max_bytes must be 0 or at least %d, got %d", minBytes, l.MaxBytes))
	}
	for key, v := range map[string]int64{
		"max_request_cost": l.MaxRequestCost, "max_wait": int64(l.MaxWait), "max_connections": int64(l.MaxConnections),
		"max_connection_bytes": l.MaxConnectionBytes, "max_connections_per_address": int64(l.MaxConnectionsPerAddress),
	} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative, got %d", key, v))
		}
	}
	return errors.Join(errs...)
}

// WithDefaults fills in what is zero, from what the process may use.
func (l Limits) WithDefaults() Limits {
	memory := int64(defaultMemory)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		memory = limit
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = max(minBytes, memory/5*2)
	}
	if decoding := l.MaxBytes - l.MaxBytes/4; l.MaxRequestCost == 0 || l.MaxRequestCost > decoding {
		l.MaxRequestCost = decoding
	}
	if l.MaxWait == 0 {
		l.MaxWait = DefaultMaxWait
	}
	if l.MaxConnections == 0 {
		l.MaxConnections = DefaultMaxConnections
	}
	if l.MaxConnectionBytes == 0 {
		l.MaxConnectionBytes = memory / 4
	}
	return l
}

// Pools are what a process hands out: see the package's documentation.
type Pools struct {
	// Reception holds what has arrived and is not decoded yet: a quarter of MaxBytes.
	Reception *Pool
	// Decoding holds what requests are decoded to: three quarters.
	Decoding *Pool
	// Connections counts what is open.
	Connections *Connections

	observer atomic.Pointer[func(Event)]
	mu       sync.Mutex
	limits   Limits
	users    int
	unready  map[*string]struct{}
}

// New returns Pools of l.
func New(l Limits) *Pools {
	p := &Pools{
		Reception:   &Pool{name: "reception"},
		Decoding:    &Pool{name: "decoding"},
		Connections: &Connections{},
	}
	p.Connections.pools = p
	p.size(l.WithDefaults())
	return p
}

var process = sync.OnceValue(func() *Pools { return New(Limits{}) })

// Default returns the process's one Pools. Until Configure they follow GOMEMLIMIT.
func Default() *Pools { return process() }

func (p *Pools) size(l Limits) {
	p.limits = l
	p.Reception.resize(l.MaxBytes/4, l.MaxBytes/4, l.MaxWait)
	p.Decoding.resize(l.MaxBytes-l.MaxBytes/4, l.MaxRequestCost, l.MaxWait)
	p.Connections.resize(l.MaxConnections, l.MaxConnectionBytes, l.MaxConnectionsPerAddress)
}

// Limits returns what p is sized by, defaults filled in.
func (p *Pools) Limits() Limits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits
}

// Configure sizes p. While one user has it configured, another may only ask for the same. done ends the use.
func (p *Pools) Configure(l Limits) (done func(), err error) {
	l = l.WithDefaults()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.users > 0 && l != p.limits {
		return nil, fmt.Errorf("the pools are one for the whole process and already have other limits: %+v, got %+v", p.limits, l)
	}
	if p.users == 0 {
		p.size(l)
	}
	p.users++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.users--
	}), nil
}

// Event is something that was refused.
type Event struct {
	// Listener is who refused: a receiver's id, with its protocol where it has several.
	Listener string
	Refusal  *Refusal
	// Bytes is how many had been read for it.
	Bytes int64
	// Peer and UserAgent go to a log line, never to a metric.
	Peer, UserAgent string
}

// Report hands e to whoever observes p, to count and log it. A receiver calls it for each request it refuses.
func (p *Pools) Report(e Event) {
	if f := p.observer.Load(); f != nil {
		(*f)(e)
	}
}

// Observe makes f the one that is told of refusals. f must not block. done ends it.
func (p *Pools) Observe(f func(Event)) (done func()) {
	p.observer.Store(&f)
	return func() { p.observer.CompareAndSwap(&f, nil) }
}

// Unready makes the process's readiness endpoint say that it is not ready, and why, until done is called.
func (p *Pools) Unready(reason string) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.unready == nil {
		p.unready = make(map[*string]struct{})
	}
	p.unready[&reason] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.unready, &reason)
	}
}

// UnreadyReasons returns why the process is not ready; none: it is.
func (p *Pools) UnreadyReasons() (reasons []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r := range p.unready {
		reasons = append(reasons, *r)
	}
	slices.Sort(reasons)
	return reasons
}
