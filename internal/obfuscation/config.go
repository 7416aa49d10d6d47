package obfuscation

import (
	"errors"
	"fmt"
)

// SQLMode is how SQL is rewritten.
type SQLMode string

// The modes. Agent is the Datadog Agent's default; the others are named as there.
const (
	Agent                 SQLMode = "agent"
	ObfuscateAndNormalize SQLMode = "obfuscate_and_normalize"
	ObfuscateOnly         SQLMode = "obfuscate_only"
	Off                   SQLMode = "off"
)

// Config is what is obfuscated and how. The keys are the Agent's.
type Config struct {
	// SQL is how statements of SQL databases are rewritten.
	SQL SQLConfig `mapstructure:"sql"`
	// Redis is what becomes of Redis commands. Resource names are reduced to the command's name in any case.
	Redis RedisConfig `mapstructure:"redis"`
	// Valkey is what becomes of Valkey commands.
	Valkey RedisConfig `mapstructure:"valkey"`
	// Memcached is what becomes of Memcached commands.
	Memcached MemcachedConfig `mapstructure:"memcached"`
	// MongoDB is what becomes of MongoDB queries.
	MongoDB JSONConfig `mapstructure:"mongodb"`
	// Elasticsearch is what becomes of Elasticsearch bodies.
	Elasticsearch JSONConfig `mapstructure:"elasticsearch"`
	// OpenSearch is what becomes of OpenSearch bodies.
	OpenSearch JSONConfig `mapstructure:"opensearch"`
	// HTTP is what is removed from URLs, besides user names, passwords and the values of parameters that are keys.
	HTTP HTTPConfig `mapstructure:"http"`
	// CreditCards is which attributes may hold card numbers.
	CreditCards CardsConfig `mapstructure:"credit_cards"`
	// MaxTextBytes is how much of a text is read; the rest is cut off.
	MaxTextBytes int `mapstructure:"max_text_bytes"`
	// CacheBytes bounds the texts that are remembered with what became of them.
	CacheBytes int `mapstructure:"cache_bytes"`
}

// SQLConfig is how statements are rewritten.
type SQLConfig struct {
	// Mode is agent, obfuscate_and_normalize, obfuscate_only or off.
	Mode       SQLMode `mapstructure:"mode"`
	SQLOptions `mapstructure:",squash"`
	// PerSystem replaces the options for one database system.
	PerSystem map[string]SQLOptions `mapstructure:"per_system"`
}

// SQLOptions are what stays readable in a statement.
type SQLOptions struct {
	// ReplaceDigits replaces digits in the names of tables and columns.
	ReplaceDigits bool `mapstructure:"replace_digits"`
	// KeepAlias keeps AS aliases.
	KeepAlias bool `mapstructure:"keep_alias"`
	// DollarQuotedFunc keeps the text between $func$ marks, obfuscated as SQL.
	DollarQuotedFunc bool `mapstructure:"dollar_quoted_func"`
	// KeepNull keeps NULL; not in mode agent.
	KeepNull bool `mapstructure:"keep_null"`
	// KeepBoolean keeps TRUE and FALSE; not in mode agent.
	KeepBoolean bool `mapstructure:"keep_boolean"`
	// KeepJSONPath keeps what follows -> and ->>; not in mode agent.
	KeepJSONPath bool `mapstructure:"keep_json_path"`
}

// RedisConfig is what becomes of commands.
type RedisConfig struct {
	// Enabled obfuscates the arguments of commands.
	Enabled bool `mapstructure:"enabled"`
	// RemoveAllArgs replaces all arguments of a command by one `?`.
	RemoveAllArgs bool `mapstructure:"remove_all_args"`
}

// MemcachedConfig is what becomes of commands.
type MemcachedConfig struct {
	// Enabled removes commands.
	Enabled bool `mapstructure:"enabled"`
	// KeepCommand removes only the value that follows a command.
	KeepCommand bool `mapstructure:"keep_command"`
}

// JSONConfig is what becomes of queries that are JSON.
type JSONConfig struct {
	// Enabled replaces the values.
	Enabled bool `mapstructure:"enabled"`
	// KeepValues are keys whose values stay.
	KeepValues []string `mapstructure:"keep_values"`
	// ObfuscateSQLValues are keys whose values are SQL.
	ObfuscateSQLValues []string `mapstructure:"obfuscate_sql_values"`
}

// HTTPConfig is what is removed from URLs.
type HTTPConfig struct {
	// RemoveQueryString removes what follows the `?`.
	RemoveQueryString bool `mapstructure:"remove_query_string"`
	// RemovePathsWithDigits replaces path segments with a digit in them.
	RemovePathsWithDigits bool `mapstructure:"remove_paths_with_digits"`
}

// CardsConfig is which attributes may hold card numbers.
type CardsConfig struct {
	// Enabled replaces values that are card numbers.
	Enabled bool `mapstructure:"enabled"`
	// Luhn asks for the right check digit too.
	Luhn bool `mapstructure:"luhn"`
	// KeepValues are attributes that stay whatever they look like.
	KeepValues []string `mapstructure:"keep_values"`
}

// DefaultConfig is the Datadog Agent's.
func DefaultConfig() Config {
	return Config{
		SQL:           SQLConfig{Mode: Agent},
		Redis:         RedisConfig{Enabled: true},
		Valkey:        RedisConfig{Enabled: true},
		Memcached:     MemcachedConfig{Enabled: true},
		MongoDB:       JSONConfig{Enabled: true},
		Elasticsearch: JSONConfig{Enabled: true},
		OpenSearch:    JSONConfig{Enabled: true},
		CreditCards:   CardsConfig{Enabled: true},
		MaxTextBytes:  65_536,
		CacheBytes:    5_000_000,
	}
}

// Check is for whoever embeds a Config: it says the key, the rule and what was got.
func (c *Config) Check() error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.SQL.Mode {
	case Agent, ObfuscateAndNormalize, ObfuscateOnly, Off:
	default:
		refuse("sql::mode must be %s, %s, %s or %s, got %q", Agent, ObfuscateAndNormalize, ObfuscateOnly, Off, c.SQL.Mode)
	}
	for name := range c.SQL.PerSystem {
		if SystemOf(name) != SQL {
			refuse("sql::per_system: %q is no SQL database", name)
		}
	}
	if c.MaxTextBytes < 256 {
		refuse("max_text_bytes must be at least 256, got %d", c.MaxTextBytes)
	}
	if c.CacheBytes < 0 {
		refuse("cache_bytes must not be negative, got %d", c.CacheBytes)
	}
	return errors.Join(errs...)
}
