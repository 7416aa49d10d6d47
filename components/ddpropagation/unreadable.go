package ddpropagation

import (
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

const (
	unreadableEvery = 10 * time.Second
	unreadableBytes = 64
)

// unreadable shows an operator at debug level what kind of id could not be read: one example in ten seconds, cut to 64 bytes, for
// the values come from the network. How many there are is counted in the metrics.
type unreadable struct {
	logger *zap.Logger
	now    func() time.Time
	next   atomic.Int64 // nanoseconds since 1970
}

func newUnreadable(logger *zap.Logger) *unreadable { return &unreadable{logger: logger, now: time.Now} }

func (u *unreadable) show(source string, o outcome, value string) {
	entry := u.logger.Check(zap.DebugLevel, "unreadable id")
	if entry == nil {
		return
	}
	now, next := u.now(), u.next.Load()
	if now.UnixNano() < next || !u.next.CompareAndSwap(next, now.Add(unreadableEvery).UnixNano()) {
		return
	}
	if len(value) > unreadableBytes {
		value = strings.ToValidUTF8(value[:unreadableBytes], "") + "…"
	}
	entry.Write(zap.String("source", source), zap.String("outcome", o.String()), zap.String("value", value))
}

// isUnreadable reports that a value is there and holds no id.
func isUnreadable(o outcome) bool {
	return o == invalid || o == outOfRange || o == precisionLoss || o == malformedTID
}
