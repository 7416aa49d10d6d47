package index

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// RUM is the user's side of a trace: one text per field, "" unknown.
type RUM [RUMFields]string

// The fields of RUM; RUMFields is their number.
const (
	SessionID = iota
	UserID
	AccountID
	ApplicationID
	ViewID
	ViewName
	ViewURL
	ActionID
	ActionName
	ActionType
	RUMFields
)

// RUMNames are the attributes that hold the fields.
var RUMNames = [RUMFields]string{
	SessionID:     "session.id",
	UserID:        "user.id",
	AccountID:     "account.id",
	ApplicationID: "rum.application.id",
	ViewID:        "rum.view.id",
	ViewName:      "rum.view.name",
	ViewURL:       "rum.view.url",
	ActionID:      "rum.action.id",
	ActionName:    "rum.action.name",
	ActionType:    "rum.action.type",
}

// Governor is the field that says whose value a field is: a view's name belongs
// to the view's id, and never stands beside the id of another view.
var Governor = [RUMFields]int{
	SessionID:     SessionID,
	UserID:        SessionID,
	AccountID:     SessionID,
	ApplicationID: ApplicationID,
	ViewID:        ViewID,
	ViewName:      ViewID,
	ViewURL:       ViewID,
	ActionID:      ActionID,
	ActionName:    ActionID,
	ActionType:    ActionID,
}

// The tracers of Datadog put the W3C baggage of the request on the root span.
const (
	BaggageSession = "baggage.session.id"
	BaggageUser    = "baggage.user.id"
	BaggageAccount = "baggage.account.id"
)

// Said is what one record says about the user of its trace.
type Said struct {
	// Claim is what the record says of itself, as RUM clients do.
	Claim RUM
	// Session, User and Account are from the baggage of the request that a
	// backend served. They outrank every claim.
	Session, User, Account string
}

// ReadRUM collects what a span or log says about its user, in one pass over its
// attributes. user.id and account.id count only beside a session or RUM field:
// alone they may mean anything.
func ReadRUM(attrs pcommon.Map, maxRunes int) (said Said, found bool) {
	for k, v := range attrs.All() {
		if len(k) < len("user.id") || v.Type() != pcommon.ValueTypeStr {
			continue
		}
		to := said.field(k)
		if to == nil || v.Str() == "" {
			continue
		}
		*to = Cut(v.Str(), maxRunes)
		found = found || to != &said.Claim[UserID] && to != &said.Claim[AccountID]
	}
	if !found {
		return Said{}, false
	}
	return said, true
}

// field returns where the value of an attribute belongs, nil if nowhere. Most
// names differ in their first byte.
func (s *Said) field(name string) *string {
	switch name[0] {
	case 'a':
		if name == RUMNames[AccountID] {
			return &s.Claim[AccountID]
		}
	case 's':
		if name == RUMNames[SessionID] {
			return &s.Claim[SessionID]
		}
	case 'u':
		if name == RUMNames[UserID] {
			return &s.Claim[UserID]
		}
	case 'b':
		switch name {
		case BaggageSession:
			return &s.Session
		case BaggageUser:
			return &s.User
		case BaggageAccount:
			return &s.Account
		}
	case 'r':
		if name[:4] != "rum." {
			return nil
		}
		for i := ApplicationID; i < RUMFields; i++ {
			if RUMNames[i] == name {
				return &s.Claim[i]
			}
		}
	}
	return nil
}

// Cut returns s, or its first n runes.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
