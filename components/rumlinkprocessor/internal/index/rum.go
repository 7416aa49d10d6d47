package index

import (
	"strings"
	"unique"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// RUM is the user's side of a trace: one text per field, "" unknown.
type RUM [RUMFields]string

// The fields of RUM; RUMFields is their number.
const (
	SessionID = iota
	UserID
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
)

// ReadRUM collects the RUM fields of a span or log. user.id counts only beside a
// session or RUM field: alone it may mean anything.
func ReadRUM(attrs pcommon.Map, maxRunes int) (ctx RUM, found bool) {
	for k, v := range attrs.All() {
		if len(k) < len("user.id") || v.Type() != pcommon.ValueTypeStr {
			continue
		}
		field := -1
		switch k {
		case "session.id", BaggageSession:
			field = SessionID
		case "user.id", BaggageUser:
			field = UserID
		default:
			if !strings.HasPrefix(k, "rum.") {
				continue
			}
			for i := ApplicationID; i < RUMFields; i++ {
				if RUMNames[i] == k {
					field = i
				}
			}
		}
		if field < 0 || v.Str() == "" || len(k) > len(RUMNames[field]) && ctx[field] != "" {
			continue // the span's own attribute beats its baggage
		}
		ctx[field] = Cut(v.Str(), maxRunes)
		found = found || field != UserID || k == BaggageUser
	}
	return ctx, found
}

// addRUM merges what one source says into the trace's entry. A field about
// which two sources disagree is nobody's, and so is what it governs: they stay
// empty for good, so that the order of arrival decides nothing. It returns how
// many disagreements came to light.
func (e *entry) addRUM(ctx *RUM) (conflicts int64, grown int64) {
	var merged RUM
	if e.rum != (unique.Handle[RUM]{}) {
		merged = e.rum.Value()
	}
	before := merged
	for i, s := range ctx {
		switch {
		case s == "" || e.barred(i) || merged[i] == s:
		case merged[i] == "":
			merged[i] = s
		default:
			e.flags |= rumConflict << i
			conflicts++
		}
	}
	for i := range merged {
		if e.barred(i) {
			merged[i] = ""
		}
	}
	if merged == before {
		return conflicts, 0
	}
	e.rum = unique.Make(merged)
	return conflicts, merged.bytes() - before.bytes()
}

func (e *entry) barred(field int) bool {
	return e.flags&(rumConflict<<field|rumConflict<<Governor[field]) != 0
}

func (ctx *RUM) bytes() (n int64) {
	if *ctx == (RUM{}) {
		return 0
	}
	n = rumBytes
	for _, s := range ctx {
		if s != "" {
			n += int64(len(s)) + stringSlack
		}
	}
	return n
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
