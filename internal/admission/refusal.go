package admission

import (
	"errors"
	"fmt"
	"time"
)

// Reason says in one word why something was refused. It is the value of a metric attribute.
type Reason string

// The reasons there are.
const (
	ReasonBusy        Reason = "busy"        // as much is held as may be, for longer than max_wait
	ReasonSize        Reason = "size"        // more bytes than a body may have
	ReasonPrice       Reason = "price"       // costs more memory decoded than one request may
	ReasonDepth       Reason = "depth"       // nested deeper than max_depth
	ReasonRatio       Reason = "ratio"       // inflates more than max_ratio
	ReasonPace        Reason = "pace"        // arrives slower than min_bytes_per_second
	ReasonMalformed   Reason = "malformed"   // is not what it says it is
	ReasonEncoding    Reason = "encoding"    // an unknown compression
	ReasonConnections Reason = "connections" // as many connections as may be open
	ReasonAddress     Reason = "address"     // as many connections as one address may have
)

// Reasons is all of them.
var Reasons = []Reason{
	ReasonBusy, ReasonSize, ReasonPrice, ReasonDepth, ReasonRatio, ReasonPace, ReasonMalformed, ReasonEncoding, ReasonConnections, ReasonAddress,
}

// RetryAfter is what a sender is asked to wait before it tries again.
const RetryAfter = time.Second

// Refusal is the error of everything this package refuses.
type Refusal struct {
	Reason  Reason
	Message string
	// Retry is how long the sender shall wait before it sends the same again; 0: never.
	Retry time.Duration
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// Refuse makes a permanent Refusal.
func Refuse(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// RefuseForNow makes a Refusal that asks the sender to try again.
func RefuseForNow(reason Reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Message: fmt.Sprintf(format, args...), Retry: RetryAfter}
}

// AsRefusal returns the Refusal in err's chain, or nil.
func AsRefusal(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}
