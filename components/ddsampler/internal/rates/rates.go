// Package rates is the table of sampling rates by environment.
package rates

import (
	"fmt"
	"math"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxEntries bounds the list; a table longer than this is a mistake.
const maxEntries = 1000

// Table answers which rate applies to an environment.
type Table struct {
	byEnv    map[string]float64
	fallback float64
}

// Parse reads a number, or a list of {env, rate} in which an empty env means any. Errors say what follows the name of the key.
func Parse(raw any) (Table, error) {
	if rate, ok := number(raw); ok {
		if bad(rate) {
			return Table{}, fmt.Errorf(" must be from 0 to 1, got %v", raw)
		}
		return Table{fallback: rate}, nil
	}
	list, ok := raw.([]any)
	if !ok {
		return Table{}, fmt.Errorf(" must be a number from 0 to 1 or a list of {env, rate}, got %v", raw)
	}
	if len(list) > maxEntries {
		return Table{}, fmt.Errorf(" must have at most %d entries, got %d", maxEntries, len(list))
	}
	t := Table{byEnv: map[string]float64{}, fallback: 1}
	seen := map[string]bool{}
	for i, item := range list {
		env, rate, err := entry(item)
		if err != nil {
			return Table{}, fmt.Errorf("::%d%w", i, err)
		}
		if seen[env] {
			return Table{}, fmt.Errorf("::%d: env %q is listed twice", i, env)
		}
		seen[env] = true
		if env == "" {
			t.fallback = rate
		} else {
			t.byEnv[env] = rate
		}
	}
	return t, nil
}

func entry(item any) (env string, rate float64, err error) {
	m, ok := item.(map[string]any)
	if !ok {
		return "", 0, fmt.Errorf(" must be {env, rate}, got %v", item)
	}
	for key := range m {
		if !slices.Contains([]string{"env", "rate"}, key) {
			return "", 0, fmt.Errorf(": unknown key %q, it must be env or rate", key)
		}
	}
	if raw, given := m["env"]; given && raw != nil {
		env = fmt.Sprint(raw)
	}
	rate, ok = number(m["rate"])
	if !ok || bad(rate) {
		return "", 0, fmt.Errorf("::rate must be from 0 to 1, got %v", m["rate"])
	}
	return env, rate, nil
}

func number(raw any) (float64, bool) {
	switch v := raw.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

func bad(rate float64) bool { return math.IsNaN(rate) || rate < 0 || rate > 1 }

// For returns the rate of an environment.
func (t Table) For(env string) float64 {
	if rate, ok := t.byEnv[env]; ok {
		return rate
	}
	return t.fallback
}

// envKeys are where a resource names its environment, the newest convention first.
var envKeys = [...]string{"deployment.environment.name", "deployment.environment", "env"}

// OfResource returns the rate of the environment that a resource names.
func (t Table) OfResource(resource pcommon.Resource) float64 {
	if len(t.byEnv) == 0 {
		return t.fallback
	}
	if env := Env(resource); env != "" {
		return t.For(env)
	}
	return t.fallback
}

// Env returns the environment that a resource names, empty if none.
func Env(resource pcommon.Resource) string {
	for _, key := range envKeys {
		if v, ok := resource.Attributes().Get(key); ok && v.Type() == pcommon.ValueTypeStr && v.Str() != "" {
			return v.Str()
		}
	}
	return ""
}
