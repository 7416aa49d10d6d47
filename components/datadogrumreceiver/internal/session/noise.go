package datadogrumreceiver

import (
	"time"

	"golang.org/x/time/rate"
)

// noise decides which actions are worth a span: a state library reports every
// mutation, and `isLoading` says nothing twice per request.
type noise struct {
	allow, deny globs
	sessions    *limiters
}

func newNoise(cfg *ActionsConfig) (*noise, error) {
	allow, err := compileGlobs(cfg.Allow, false)
	if err != nil {
		return nil, err
	}
	deny, err := compileGlobs(cfg.Deny, false)
	if err != nil {
		return nil, err
	}
	const maxSessions = 50_000
	return &noise{allow: allow, deny: deny, sessions: newLimiters(rate.Limit(cfg.PerSession), maxSessions)}, nil
}

func (n *noise) wants(name, tenant, session string, now time.Time) bool {
	if n.deny.match(name) || (len(n.allow) > 0 && !n.allow.match(name)) {
		return false
	}
	return n.sessions.allow(digestOf(tenant, session), now)
}

// unwant says that an action that was wanted will come again.
func (n *noise) unwant(tenant, session string, now time.Time) {
	n.sessions.giveBack(digestOf(tenant, session), now)
}
