// Package answers says what a backend's answer means for the request it answers, for every component that sends data.
//
// The retry_policy extension implements Policy. An exporter that writes its own requests, whose bodies the extension could not
// read, asks it what to do and hands it, as OTLP, what must not be sent again.
package answers

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/component"
)

// Action is what is done with a request after an answer.
type Action int

// The actions.
const (
	// Deliver says that the backend has taken the request.
	Deliver Action = iota
	// Retry says that it is sent again later.
	Retry
	// Quarantine says that the backend will never take it: it is kept for a person to look at.
	Quarantine
	// Split says that it is too large and is sent in parts.
	Split
)

// String returns the name metrics use.
func (a Action) String() string {
	switch a {
	case Deliver:
		return "deliver"
	case Retry:
		return "retry"
	case Quarantine:
		return "quarantine"
	case Split:
		return "split"
	}
	return fmt.Sprintf("action(%d)", int(a))
}

// Policy decides about requests and keeps those that can't be delivered. Its methods may be called by many goroutines.
type Policy interface {
	// Action returns what the answer with this HTTP status means.
	Action(status int) Action
	// Keep puts items in quarantine, encoded as one OTLP request of the signal (traces, logs or metrics). It returns when they are
	// on disk; after an error they are nowhere and must be retried.
	Keep(ctx context.Context, signal, reason string, otlp []byte) error
	// Halt returns a context that also ends when attempts have to stop because the collector does. The function releases it.
	Halt(ctx context.Context) (context.Context, context.CancelFunc)
}

// Find returns the policy with an id among a host's extensions.
func Find(host component.Host, id component.ID) (Policy, error) {
	ext, ok := host.GetExtensions()[id]
	if !ok {
		return nil, fmt.Errorf("retry_policy must name an extension of service::extensions, got %q", id)
	}
	policy, ok := ext.(Policy)
	if !ok {
		return nil, fmt.Errorf("retry_policy must name a retry_policy extension, got %q", id)
	}
	return policy, nil
}

// Without is what an answer means where there is no policy: nothing can be kept, so nothing is given up.
func Without(status int) Action {
	switch {
	case status >= 200 && status < 300:
		return Deliver
	case status == 413:
		return Split
	}
	return Retry
}
