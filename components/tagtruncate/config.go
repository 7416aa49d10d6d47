package tagtruncate

import "go.opentelemetry.io/collector/component"

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
	// Profile names the set of limits to start from, a file in profiles.
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
	cfg, err := profile(profileDefault)
	if err != nil {
		panic(err) // it is part of the program, and a test loads it
	}
	return &cfg
}
