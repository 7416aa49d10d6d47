package fluentreceiver

import (
	"net"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	warnEvery = time.Minute
	// maxWarned bounds the peers that are remembered. The reasons of all others are logged once in a while without regard to who it is.
	maxWarned = 1000
)

// warnings lets a line about a peer and a reason through once a minute.
type warnings struct {
	mu   sync.Mutex
	last map[warned]*since
}

type warned struct{ host, reason string }

type since struct {
	at      time.Time
	leftOut int64
}

// allow reports whether to write a line, and how many were left out since the last.
func (w *warnings) allow(host, reason string, now time.Time) (leftOut int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := warned{host, reason}
	s, found := w.last[key]
	if !found && len(w.last) >= maxWarned {
		for k, s := range w.last {
			if now.Sub(s.at) >= warnEvery {
				delete(w.last, k)
			}
		}
		if len(w.last) >= maxWarned {
			key.host = ""
			s, found = w.last[key]
		}
	}
	if !found {
		if w.last == nil {
			w.last = make(map[warned]*since)
		}
		w.last[key] = &since{at: now}
		return 0, true
	}
	if now.Sub(s.at) < warnEvery {
		s.leftOut++
		return 0, false
	}
	leftOut, s.at, s.leftOut = s.leftOut, now, 0
	return leftOut, true
}

func (r *fluentReceiver) warn(peer net.Addr, reason, text string, fields ...zap.Field) {
	host := hostOf(peer)
	leftOut, ok := r.telemetry.warnings.allow(host, reason, time.Now())
	if !ok {
		return
	}
	fields = append(fields, zap.String("peer", host), zap.String("reason", reason))
	if leftOut > 0 {
		fields = append(fields, zap.Int64("left_out", leftOut))
	}
	r.set.Logger.Warn(text, fields...)
}

// hostOf is a peer without its port, which changes with every connection.
func hostOf(peer net.Addr) string {
	if peer == nil {
		return "unknown"
	}
	if host, _, err := net.SplitHostPort(peer.String()); err == nil {
		return host
	}
	return peer.Network()
}
