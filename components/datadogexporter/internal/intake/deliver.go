package intake

import (
	"context"
	"errors"
	"time"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

// Sender is how parts of one kind are sent, cut and kept.
type Sender[P any] struct {
	Post func(context.Context, P) Answer
	// Halve cuts a part in two. It returns false for one that can't be cut.
	Halve func(P) (P, P, bool)
	// Shrink makes a part smaller that can't be cut, and reports whether it did. It may be nil.
	Shrink func(P) bool
	// Keep puts a part in quarantine. Its error means that it is nowhere.
	Keep func(ctx context.Context, p P, reason string) error
	// Split is called for each part that is cut.
	Split func(ctx context.Context, reason string)
}

// Undelivered says why some parts are not delivered.
type Undelivered struct {
	Err   error
	Delay time.Duration
}

// Deliver sends parts, cuts what is too large, narrows down what the intake refuses for good until only that is in quarantine, and
// returns the parts that have to be sent again.
func Deliver[P any](ctx context.Context, parts []P, s Sender[P]) (rest []P, why Undelivered) {
	for i, p := range parts {
		undelivered, w, stop := s.deliver(ctx, p)
		rest = append(rest, undelivered...)
		why.Err = errors.Join(why.Err, w.Err)
		why.Delay = max(why.Delay, w.Delay)
		if stop {
			return append(rest, parts[i+1:]...), why
		}
	}
	return rest, why
}

func (s Sender[P]) deliver(ctx context.Context, p P) (rest []P, why Undelivered, stop bool) {
	a := s.Post(ctx, p)
	why = Undelivered{Err: a.Err, Delay: a.Delay}
	switch a.Action {
	case answers.Deliver:
		return nil, Undelivered{}, false
	case answers.Retry:
		return []P{p}, why, a.Stop
	}
	reason := "refused"
	if a.Action == answers.Split {
		reason = "too_large"
	}
	first, second, ok := s.Halve(p)
	if !ok {
		if a.Action == answers.Split && s.Shrink != nil && s.Shrink(p) {
			return s.deliver(ctx, p)
		}
		if err := s.Keep(ctx, p, reason); err != nil {
			return []P{p}, Undelivered{Err: errors.Join(a.Err, err)}, false
		}
		return nil, Undelivered{}, false
	}
	s.Split(ctx, reason)
	rest, why, stop = s.deliver(ctx, first)
	if stop {
		return append(rest, second), why, true
	}
	more, w, stop := s.deliver(ctx, second)
	return append(rest, more...), Undelivered{Err: errors.Join(why.Err, w.Err), Delay: max(why.Delay, w.Delay)}, stop
}
