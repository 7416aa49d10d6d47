package rumlinkprocessor

import (
	"time"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
)

// Config is what the user writes under processors::rum_link.
type Config struct {
	// Store bounds what is known about spans, traces and keys.
	Store StoreConfig `mapstructure:"store"`
	// IDs says what becomes of ids.
	IDs IDsConfig `mapstructure:"ids"`
	// Keys are business keys that a span and its logs have in common.
	Keys []KeyConfig `mapstructure:"keys"`
	// Logs says what a log gains and how long it may wait for its span.
	Logs LogsConfig `mapstructure:"logs"`
	// Spans says what a span gains and how long it waits for its logs.
	Spans SpansConfig `mapstructure:"spans"`
	// Storage is a storage extension that keeps waiting data through a crash.
	Storage *component.ID `mapstructure:"storage"`
	// MaxValueLength is the longest value, in runes, that is copied from one
	// signal to the other.
	MaxValueLength int `mapstructure:"max_value_length"`
}

// StoreConfig bounds the store.
type StoreConfig struct {
	// MaxEntries is how many spans, traces and keys are known at one time.
	MaxEntries int `mapstructure:"max_entries"`
	// MaxBytes is how much memory the store may take.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// TTL is how long after its last span an entry is used.
	TTL time.Duration `mapstructure:"ttl"`
	// OnFull is evict_oldest or drop_new.
	OnFull string `mapstructure:"on_full"`
	// Tenant keeps tenants apart.
	Tenant TenantConfig `mapstructure:"tenant"`
}

// TenantConfig says whose data it is.
type TenantConfig struct {
	// Key is the resource attribute that names the tenant; empty is one tenant.
	Key string `mapstructure:"key"`
	// MaxShare is the part of max_entries that one tenant may hold.
	MaxShare float64 `mapstructure:"max_share"`
}

// IDsConfig is about the ids on logs.
type IDsConfig struct {
	// Canonicalize writes the full 128-bit trace id on a log that has only the
	// low half, when exactly one such trace is known.
	Canonicalize bool `mapstructure:"canonicalize"`
}

// KeyConfig is one business key.
type KeyConfig struct {
	// Name says which key it was, in trace_link.key.
	Name string `mapstructure:"name"`
	// Span and Log are the attributes that hold it; the first present counts.
	Span []string `mapstructure:"span"`
	Log  []string `mapstructure:"log"`
	// Text leaves values in the type in which they came; else whole numbers leave
	// as integers, whether they came as integers, doubles or decimal text.
	Text bool `mapstructure:"text"`
	// Window is how long after its span a key is used; 0 is store.ttl.
	Window time.Duration `mapstructure:"window"`
	// Consume forgets the key once it has been used.
	Consume bool `mapstructure:"consume"`
}

// LogsConfig is about logs.
type LogsConfig struct {
	// Wait is how long a log is held back at most; 0 never.
	Wait time.Duration `mapstructure:"wait"`
	// WaitFor says which logs wait: incomplete or unknown_span.
	WaitFor string `mapstructure:"wait_for"`
	// MaxWaitBytes is how much may be held back, in bytes of OTLP.
	MaxWaitBytes int64 `mapstructure:"max_wait_bytes"`
	// Copy are the attributes that a log gains where it has none.
	Copy []string `mapstructure:"copy"`
	// MarkNoID writes trace_linked=false on logs with neither id nor key too.
	MarkNoID bool `mapstructure:"mark_no_id"`
}

// SpansConfig is about spans.
type SpansConfig struct {
	// Wait is how long every span is held back for its logs; 0 never.
	Wait time.Duration `mapstructure:"wait"`
	// MaxWaitBytes is how much may be held back, in bytes of OTLP.
	MaxWaitBytes int64 `mapstructure:"max_wait_bytes"`
	// Counts writes log.count, log.count.<severity> and log.has_errors.
	Counts bool `mapstructure:"counts"`
	// Events makes span events of logs.
	Events EventsConfig `mapstructure:"events"`
	// RUM writes the session, user, view and action of the trace.
	RUM bool `mapstructure:"rum"`
	// LinkOrphansBy names keys by which root spans are linked to the trace
	// that caused them.
	LinkOrphansBy []string `mapstructure:"link_orphans_by"`
}

// EventsConfig says which logs become span events.
type EventsConfig struct {
	// MinSeverity is the least severity: trace, debug, info, warn, error, fatal.
	MinSeverity string `mapstructure:"min_severity"`
	// EventNames are patterns (path.Match); a log whose event name matches
	// becomes an event whatever its severity.
	EventNames []string `mapstructure:"event_names"`
	// MaxPerSpan is how many events one span gains; 0 none.
	MaxPerSpan int `mapstructure:"max_per_span"`
}

const (
	evictOldest = "evict_oldest"
	dropNew     = "drop_new"

	// waitIncomplete holds logs back that lack what only a span can give: half of
	// their id, the trace of a business key, the name of their service.
	waitIncomplete = "incomplete"
	// waitUnknownSpan holds every log back whose span is not known.
	waitUnknownSpan = "unknown_span"
)

func createDefaultConfig() component.Config {
	return &Config{
		Store: StoreConfig{
			MaxEntries: 200_000,
			MaxBytes:   128 << 20,
			TTL:        5 * time.Minute,
			OnFull:     evictOldest,
			Tenant:     TenantConfig{MaxShare: 0.5},
		},
		IDs: IDsConfig{Canonicalize: true},
		Logs: LogsConfig{
			WaitFor:      waitIncomplete,
			MaxWaitBytes: 32 << 20,
			Copy:         []string{enrich.AttrService, enrich.AttrSpan, "session.id", "user.id", "account.id", "rum.view.*", "rum.action.*"},
			MarkNoID:     true,
		},
		Spans: SpansConfig{
			MaxWaitBytes: 32 << 20,
			Counts:       true,
			Events:       EventsConfig{MinSeverity: "error", MaxPerSpan: 8},
			RUM:          true,
		},
		MaxValueLength: 1024,
	}
}
