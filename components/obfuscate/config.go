package obfuscate

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/replace"
	"github.com/otelcol-obs/otelcol-obs/components/obfuscate/internal/roots"
	"github.com/otelcol-obs/otelcol-obs/internal/obfuscation"
)

// Config is what the user writes under processors::obfuscate.
type Config struct {
	obfuscation.Config `mapstructure:",squash"`

	// ReplaceTags are regular expressions applied to attributes after everything else, in order.
	ReplaceTags []ReplaceRule `mapstructure:"replace_tags"`
	// RemoveStackTraces replaces stack traces by `?`.
	RemoveStackTraces bool `mapstructure:"remove_stack_traces"`
	// FilterTags drops traces by the attributes of their local root: `key:value`, or `key` for any value.
	FilterTags FilterConfig `mapstructure:"filter_tags"`
	// FilterTagsRegex is filter_tags with values that are regular expressions.
	FilterTagsRegex FilterConfig `mapstructure:"filter_tags_regex"`
	// IgnoreResources drops traces whose local root has a resource name that one of these regular expressions matches.
	IgnoreResources csvList `mapstructure:"ignore_resources"`
	// Mark writes on resources that this processor has seen them, for a gateway that skips those.
	Mark bool `mapstructure:"mark"`
	// SkipMarked passes on what another collector has marked, without its mark.
	SkipMarked bool `mapstructure:"skip_marked"`
}

// ReplaceRule is one regular expression.
type ReplaceRule struct {
	// Name is the attribute; `*` is all that do not begin with `_`, and `resource.name` the resource, which is the span's name where there is none.
	Name string `mapstructure:"name"`
	// Pattern is what is looked for, in RE2's syntax.
	Pattern string `mapstructure:"pattern"`
	// Repl replaces what was found; ${1} is its first group.
	Repl string `mapstructure:"repl"`
	// Logs applies the rule to attributes of log records too, and under `*` to bodies that are text.
	Logs bool `mapstructure:"logs"`
}

// FilterConfig is which traces stay.
type FilterConfig struct {
	// Require drops traces whose local root lacks one of these.
	Require blankList `mapstructure:"require"`
	// Reject drops traces whose local root has one of these.
	Reject blankList `mapstructure:"reject"`
}

// blankList is a list, or one text with blanks or JSON as the Agent's environment variables have it.
type blankList []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *blankList) UnmarshalText(text []byte) error {
	*l = nil
	if len(text) > 0 && text[0] == '[' {
		return json.Unmarshal(text, (*[]string)(l))
	}
	*l = strings.Fields(string(text))
	return nil
}

// csvList is a list, or one text with commas as the Agent's environment variables have it.
type csvList []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *csvList) UnmarshalText(text []byte) error {
	*l = nil
	if len(text) == 0 {
		return nil
	}
	r := csv.NewReader(strings.NewReader(string(text)))
	r.TrimLeadingSpace, r.LazyQuotes = true, true
	fields, err := r.Read()
	*l = fields
	return err
}

func createDefaultConfig() component.Config { return &Config{Config: obfuscation.DefaultConfig()} }

// Validate implements component validation.
func (c *Config) Validate() error {
	_, errRules := c.rules()
	_, errFilter := c.filter()
	return errors.Join(c.Check(), errRules, errFilter)
}

func (c *Config) rules() (*replace.Rules, error) {
	var errs []error
	rules := replace.New()
	for i, r := range c.ReplaceTags {
		pattern, err := regexp.Compile(r.Pattern)
		switch {
		case r.Name == "":
			errs = append(errs, fmt.Errorf("replace_tags::%d::name must be an attribute, resource.name or *, got %q", i, r.Name))
		case r.Pattern == "":
			errs = append(errs, fmt.Errorf("replace_tags::%d::pattern must be a regular expression, got %q", i, r.Pattern))
		case err != nil:
			errs = append(errs, fmt.Errorf("replace_tags::%d::pattern must be a regular expression, got %q: %w", i, r.Pattern, err))
		default:
			rules.Add(r.Name, pattern, r.Repl, r.Logs)
		}
	}
	return rules, errors.Join(errs...)
}

func (c *Config) filter() (*roots.Filter, error) {
	var errs []error
	f := &roots.Filter{}
	for i, text := range c.IgnoreResources {
		pattern, err := regexp.Compile(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("ignore_resources::%d must be a regular expression, got %q: %w", i, text, err))
			continue
		}
		f.IgnoreResources = append(f.IgnoreResources, pattern)
	}
	tags := func(key string, list []string, regex bool, to *[]roots.Tag) {
		for i, text := range list {
			name, value, hasValue := strings.Cut(text, ":")
			tag := roots.Tag{Key: strings.TrimSpace(name), Value: strings.TrimSpace(value)}
			if tag.Key == "" {
				errs = append(errs, fmt.Errorf("%s::%d must be key or key:value, got %q", key, i, text))
				continue
			}
			if regex && hasValue {
				pattern, err := regexp.Compile(tag.Value)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s::%d must have a regular expression as value, got %q: %w", key, i, text, err))
					continue
				}
				tag.Value, tag.Pattern = "", pattern
			}
			*to = append(*to, tag)
		}
	}
	tags("filter_tags::require", c.FilterTags.Require, false, &f.Require)
	tags("filter_tags::reject", c.FilterTags.Reject, false, &f.Reject)
	tags("filter_tags_regex::require", c.FilterTagsRegex.Require, true, &f.Require)
	tags("filter_tags_regex::reject", c.FilterTagsRegex.Reject, true, &f.Reject)
	return f, errors.Join(errs...)
}
