package rumlinkprocessor

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Config is what the user writes under processors::rum_link.
type Config struct {
	// Store bounds what is known about spans, traces and keys.
	Store StoreConfig `mapstructure:"store"`
	// IDs says where trace and span ids are looked for.
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

	// shared is what all pipelines with this processor id have in common. The
	// collector gives every instance of one id the same Config.
	shared *shared
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

// IDsConfig says where ids come from besides the record's own fields.
type IDsConfig struct {
	// ParseAttributes reads ids from a log's attributes when its trace id is
	// not set. Leave it off behind dd_propagation.
	ParseAttributes bool `mapstructure:"parse_attributes"`
	// ParseBody reads ids from a log's body, JSON or text, likewise.
	ParseBody bool `mapstructure:"parse_body"`
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
	// Window is how long after its span a key is used; 0 is store.ttl.
	Window time.Duration `mapstructure:"window"`
	// Consume forgets the key once it has been used.
	Consume bool `mapstructure:"consume"`
}

// LogsConfig is about logs.
type LogsConfig struct {
	// Wait is how long a log without its span is held back; 0 never.
	Wait time.Duration `mapstructure:"wait"`
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
)

// severities in the order of OTLP: number n is severities[(n-1)/4].
var severities = [...]string{"trace", "debug", "info", "warn", "error", "fatal"}

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
			MaxWaitBytes: 32 << 20,
			Copy:         slices.Clone(defaultCopy),
			MarkNoID:     true,
		},
		Spans: SpansConfig{
			MaxWaitBytes: 32 << 20,
			Counts:       true,
			Events:       EventsConfig{MinSeverity: "error", MaxPerSpan: 8},
			RUM:          true,
		},
		MaxValueLength: 1024,
		shared:         new(shared),
	}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Store.MaxEntries <= 0 {
		bad("store::max_entries must be positive, got %d", c.Store.MaxEntries)
	}
	if c.Store.MaxBytes < minStoreBytes {
		bad("store::max_bytes must be at least %d, got %d", int64(minStoreBytes), c.Store.MaxBytes)
	}
	if c.Store.TTL <= 0 {
		bad("store::ttl must be positive, got %s", c.Store.TTL)
	}
	if c.Store.OnFull != evictOldest && c.Store.OnFull != dropNew {
		bad("store::on_full must be evict_oldest or drop_new, got %q", c.Store.OnFull)
	}
	if s := c.Store.Tenant.MaxShare; !(s > 0 && s <= 1) {
		bad("store::tenant::max_share must be above 0 and at most 1, got %v", s)
	}
	errs = append(errs, c.validateKeys()...)
	if c.Logs.Wait < 0 || c.Logs.Wait > c.Store.TTL {
		bad("logs::wait must be between 0 and store::ttl (%s), got %s", c.Store.TTL, c.Logs.Wait)
	}
	if c.Logs.MaxWaitBytes <= 0 {
		bad("logs::max_wait_bytes must be positive, got %d", c.Logs.MaxWaitBytes)
	}
	if _, err := newCopySet(c.Logs.Copy); err != nil {
		errs = append(errs, err)
	}
	if c.Spans.Wait < 0 || c.Spans.Wait > c.Store.TTL {
		bad("spans::wait must be between 0 and store::ttl (%s), got %s", c.Store.TTL, c.Spans.Wait)
	}
	if c.Spans.MaxWaitBytes <= 0 {
		bad("spans::max_wait_bytes must be positive, got %d", c.Spans.MaxWaitBytes)
	}
	if _, ok := severityNumber(c.Spans.Events.MinSeverity); !ok {
		bad("spans::events::min_severity must be one of %v, got %q", severities, c.Spans.Events.MinSeverity)
	}
	if n := c.Spans.Events.MaxPerSpan; n < 0 || n > maxEventsPerSpan {
		bad("spans::events::max_per_span must be between 0 and %d, got %d", maxEventsPerSpan, n)
	}
	if err := validPatterns(c.Spans.Events.EventNames); err != nil {
		errs = append(errs, err)
	}
	if c.MaxValueLength <= 0 {
		bad("max_value_length must be positive, got %d", c.MaxValueLength)
	}
	if c.Storage != nil && c.Logs.Wait == 0 && c.Spans.Wait == 0 {
		bad("storage is set to %s, but neither logs::wait nor spans::wait is", c.Storage)
	}
	return errors.Join(errs...)
}

func (c *Config) validateKeys() (errs []error) {
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Keys) > maxKeys {
		bad("keys must be at most %d, got %d", maxKeys, len(c.Keys))
	}
	names := make(map[string]bool)
	for i, k := range c.Keys {
		switch {
		case k.Name == "":
			bad("keys::%d::name must not be empty", i)
		case names[k.Name]:
			bad("keys::%d::name must be unique, got %q twice", i, k.Name)
		}
		names[k.Name] = true
		if len(k.Span) == 0 {
			bad("keys::%d::span must name at least one attribute", i)
		}
		if k.Window < 0 || k.Window > c.Store.TTL {
			bad("keys::%d::window must be between 0 and store::ttl (%s), got %s", i, c.Store.TTL, k.Window)
		}
	}
	for _, name := range c.Spans.LinkOrphansBy {
		if !names[name] {
			bad("spans::link_orphans_by must name keys, got %q", name)
		}
	}
	return errs
}

// severityNumber returns the first severity of a name.
func severityNumber(name string) (plog.SeverityNumber, bool) {
	i := slices.Index(severities[:], name)
	return plog.SeverityNumber(4*i + 1), i >= 0
}
