package index

import (
	"strings"
	"unique"
)

// disputed stands in a field about which two sources disagree. A source that
// says just this says nothing either.
const disputed = "\x00"

// maxClaims is how many sessions claims of one trace may name; those of further
// ones are counted as conflicts and forgotten.
const maxClaims = 2

// user is what is known about the user of one trace. What two sources disagree
// about is nobody's, whatever the order of arrival; but a session that a
// backend's own baggage named stands, and only claims of that session, or of
// none, are believed.
type user struct {
	session, user, account string // from baggage
	claims                 []RUM  // one for each session that claims name, "" included
}

// add merges what one record said and returns how many disagreements came to
// light.
func (u *user) add(said *Said) (conflicts int64) {
	if said.Session != "" && u.session == "" {
		conflicts += u.against(said.Session)
	}
	conflicts += merge(&u.session, said.Session) + merge(&u.user, said.User) + merge(&u.account, said.Account)
	if said.Claim != (RUM{}) {
		conflicts += u.addClaim(&said.Claim)
	}
	return conflicts
}

// against returns how many claims name another session.
func (u *user) against(session string) (n int64) {
	for i := range u.claims {
		if s := u.claims[i][SessionID]; s != "" && s != session {
			n++
		}
	}
	return n
}

func (u *user) addClaim(claim *RUM) (conflicts int64) {
	session := claim[SessionID]
	sessions := 0
	for i := range u.claims {
		if u.claims[i][SessionID] == session {
			return u.claims[i].merge(claim)
		}
		if u.claims[i][SessionID] != "" {
			sessions++
		}
	}
	if session != "" && (sessions > 0 || u.session != "" && u.session != session) {
		conflicts = 1
	}
	if session == "" || sessions < maxClaims {
		u.claims = append(u.claims, RUM{})
		u.claims[len(u.claims)-1].merge(claim)
	}
	return conflicts
}

// resolve returns what is certain.
func (u *user) resolve() (ctx RUM) {
	for i := range u.claims {
		if s := u.claims[i][SessionID]; s == "" || u.session == "" || s == u.session {
			ctx.merge(&u.claims[i])
		}
	}
	if u.session != "" {
		ctx[SessionID] = u.session
	}
	if u.user != "" {
		ctx[UserID] = u.user
	}
	if u.account != "" {
		ctx[AccountID] = u.account
	}
	for i := range ctx {
		if g := Governor[i]; g != i && ctx[g] == disputed {
			ctx[i] = ""
		}
	}
	for i := range ctx {
		if ctx[i] == disputed {
			ctx[i] = ""
		}
	}
	return ctx
}

// merge adds the fields of other and returns how many disagreements came to
// light.
func (r *RUM) merge(other *RUM) (conflicts int64) {
	for i, s := range other {
		if r[Governor[i]] != disputed {
			conflicts += merge(&r[i], s)
		}
	}
	return conflicts
}

func merge(field *string, s string) (conflicts int64) {
	switch {
	case s == "" || *field == s || *field == disputed:
	case *field == "":
		*field = strings.Clone(s) // it may be cut from a longer one
	default:
		*field = disputed
		return 1
	}
	return 0
}

// addUser merges what a record said into the trace's entry.
func (e *entry) addUser(said *Said) (conflicts, grown int64) {
	u, ok := e.extra.(*user)
	if !ok {
		u = new(user)
		e.extra = u
		grown = userBytes
	}
	grown -= u.bytes()
	conflicts = u.add(said)
	e.rum = unique.Make(u.resolve())
	return conflicts, grown + u.bytes()
}

// bytes is what the texts cost: in the claims, and in what is certain of them.
func (u *user) bytes() (n int64) {
	n = 2 * (textBytes(u.session) + textBytes(u.user) + textBytes(u.account))
	for i := range u.claims {
		n += claimBytes + 2*u.claims[i].bytes()
	}
	return n
}

func (r *RUM) bytes() (n int64) {
	for _, s := range r {
		n += textBytes(s)
	}
	return n
}

func textBytes(s string) int64 {
	if s == "" {
		return 0
	}
	return int64(len(s)) + stringSlack
}

// bytes is an upper bound of what a record adds to an entry.
func (s *Said) bytes() int64 {
	return userBytes + claimBytes + 2*(textBytes(s.Session)+textBytes(s.User)+textBytes(s.Account)+s.Claim.bytes())
}
