package pieces

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Bounds of what is held.
const (
	MaxLineBytes = 1 << 20
	MaxLines     = 10_000
	MaxBytes     = 64 << 20
	// LineAge is how long the rest of a line is waited for, TraceAge the next line of a stack trace.
	LineAge  = 5 * time.Second
	TraceAge = time.Second
)

// Store keeps items until they are removed. *journal.Journal is one.
type Store interface {
	Number() uint64
	Set(n uint64, value func() []byte)
	Remove(n uint64)
	Sync(ctx context.Context) error
}

// Outcome is what became of a line.
type Outcome uint8

// The outcomes.
const (
	Joined     Outcome = iota
	Split              // longer than MaxLineBytes
	Incomplete         // too old, or too many others
	outcomes
)

// Outcomes are the names of all.
var Outcomes = [outcomes]string{"joined", "split", "incomplete"}

// Options say what is joined.
type Options struct {
	Lines     bool
	Languages []string
}

// Joiner holds lines. Its methods are safe for concurrent use.
type Joiner struct {
	options  Options
	traces   traces
	store    Store
	maxBytes int

	mu    sync.Mutex
	lines map[string]*line
	order list.List // of *line, the oldest first
	bytes int
}

// New returns a joiner that keeps what it holds in store.
func New(options Options, store Store) *Joiner {
	return &Joiner{options: options, traces: newTraces(options.Languages), store: store, maxBytes: MaxBytes, lines: make(map[string]*line)}
}

// line is one that is not whole.
type line struct {
	key     string
	kind    style
	parts   []*part
	bytes   int
	emitted int // parts of it that went before
	until   time.Time
	place   *list.Element // nil while it is not held
	trace   traceSoFar
}

// part is a piece.
type part struct {
	logs    plog.Logs // one record
	number  uint64    // in the store, or noNumber
	ordinal int       // from 1; 0: in order of arrival
	last    bool
	line    *line
	done    bool // the pipeline has it
}

// noNumber is of a part that is not in the store.
const noNumber = ^uint64(0)

// Busy reports whether a record that looks like any other may end a line.
func (j *Joiner) Busy() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines) > 0 || len(j.options.Languages) > 0
}

// Load takes back a piece an earlier process left.
func (j *Joiner) Load(number uint64, value []byte, now time.Time) error {
	logs, err := new(plog.ProtoUnmarshaler).UnmarshalLogs(value)
	if err != nil || logs.LogRecordCount() != 1 {
		j.store.Remove(number)
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	rl := logs.ResourceLogs().At(0)
	p := j.classify(rl.Resource(), rl.ScopeLogs().At(0).LogRecords().At(0))
	if p.style == whole {
		// A line of a trace, or one that might have begun one. What followed it nobody knows any more.
		p = piece{style: trace, key: "loaded\x00" + strconv.FormatUint(number, 10)}
	}
	l := j.add(p, &part{logs: logs, number: number, ordinal: p.ordinal, last: p.last}, now)
	// A store has no order.
	slices.SortStableFunc(l.parts, func(a, b *part) int {
		return cmp.Compare(record(a.logs).Timestamp(), record(b.logs).Timestamp())
	})
	return nil
}

// add puts a part into its line and returns the line. It is called with the lock held.
func (j *Joiner) add(p piece, added *part, now time.Time) *line {
	l := j.lines[p.key]
	if l == nil {
		l = &line{key: p.key, kind: p.style, until: now.Add(age(p.style))}
		j.lines[p.key] = l
		l.place = j.order.PushBack(l)
	}
	if p.style == trace {
		l.until = now.Add(TraceAge)
	}
	n := bodyBytes(added.logs)
	added.line = l
	l.parts = append(l.parts, added)
	l.trace.add(body(added.logs))
	l.bytes += n
	j.bytes += n
	return l
}

func age(s style) time.Duration {
	if s == trace {
		return TraceAge
	}
	return LineAge
}

// detach takes a line out. It is called with the lock held.
func (j *Joiner) detach(l *line) {
	delete(j.lines, l.key)
	j.order.Remove(l.place)
	l.place = nil
	j.bytes -= l.bytes
}

// attach puts a line back that was taken out. A newer one of the same key goes on under the key, and the older one ends by its age.
func (j *Joiner) attach(l *line) {
	if _, taken := j.lines[l.key]; taken {
		l.key += "\x00"
		for j.lines[l.key] != nil {
			l.key += "\x00"
		}
	}
	j.lines[l.key] = l
	l.place = j.order.PushFront(l)
	j.bytes += l.bytes
}

// Held is how many lines are open and how many bytes they have.
func (j *Joiner) Held() (lines, bytes int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines), j.bytes
}
