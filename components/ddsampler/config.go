package ddsampler

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/rates"
)

const (
	modeObey          = "obey"
	modeMark          = "mark"
	modeProbabilistic = "probabilistic"

	logsKeep   = "keep"
	logsFollow = "follow"
	logsMark   = "mark"
)

// Config is what the user writes under processors::dd_sampler.
type Config struct {
	// Mode is obey, mark, which drops nothing, or probabilistic, which applies undecided_rate to all traces whatever their priority.
	Mode string `mapstructure:"mode"`
	// UndecidedRate is the share of traces kept that nobody decided about: a number from 0 to 1, or a list of {env, rate}.
	UndecidedRate any `mapstructure:"undecided_rate"`
	// RateFromEnv names an environment variable whose number replaces undecided_rate.
	RateFromEnv string `mapstructure:"rate_from_env"`
	// KeepErrors is about how many traces with an error are kept a second that would be dropped.
	KeepErrors float64 `mapstructure:"keep_errors_per_second"`
	// KeepRare is how many traces of a rare shape are kept a second that would be dropped.
	KeepRare int `mapstructure:"keep_rare_per_second"`
	// Tracestate writes the ot member with the probability a trace was kept with.
	Tracestate bool `mapstructure:"tracestate"`
	// Logs is keep, follow, which drops the logs of dropped traces, or mark, which says so on the record.
	Logs string `mapstructure:"logs"`
	// Memory bounds what is remembered about traces.
	Memory MemoryConfig `mapstructure:"memory"`
}

// MemoryConfig bounds what is remembered about traces.
type MemoryConfig struct {
	// MaxEntries is how many traces are remembered at most.
	MaxEntries int `mapstructure:"max_entries"`
	// TTL is how long a trace is remembered after it was last seen.
	TTL time.Duration `mapstructure:"ttl"`
}

func createDefaultConfig() component.Config {
	return &Config{
		Mode:          modeObey,
		UndecidedRate: 1.0,
		Tracestate:    true,
		Logs:          logsKeep,
		Memory:        MemoryConfig{MaxEntries: 100_000, TTL: 5 * time.Minute},
	}
}

// Unmarshal implements confmap.Unmarshaler: undecided_rate is a number or a list, whichever the default is.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	if conf.IsSet("undecided_rate") {
		c.UndecidedRate = nil
	}
	return conf.Unmarshal(c)
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Mode != modeObey && c.Mode != modeMark && c.Mode != modeProbabilistic {
		refuse("mode must be %s, %s or %s, got %q", modeObey, modeMark, modeProbabilistic, c.Mode)
	}
	if _, err := rates.Parse(c.UndecidedRate); err != nil {
		refuse("undecided_rate%w", err)
	}
	if !(c.KeepErrors >= 0) || math.IsInf(c.KeepErrors, 0) {
		refuse("keep_errors_per_second must be a number from 0, got %v", c.KeepErrors)
	}
	if c.KeepRare < 0 {
		refuse("keep_rare_per_second must be at least 0, got %d", c.KeepRare)
	}
	if c.Logs != logsKeep && c.Logs != logsFollow && c.Logs != logsMark {
		refuse("logs must be %s, %s or %s, got %q", logsKeep, logsFollow, logsMark, c.Logs)
	}
	if c.Memory.MaxEntries < 2 {
		refuse("memory::max_entries must be at least 2, got %d", c.Memory.MaxEntries)
	}
	if c.Memory.TTL <= 0 {
		refuse("memory::ttl must be positive, got %s", c.Memory.TTL)
	}
	return errors.Join(errs...)
}

// table returns the rates that apply, those of the environment variable if it holds any.
func (c *Config) table(logger *zap.Logger) (rates.Table, error) {
	if c.RateFromEnv == "" {
		return rates.Parse(c.UndecidedRate)
	}
	text, set := os.LookupEnv(c.RateFromEnv)
	if !set {
		logger.Warn("environment variable is not set: undecided_rate applies", zap.String("rate_from_env", c.RateFromEnv))
		return rates.Parse(c.UndecidedRate)
	}
	rate, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(rate) || rate < 0 || rate > 1 {
		logger.Warn("environment variable is no number from 0 to 1: undecided_rate applies",
			zap.String("rate_from_env", c.RateFromEnv), zap.String("value", text[:min(len(text), 64)]))
		return rates.Parse(c.UndecidedRate)
	}
	return rates.Parse(rate)
}
