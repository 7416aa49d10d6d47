package rumlinkprocessor

import (
	"errors"
	"fmt"
	"slices"

	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/enrich"
	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

const maxKeys = 16

// Unmarshal implements confmap.Unmarshaler: it refuses keys of earlier versions
// with a sentence that says what took their place.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	for _, key := range []string{"ids::parse_attributes", "ids::parse_body"} {
		if conf.IsSet(key) {
			return fmt.Errorf("%s is gone: put the dd_propagation processor before rum_link, it reads ids from attributes and bodies in more spellings", key)
		}
	}
	return conf.Unmarshal(c)
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.Store.MaxEntries <= 0 {
		bad("store::max_entries must be positive, got %d", c.Store.MaxEntries)
	}
	if c.Store.MaxBytes < index.MinBytes {
		bad("store::max_bytes must be at least %d, got %d", int64(index.MinBytes), c.Store.MaxBytes)
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
	if c.Logs.WaitFor != waitIncomplete && c.Logs.WaitFor != waitUnknownSpan {
		bad("logs::wait_for must be incomplete or unknown_span, got %q", c.Logs.WaitFor)
	}
	if c.Logs.MaxWaitBytes <= 0 {
		bad("logs::max_wait_bytes must be positive, got %d", c.Logs.MaxWaitBytes)
	}
	if _, err := enrich.NewCopies(c.Logs.Copy); err != nil {
		errs = append(errs, err)
	}
	if c.Spans.Wait < 0 || c.Spans.Wait > c.Store.TTL {
		bad("spans::wait must be between 0 and store::ttl (%s), got %s", c.Store.TTL, c.Spans.Wait)
	}
	if c.Spans.MaxWaitBytes <= 0 {
		bad("spans::max_wait_bytes must be positive, got %d", c.Spans.MaxWaitBytes)
	}
	if _, ok := severityNumber(c.Spans.Events.MinSeverity); !ok {
		bad("spans::events::min_severity must be one of %v, got %q", index.Severities, c.Spans.Events.MinSeverity)
	}
	if n := c.Spans.Events.MaxPerSpan; n < 0 || n > enrich.MaxEvents {
		bad("spans::events::max_per_span must be between 0 and %d, got %d", enrich.MaxEvents, n)
	}
	if err := enrich.ValidPatterns(c.Spans.Events.EventNames); err != nil {
		errs = append(errs, err)
	}
	if c.MaxValueLength <= 0 {
		bad("max_value_length must be positive, got %d", c.MaxValueLength)
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
	i := slices.Index(index.Severities[:], name)
	return plog.SeverityNumber(4*i + 1), i >= 0
}
