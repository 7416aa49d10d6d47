package jsonlog

import (
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/component"
)

// Config is what the user writes under processors::json_log.
type Config struct {
	// MaxBytes is the longest line that is parsed, in bytes.
	MaxBytes int `mapstructure:"max_bytes"`
	// MaxDepth is how many objects and arrays may be inside one another, the line's own included.
	MaxDepth int `mapstructure:"max_depth"`
	// MaxValues is the largest number of values in a line, nested ones included.
	MaxValues int `mapstructure:"max_values"`
	// SourceKeys are where a line is looked for when the body is no string that
	// begins with {: entries of a map body first, then attributes.
	SourceKeys []string `mapstructure:"source_keys"`
	// BodyKeys are the keys whose text becomes the body; the first one found wins.
	BodyKeys []string `mapstructure:"body_keys"`
	// SeverityKeys are the keys that may hold the severity; the first one understood wins.
	SeverityKeys []string `mapstructure:"severity_keys"`
	// TimeKeys are the keys that may hold the time; the first one understood wins.
	TimeKeys []string `mapstructure:"time_keys"`
	// KeepOriginal keeps the line in the attribute log.record.original.
	KeepOriginal bool `mapstructure:"keep_original"`
	// SplitLines makes a record of each line of a body that is several JSON lines.
	SplitLines bool `mapstructure:"split_lines"`
	// Text says what is read of lines that are text.
	Text TextConfig `mapstructure:"text"`
}

// TextConfig says what is read of lines that are text and no JSON.
type TextConfig struct {
	// Severity reads the level in the places where loggers write it.
	Severity bool `mapstructure:"severity"`
	// Time reads the time at the beginning, if it has an offset.
	Time bool `mapstructure:"time"`
}

func createDefaultConfig() component.Config {
	return &Config{
		MaxBytes:     256 << 10,
		MaxDepth:     16,
		MaxValues:    512,
		SourceKeys:   []string{"log", "message"},
		BodyKeys:     []string{"message", "msg", "event"},
		SeverityKeys: []string{"level", "log_level", "severity", "levelname", "log.level"},
		TimeKeys:     []string{"timestamp", "time", "ts", "@timestamp"},
		KeepOriginal: true,
		SplitLines:   true,
		Text:         TextConfig{Severity: true, Time: true},
	}
}

// Validate checks every key and returns all that is wrong, not only the first.
func (c *Config) Validate() error {
	var errs []error
	for _, limit := range []struct {
		key string
		got int
	}{{"max_bytes", c.MaxBytes}, {"max_depth", c.MaxDepth}, {"max_values", c.MaxValues}} {
		if limit.got <= 0 {
			errs = append(errs, fmt.Errorf("%s must be positive, got %d", limit.key, limit.got))
		}
	}
	// The parser calls itself once per level.
	if c.MaxDepth > maxMaxDepth {
		errs = append(errs, fmt.Errorf("max_depth must be at most %d, got %d", maxMaxDepth, c.MaxDepth))
	}
	for _, list := range []struct {
		key  string
		keys []string
	}{
		{"source_keys", c.SourceKeys}, {"body_keys", c.BodyKeys},
		{"severity_keys", c.SeverityKeys}, {"time_keys", c.TimeKeys},
	} {
		for _, key := range list.keys {
			if key == "" {
				errs = append(errs, fmt.Errorf("%s must not hold an empty key", list.key))
			}
		}
	}
	return errors.Join(errs...)
}

// maxMaxDepth is what internal/json bounds nesting by.
const maxMaxDepth = 64
