package datadogrumreceiver

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

var (
	trackName = regexp.MustCompile(`^[a-z]{1,32}$`)
	siteName  = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)
)

// Validate implements component validation.
func (c *Config) Validate() error {
	return errors.Join(
		c.validatePaths(),
		c.validateProxies(),
		c.validateBounds(),
		convert.ValidReplayURL(c.SessionReplayURL),
		oneOf("actions::span", c.Actions.Span, action.SpanPerTrace, action.SpanSeparate),
		oneOf("resources::untraced", c.Resources.Untraced, "event", "drop"),
		oneOf("raw", string(c.Raw), string(convert.RawKeep), string(convert.RawMinimal), string(convert.RawDrop)),
		oneOf("vitals::temporality", c.Vitals.Temporality, vitals.Cumulative, vitals.Delta),
		oneOf("privacy::client_ip", c.Privacy.ClientIP, "drop", "truncate", "keep"),
		oneOf("privacy::url_query", c.Privacy.URLQuery, "redact", "drop", "keep"),
		oneOf("privacy::user::id", c.Privacy.User.ID, "keep", "drop"),
		oneOf("privacy::user::name", c.Privacy.User.Name, "keep", "drop"),
		oneOf("privacy::user::email", c.Privacy.User.Email, "keep", "drop"),
		oneOf("privacy::user::anonymous_id", c.Privacy.User.AnonymousID, "keep", "drop"),
		oneOf("privacy::user::other", c.Privacy.User.Other, "keep", "drop"),
		validGlobs("actions::allow", c.Actions.Allow),
		validGlobs("actions::deny", c.Actions.Deny),
		validGlobs("privacy::context_deny", c.Privacy.ContextDeny),
		validPassthrough(&c.Passthrough, c.MaxRequestBodySize),
	)
}

func (c *Config) validatePaths() error {
	owner := map[string]string{}
	for track, paths := range c.Paths {
		if !trackName.MatchString(track) {
			return fmt.Errorf("paths must name tracks in lower-case letters, got %q", track)
		}
		for _, path := range paths {
			if !strings.HasPrefix(path, "/") {
				return fmt.Errorf("paths::%s must begin with /, got %q", track, path)
			}
			if other, taken := owner[path]; taken && other != track {
				return fmt.Errorf("paths must give a path to one track, got %q for both %s and %s", path, min(other, track), max(other, track))
			}
			owner[path] = track
		}
	}
	return nil
}

func (c *Config) validateProxies() error {
	for _, network := range c.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			return fmt.Errorf("trusted_proxies must be networks such as 10.0.0.0/8, got %q", network)
		}
	}
	for token := range c.ClientTokens {
		if token == "" {
			return errors.New("client_tokens must not hold an empty token")
		}
	}
	return nil
}

func (c *Config) validateBounds() error {
	return errors.Join(
		positive("actions::wait", c.Actions.Wait),
		positive("actions::missing", c.Actions.Missing),
		positive("actions::remember", c.Actions.Remember),
		positive("views::coalesce", c.Views.Coalesce),
		positive("views::settle", c.Views.Settle),
		positive("views::idle", c.Views.Idle),
		positive("sessions::idle", c.Sessions.Idle),
		positive("sessions::max_held", c.Sessions.MaxHeld),
		positive("skew::threshold", c.Skew.Threshold),
		positive("max_event_age", c.MaxEventAge),
		positive("dedupe::ttl", c.Dedupe.TTL),
		positive("source_maps::max_cached_bytes", c.SourceMaps.MaxCachedBytes),
		positive("max_event_bytes", c.MaxEventBytes),
		positive("max_request_body_size", c.MaxRequestBodySize),
		positive("rate_limit::max_keys", c.RateLimit.MaxKeys),
		positive("actions::max_held", c.Actions.MaxHeld),
		positive("actions::max_held_bytes", c.Actions.MaxHeldBytes),
		positive("views::max_held", c.Views.MaxHeld),
		positive("views::max_held_bytes", c.Views.MaxHeldBytes),
		positive("dedupe::max_events", c.Dedupe.MaxEvents),
		positive("dedupe::max_bodies", c.Dedupe.MaxBodies),
		notNegative("rate_limit::per_token", c.RateLimit.PerToken),
		notNegative("rate_limit::per_ip", c.RateLimit.PerIP),
		notNegative("actions::per_session", c.Actions.PerSession),
		c.validateRelations(),
	)
}

// validateRelations checks what depends on more than one value.
func (c *Config) validateRelations() error {
	if c.InferActions.Before < 0 || c.InferActions.After < 0 || c.InferActions.Effect < 0 {
		return fmt.Errorf("infer_actions windows must not be negative, got before %s, after %s, effect %s",
			c.InferActions.Before, c.InferActions.After, c.InferActions.Effect)
	}
	if c.Actions.Remember < c.Actions.Missing || c.Actions.Remember < c.Actions.Wait {
		return fmt.Errorf("actions::remember must be at least actions::wait and actions::missing, got %s", c.Actions.Remember)
	}
	return nil
}

func validPassthrough(p *intake.PassthroughConfig, largest int64) error {
	if !p.Enabled {
		return nil
	}
	if p.Endpoint == "" && !siteName.MatchString(p.Site) {
		return fmt.Errorf("datadog_passthrough::site must be a Datadog site such as datadoghq.eu, got %q", p.Site)
	}
	if p.Endpoint != "" {
		u, err := url.Parse(p.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" {
			return fmt.Errorf("datadog_passthrough::endpoint must be a scheme and host such as https://proxy.example, got %q", p.Endpoint)
		}
	}
	for _, track := range p.Tracks {
		if !trackName.MatchString(track) {
			return fmt.Errorf("datadog_passthrough::tracks must be track names in lower-case letters, got %q", track)
		}
	}
	if len(p.Tracks) == 0 {
		return errors.New("datadog_passthrough::tracks must name a track when the pass-through is enabled")
	}
	if int64(p.QueueBytes) < largest {
		return fmt.Errorf("datadog_passthrough::queue_bytes must be at least max_request_body_size, got %d", p.QueueBytes)
	}
	if p.Timeout <= 0 || p.MaxElapsed <= 0 {
		return fmt.Errorf("datadog_passthrough::timeout and max_elapsed must be positive, got %s and %s", p.Timeout, p.MaxElapsed)
	}
	return oneOf("datadog_passthrough::mode", p.Mode, "sync", "async")
}

func validGlobs(key string, patterns []string) error {
	if _, err := event.CompileGlobs(patterns, false); err != nil {
		return fmt.Errorf("%s must be globs, %w", key, err)
	}
	return nil
}

func oneOf(key, got string, want ...string) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s must be %s or %s, got %q", key, strings.Join(want[:len(want)-1], ", "), want[len(want)-1], got)
}

func positive[T int | int64 | time.Duration](key string, got T) error {
	if got > 0 {
		return nil
	}
	return fmt.Errorf("%s must be positive, got %v", key, got)
}

func notNegative(key string, got float64) error {
	if got >= 0 { // NaN is not
		return nil
	}
	return fmt.Errorf("%s must not be negative, got %v", key, got)
}
