package tagtruncate

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
)

// The closed sets of the string-valued keys.
const (
	unitRunes = "runes"
	unitBytes = "bytes"

	boundaryRune     = "rune"
	boundaryGrapheme = "grapheme"

	utf8Repair    = "repair"
	utf8RepairAll = "repair_all"
	utf8Keep      = "keep"

	actionTruncate = "truncate"
	actionDrop     = "drop"
	actionHash     = "hash"
)

// Config is what the user writes under processors::tag_truncate. A profile
// fills it first; every key given beside the profile replaces the profile's.
// In every limit 0 means no limit.
type Config struct {
	// Profile names the set of limits to start from, see profiles.go.
	Profile string `mapstructure:"profile"`
	// Unit of max_value, max_key, max_name and max_status_message: runes or bytes.
	Unit string `mapstructure:"unit"`
	// Boundary a cut ends on: rune, or grapheme to keep emoji and combining marks whole.
	Boundary string `mapstructure:"boundary"`
	// Marker is appended to a string value, name or body that was cut.
	Marker string `mapstructure:"marker"`
	// MarkerInside makes the marker count towards the limit.
	MarkerInside bool `mapstructure:"marker_inside"`
	// InvalidUTF8 is repair, where each invalid byte of a string that is cut
	// becomes U+FFFD; repair_all, the same for every string; or keep.
	InvalidUTF8 string `mapstructure:"invalid_utf8"`
	// Protected lists keys, with * as wildcard, whose values are never changed
	// and which are the last to go when there are too many attributes.
	Protected []string `mapstructure:"protected"`
	// ReportAttribute, when set, is the span attribute that lists the keys cut
	// or dropped on that span.
	ReportAttribute string `mapstructure:"report_attribute"`

	Resource  Limits      `mapstructure:"resource"`
	Scope     Limits      `mapstructure:"scope"`
	Span      SpanLimits  `mapstructure:"span"`
	Event     EventLimits `mapstructure:"event"`
	Link      Limits      `mapstructure:"link"`
	Log       LogLimits   `mapstructure:"log"`
	DataPoint Limits      `mapstructure:"data_point"`

	// Rules by attribute key, with * as wildcard. An exact key beats a wildcard
	// and protection; of two wildcards the one with more literal characters wins.
	Rules map[string]Rule `mapstructure:"rules"`
}

// Limits hold for one set of attributes.
type Limits struct {
	// MaxValue is the longest string value, in units, at any depth.
	MaxValue int `mapstructure:"max_value"`
	// MaxKey is the longest key, in units, at any depth.
	MaxKey int `mapstructure:"max_key"`
	// MaxAttributes is the largest number of attributes.
	MaxAttributes int `mapstructure:"max_attributes"`
	// MaxElements is the largest number of entries in an array or nested map.
	MaxElements int `mapstructure:"max_elements"`
	// MaxDepth is how many arrays and maps may be inside one another; what is
	// deeper becomes its JSON text.
	MaxDepth int `mapstructure:"max_depth"`
}

// SpanLimits are Limits and what only spans have.
type SpanLimits struct {
	Limits `mapstructure:",squash"`
	// MaxName is the longest span name, in units.
	MaxName int `mapstructure:"max_name"`
	// MaxStatusMessage is the longest status message, in units.
	MaxStatusMessage int `mapstructure:"max_status_message"`
	// MaxEvents is the largest number of events; the first ones stay.
	MaxEvents int `mapstructure:"max_events"`
	// MaxLinks is the largest number of links; the first ones stay.
	MaxLinks int `mapstructure:"max_links"`
}

// EventLimits are Limits and what only span events have.
type EventLimits struct {
	Limits `mapstructure:",squash"`
	// MaxName is the longest event name, in units.
	MaxName int `mapstructure:"max_name"`
}

// LogLimits are Limits and what only log records have.
type LogLimits struct {
	Limits `mapstructure:",squash"`
	// MaxBodyBytes is the longest string in a log body, in bytes whatever the
	// unit, because backends bound bodies by size.
	MaxBodyBytes int `mapstructure:"max_body_bytes"`
}

// Rule says what happens to the attributes whose key it matches. In YAML a
// bare number stands for {max_value: number}, null removes a profile's rule.
type Rule struct {
	// Action is truncate (default), drop, or hash: sha256: and 32 hex digits.
	Action string `mapstructure:"action"`
	// MaxValue replaces the scope's max_value; 0 leaves the scope's.
	MaxValue int `mapstructure:"max_value"`
	// StripQuery removes everything from the first ? on, before the limit is applied.
	StripQuery bool `mapstructure:"strip_query"`
}

func createDefaultConfig() component.Config {
	cfg := profiles[profileDefault]()
	return &cfg
}

var _ confmap.Unmarshaler = (*Config)(nil)

// Unmarshal fills c from the profile, then from `all`, then from the other keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	raw := conf.ToStringMap()
	if name, given := raw["profile"]; given && name != nil {
		profile, known := profiles[fmt.Sprint(name)]
		if !known {
			return fmt.Errorf("profile must be one of %v, got %q", profileNames(), name)
		}
		*c = profile()
	}
	if all, given := raw["all"]; given {
		limits, ok := all.(map[string]any)
		if !ok && all != nil {
			return fmt.Errorf("all must be a map of limits, got %v", all)
		}
		for _, scope := range c.everyLimits() {
			if err := confmap.NewFromStringMap(limits).Unmarshal(scope); err != nil {
				return fmt.Errorf("all: %w", err)
			}
		}
		delete(raw, "all")
	}
	if rules, ok := raw["rules"].(map[string]any); ok {
		for key, rule := range rules {
			switch rule := rule.(type) {
			case int:
				rules[key] = map[string]any{"max_value": rule}
			case nil:
				delete(rules, key)
				delete(c.Rules, key)
			}
		}
	}
	type plain Config // without this method, which would call itself
	return confmap.NewFromStringMap(raw).Unmarshal((*plain)(c))
}

func (c *Config) everyLimits() []*Limits {
	return []*Limits{
		&c.Resource, &c.Scope, &c.Span.Limits, &c.Event.Limits, &c.Link, &c.Log.Limits, &c.DataPoint,
	}
}

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
	slices.SortFunc(out[len(out)-len(c.Rules):], func(a, b namedLimit) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
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
