package tagtruncate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Validate checks every key and returns all that is wrong, not only the first.
func (c *Config) Validate() error {
	errs := []error{
		oneOf("unit", c.Unit, unitRunes, unitBytes),
		oneOf("boundary", c.Boundary, boundaryRune, boundaryGrapheme),
		oneOf("invalid_utf8", c.InvalidUTF8, utf8Repair, utf8RepairAll, utf8Keep),
	}
	if !utf8.ValidString(c.Marker) {
		errs = append(errs, fmt.Errorf("marker must be valid UTF-8, got %q", c.Marker))
	}
	for _, l := range c.named() {
		if l.limit < 0 {
			errs = append(errs, fmt.Errorf("%s must not be negative, got %d", l.name, l.limit))
		} else if l.limit > maxLimit {
			errs = append(errs, fmt.Errorf("%s must be at most %d (0 is no limit), got %d", l.name, maxLimit, l.limit))
		} else if size := c.markerSize(l.inBytes); l.marked && c.MarkerInside && l.limit > 0 && l.limit <= size {
			unit := c.Unit
			if l.inBytes {
				unit = unitBytes
			}
			errs = append(errs, fmt.Errorf("%s must exceed the marker's %d %s while marker_inside is true, got %d",
				l.name, size, unit, l.limit))
		}
	}
	for _, key := range c.Protected {
		if key == "" {
			errs = append(errs, errors.New("protected must not hold an empty key"))
		}
	}
	for key, rule := range c.Rules {
		if key == "" {
			errs = append(errs, errors.New("rules must not hold an empty key"))
		}
		if rule.Action != "" {
			errs = append(errs, oneOf("rules::"+key+"::action", rule.Action, actionTruncate, actionDrop, actionHash))
		}
		if (rule.Action == actionDrop || rule.Action == actionHash) && rule.StripQuery {
			errs = append(errs, fmt.Errorf("rules::%s::strip_query goes with action truncate only, got %q", key, rule.Action))
		}
	}
	return errors.Join(errs...)
}

// maxLimit leaves room to add a few units to any limit.
const maxLimit = 1 << 30

// namedLimit is one number of the configuration under the name users know.
type namedLimit struct {
	name    string
	limit   int
	marked  bool // strings under this limit get the marker
	inBytes bool
}

// named lists every number a user may set.
func (c *Config) named() []namedLimit {
	var out []namedLimit
	scopes := []string{"resource", "scope", "span", "event", "link", "log", "data_point"}
	for i, l := range c.everyLimits() {
		out = append(out,
			namedLimit{name: scopes[i] + "::max_value", limit: l.MaxValue, marked: true},
			namedLimit{name: scopes[i] + "::max_key", limit: l.MaxKey},
			namedLimit{name: scopes[i] + "::max_attributes", limit: l.MaxAttributes},
			namedLimit{name: scopes[i] + "::max_elements", limit: l.MaxElements},
			namedLimit{name: scopes[i] + "::max_depth", limit: l.MaxDepth})
	}
	for key, rule := range c.Rules {
		out = append(out, namedLimit{name: "rules::" + key + "::max_value", limit: rule.MaxValue, marked: true})
	}
	slices.SortFunc(out[len(out)-len(c.Rules):], func(a, b namedLimit) int { return strings.Compare(a.name, b.name) })
	return append(out,
		namedLimit{name: "span::max_name", limit: c.Span.MaxName, marked: true},
		namedLimit{name: "span::max_status_message", limit: c.Span.MaxStatusMessage, marked: true},
		namedLimit{name: "span::max_events", limit: c.Span.MaxEvents},
		namedLimit{name: "span::max_links", limit: c.Span.MaxLinks},
		namedLimit{name: "event::max_name", limit: c.Event.MaxName, marked: true},
		namedLimit{name: "log::max_body_bytes", limit: c.Log.MaxBodyBytes, marked: true, inBytes: true})
}

func (c *Config) markerSize(inBytes bool) int {
	if inBytes || c.Unit == unitBytes {
		return len(c.Marker)
	}
	return utf8.RuneCountInString(c.Marker)
}

func oneOf(key, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return fmt.Errorf("%s must be one of %v, got %q", key, allowed, got)
}
