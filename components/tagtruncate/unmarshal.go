package tagtruncate

import (
	"fmt"

	"go.opentelemetry.io/collector/confmap"
)

var _ confmap.Unmarshaler = (*Config)(nil)

// Unmarshal fills c from the profile, then from `all`, then from the other keys.
func (c *Config) Unmarshal(conf *confmap.Conf) error {
	raw := conf.ToStringMap()
	if name, given := raw["profile"]; given && name != nil {
		if _, known := profiles[fmt.Sprint(name)]; !known {
			return fmt.Errorf("profile must be one of %v, got %q", profileNames(), name)
		}
		var err error
		if *c, err = profile(fmt.Sprint(name)); err != nil {
			return err
		}
	}
	delete(raw, "profile")
	return c.apply(raw)
}
