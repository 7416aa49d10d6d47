package session

import (
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/digest"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/limit"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
)

// noise decides which actions are worth a span: a state library reports every
// mutation, and `isLoading` says nothing twice per request.
type noise struct {
	allow, deny event.Globs
	sessions    *limit.Buckets
}

func newNoise(cfg *action.Config) (*noise, error) {
	allow, err := event.CompileGlobs(cfg.Allow, false)
	if err != nil {
		return nil, err
	}
	deny, err := event.CompileGlobs(cfg.Deny, false)
	if err != nil {
		return nil, err
	}
	const maxSessions = 50_000
	return &noise{allow: allow, deny: deny, sessions: limit.New(cfg.PerSession, maxSessions)}, nil
}

func (n *noise) wants(name, tenant, session string, now time.Time) bool {
	if n.deny.Match(name) || (len(n.allow) > 0 && !n.allow.Match(name)) {
		return false
	}
	return n.sessions.Allow(digest.Of(tenant, session), now)
}

// unwant says that an action that was wanted will come again.
func (n *noise) unwant(tenant, session string, now time.Time) {
	n.sessions.GiveBack(digest.Of(tenant, session), now)
}
