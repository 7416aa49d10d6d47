package rumlinkprocessor

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.yaml.in/yaml/v3"
)

func TestConfigStructIsWellFormed(t *testing.T) {
	require.NoError(t, componenttest.CheckConfigStruct(createDefaultConfig()))
	require.NoError(t, createDefaultConfig().(*Config).Validate())
}

// Every wrong value is refused at start, by its key, with the rule and what was got.
func TestWrongConfigurationsAreNamed(t *testing.T) {
	for config, want := range map[string]string{
		`store: {max_entries: 0}`:                               "store::max_entries must be positive, got 0",
		`store: {max_bytes: 1000}`:                              "store::max_bytes must be at least 1048576, got 1000",
		`store: {ttl: 0s}`:                                      "store::ttl must be positive, got 0s",
		`store: {on_full: explode}`:                             `store::on_full must be evict_oldest or drop_new, got "explode"`,
		`store: {tenant: {max_share: 1.5}}`:                     "store::tenant::max_share must be above 0 and at most 1, got 1.5",
		`store: {tenant: {max_share: .nan}}`:                    "store::tenant::max_share must be above 0 and at most 1, got NaN",
		`keys: [{span: [a]}]`:                                   "keys::0::name must not be empty",
		`keys: [{name: a, span: [a]}, {name: a, span: [b]}]`:    `keys::1::name must be unique, got "a" twice`,
		`keys: [{name: a}]`:                                     "keys::0::span must name at least one attribute",
		`keys: [{name: a, span: [a], window: 6m}]`:              "keys::0::window must be between 0 and store::ttl (5m0s), got 6m0s",
		`logs: {wait: 6m}`:                                      "logs::wait must be between 0 and store::ttl (5m0s), got 6m0s",
		`logs: {wait_for: godot}`:                               `logs::wait_for must be incomplete or unknown_span, got "godot"`,
		`logs: {max_wait_bytes: -1}`:                            "logs::max_wait_bytes must be positive, got -1",
		`logs: {copy: [rum.vew.*]}`:                             "logs::copy must name service.name, span.name or some of [session.id user.id account.id rum.application.id rum.view.id rum.view.name rum.view.url rum.action.id rum.action.name rum.action.type], got \"rum.vew.*\"",
		`spans: {wait: -1s}`:                                    "spans::wait must be between 0 and store::ttl (5m0s), got -1s",
		`spans: {max_wait_bytes: 0}`:                            "spans::max_wait_bytes must be positive, got 0",
		`spans: {events: {min_severity: loud}}`:                 `spans::events::min_severity must be one of [trace debug info warn error fatal], got "loud"`,
		`spans: {events: {max_per_span: 1000}}`:                 "spans::events::max_per_span must be between 0 and 128, got 1000",
		`spans: {events: {event_names: ["["]}}`:                 `spans::events::event_names must hold patterns, got "[": syntax error in pattern`,
		`spans: {link_orphans_by: [staged_id]}`:                 `spans::link_orphans_by must name keys, got "staged_id"`,
		`max_value_length: 0`:                                   "max_value_length must be positive, got 0",
		`{store: {max_entries: -1}, max_value_length: -1}`:      "store::max_entries must be positive, got -1\nmax_value_length must be positive, got -1",
		`{logs: {wait: 1s}, storage: x, store: {max_bytes: 0}}`: "store::max_bytes must be at least 1048576, got 0",
	} {
		var raw map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(config), &raw), config)
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, confmap.NewFromStringMap(raw).Unmarshal(cfg), config)
		require.EqualError(t, cfg.Validate(), want, config)
	}
}

func TestKeysOfEarlierVersionsAreRefusedWithWhatTookTheirPlace(t *testing.T) {
	for _, key := range []string{"ids::parse_attributes", "ids::parse_body"} {
		conf := confmap.NewFromStringMap(map[string]any{key: true})
		err := conf.Unmarshal(createDefaultConfig())
		require.ErrorContains(t, err, key+" is gone: put the dd_propagation processor before rum_link, it reads ids from attributes and bodies in more spellings")
	}
}
