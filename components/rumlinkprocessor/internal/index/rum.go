package rumlinkprocessor

import (
	"fmt"
	"strings"
	"unique"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// rumContext is the user's side of a trace: one string per field, "" unknown.
type rumContext [rumFields]string

const (
	sessionID = iota
	userID
	applicationID
	viewID
	viewName
	viewURL
	actionID
	actionName
	actionType
	rumFields
)

var rumNames = [rumFields]string{
	sessionID:     "session.id",
	userID:        "user.id",
	applicationID: "rum.application.id",
	viewID:        "rum.view.id",
	viewName:      "rum.view.name",
	viewURL:       "rum.view.url",
	actionID:      "rum.action.id",
	actionName:    "rum.action.name",
	actionType:    "rum.action.type",
}

// governor is the field that says whose value a field is: a view's name belongs
// to the view's id, and never stands beside the id of another view.
var governor = [rumFields]int{
	sessionID:     sessionID,
	userID:        sessionID,
	applicationID: applicationID,
	viewID:        viewID,
	viewName:      viewID,
	viewURL:       viewID,
	actionID:      actionID,
	actionName:    actionID,
	actionType:    actionID,
}

const (
	attrService = "service.name"
	attrSpan    = "span.name"
	// The tracers of Datadog put the W3C baggage of the request on the root.
	attrBaggageSession = "baggage.session.id"
	attrBaggageUser    = "baggage.user.id"
)

var defaultCopy = []string{attrService, attrSpan, "session.id", "user.id", "rum.view.*", "rum.action.*"}

// copySet says which attributes a log gains.
type copySet struct {
	service, span bool
	rum           [rumFields]bool
}

func newCopySet(names []string) (set copySet, err error) {
	for _, name := range names {
		switch name {
		case attrService:
			set.service = true
			continue
		case attrSpan:
			set.span = true
			continue
		}
		prefix, all := strings.CutSuffix(name, "*")
		found := false
		for i, rum := range rumNames {
			if rum == name || all && prefix != "" && strings.HasPrefix(rum, prefix) {
				set.rum[i], found = true, true
			}
		}
		if !found {
			return set, fmt.Errorf("logs::copy must name %s, %s or some of %v, got %q", attrService, attrSpan, rumNames, name)
		}
	}
	return set, nil
}

// readRUM collects the RUM fields of a span or log. user.id counts only beside
// a session or RUM field: alone it may mean anything.
func readRUM(attrs pcommon.Map, maxRunes int) (ctx rumContext, found bool) {
	for k, v := range attrs.All() {
		if len(k) < len("user.id") || v.Type() != pcommon.ValueTypeStr {
			continue
		}
		field := -1
		switch k {
		case "session.id", attrBaggageSession:
			field = sessionID
		case "user.id", attrBaggageUser:
			field = userID
		default:
			if !strings.HasPrefix(k, "rum.") {
				continue
			}
			for i := applicationID; i < rumFields; i++ {
				if rumNames[i] == k {
					field = i
				}
			}
		}
		if field < 0 || v.Str() == "" || len(k) > len(rumNames[field]) && ctx[field] != "" {
			continue // the span's own attribute beats its baggage
		}
		ctx[field] = cut(v.Str(), maxRunes)
		found = found || field != userID || k == attrBaggageUser
	}
	return ctx, found
}

// addRUM merges what one source says into the trace's entry. A field about
// which two sources disagree is nobody's, and so is what it governs: they stay
// empty for good, so that the order of arrival decides nothing. It returns how
// many disagreements came to light.
func (e *entry) addRUM(ctx *rumContext) (conflicts int64, grown int64) {
	var merged rumContext
	if e.rum != (unique.Handle[rumContext]{}) {
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
	return e.flags&(rumConflict<<field|rumConflict<<governor[field]) != 0
}

func (ctx *rumContext) bytes() (n int64) {
	if *ctx == (rumContext{}) {
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

// putRUM writes the wanted fields that attrs does not have yet, but none of a
// session, view or action other than attrs' own.
func putRUM(attrs pcommon.Map, ctx *rumContext, want *[rumFields]bool) {
	var foreign [rumFields]bool
	for i := range ctx {
		if governor[i] == i {
			own, ok := attrs.Get(rumNames[i])
			foreign[i] = ok && own.AsString() != ctx[i]
		}
	}
	for i, s := range ctx {
		if s != "" && want[i] && !foreign[governor[i]] {
			putAbsent(attrs, rumNames[i], s)
		}
	}
}

func putAbsent(attrs pcommon.Map, key, value string) {
	if v, had := attrs.GetOrPutEmpty(key); !had {
		v.SetStr(value)
	}
}

// cut returns s, or its first n runes.
func cut(s string, n int) string {
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
