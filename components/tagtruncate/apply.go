package tagtruncate

import (
	"fmt"

	"go.opentelemetry.io/collector/confmap"
)

// apply fills c from `all`, then from the other keys.
func (c *Config) apply(raw map[string]any) error {
	if all, given := raw["all"]; given {
		limits, ok := all.(map[string]any)
		if !ok && all != nil {
			return fmt.Errorf("all must be a map of limits, got %v", all)
		}
		for _, scope := range c.everyLimits() {
			if err := confmap.NewFromStringMap(limits).Unmarshal(scope); err != nil {
				return fmt.Errorf("all: %w", err)
			}
		}
		delete(raw, "all")
	}
	if rules, ok := raw["rules"].(map[string]any); ok {
		for key, rule := range rules {
			switch rule := rule.(type) {
			case int:
				rules[key] = map[string]any{"max_value": rule}
			case nil:
				delete(rules, key)
				delete(c.Rules, key)
			}
		}
	}
	type plain Config // without this method, which would call itself
	return confmap.NewFromStringMap(raw).Unmarshal((*plain)(c))
}

func (c *Config) everyLimits() []*Limits {
	return []*Limits{
		&c.Resource, &c.Scope, &c.Span.Limits, &c.Event.Limits, &c.Link, &c.Log.Limits, &c.DataPoint,
	}
}
