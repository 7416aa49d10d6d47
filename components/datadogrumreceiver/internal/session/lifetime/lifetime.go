package lifetime

import (
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
)

// Config says when a session is over.
type Config struct {
	// Idle is how long after the last version of a view its session is over. SDKs begin a new session after 15 minutes without the user.
	Idle time.Duration `mapstructure:"idle"`
	// MaxHeld is the number of sessions remembered at a time.
	MaxHeld int `mapstructure:"max_held"`
}

const (
	// firstSight is how long the first views of a session are gathered: the earliest begins it.
	firstSight = time.Second
	// settle is how long a session that its SDK ended waits for views that were overtaken.
	settle = 30 * time.Second
	// remember is how long a session that is over is known, so that it does not
	// begin again: the longest an SDK lets one live.
	remember = 4 * time.Hour
)

// Name says which session it is.
type Name struct{ Tenant, App, ID string }

// Key is the session's key in tables of this process.
func (n *Name) Key() digest.Key { return digest.Of("lifetime", n.Tenant, n.App, n.ID) }

// Session is what is known of one session.
type Session struct {
	Name
	Line  string // of its first view, shortened
	From  *event.Origin
	View  string // the last one
	Begin pcommon.Timestamp
	End   pcommon.Timestamp
	State
	Part bool  // Line is of an update, which may not say what describes the app
	Slot int64 // in storage, -1 when it is not there
}

// Ends reports whether the end must leave: it is later than what was sent of it.
func (d *Due) Ends() bool { return d.Over && d.End > d.Was }

// State is how far the session is, in the receiver's own time.
type State struct {
	First   time.Time
	Touched time.Time
	Ended   bool              // its SDK says so
	Started bool              // its start was sent
	Over    pcommon.Timestamp // the end that was sent, 0 when none was
}

// Due is a snapshot of a session of which something must leave.
type Due struct {
	Session     *Session
	Line        string
	From        *event.Origin
	View        string
	Begin       pcommon.Timestamp
	End         pcommon.Timestamp
	Start       bool              // its start must leave
	Over, Early bool              // its end must leave; it does so to make room
	Was         pcommon.Timestamp // the end that was sent before
}

// see takes the event of a view in. It reports whether what is known changed
// so much that it is worth a write to storage.
func (s *Session) see(e *event.Event, from *event.Origin, now time.Time) (worth bool) {
	const enough = time.Minute
	worth = s.Line == "" || now.Sub(s.Touched) >= enough
	if s.Line == "" {
		s.First, s.Begin, s.Part = now, e.Start, true
	}
	if s.Part {
		s.Line, s.From, s.Part, worth = shorten(e.Line), from, e.Kind != event.TypeView, true
	}
	if !s.Started && e.Start < s.Begin {
		s.Begin, worth = e.Start, true
	}
	end := e.Start
	if spent, ok := e.Doc.Integer(e.Doc.At("view", "time_spent")); ok && spent > 0 {
		end = max(end, end+pcommon.Timestamp(spent))
	}
	if end >= s.End {
		s.End = end
		if s.View != e.View {
			s.View, worth = strings.Clone(e.View), true
		}
	}
	if active := e.Doc.At("session", "is_active"); active >= 0 && e.Doc.Kind(active) == event.False && !s.Ended {
		s.Ended, worth = true, true
	}
	s.Touched = now
	return worth
}

// live reports whether the session's end is still to come.
func (s *Session) live() bool { return s.Line != "" }

// due reports whether the start or the end of the session must leave.
func (s *Session) due(cfg *Config, now time.Time, all bool) (start, over bool) {
	idle := now.Sub(s.Touched)
	start = !s.Started && (all || now.Sub(s.First) >= firstSight)
	over = idle >= cfg.Idle || s.Ended && idle >= settle
	return start, over
}
