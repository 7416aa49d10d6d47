package tagtruncate

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const profileDefault = "default"

// Each profile is a file of the keys that a user may write, with the address of
// its source beside every number.
//
//go:embed profiles/*.yaml
var profileFiles embed.FS

var profiles = mustReadProfiles()

func profileNames() (names []string) {
	for name := range profiles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// profile returns the configuration of a known profile, which may be changed.
func profile(name string) (Config, error) {
	retrieved, err := confmap.NewRetrievedFromYAML(profiles[name])
	if err != nil {
		return Config{}, fmt.Errorf("profile %s: %w", name, err)
	}
	conf, err := retrieved.AsConf()
	if err != nil {
		return Config{}, fmt.Errorf("profile %s: %w", name, err)
	}
	c := unlimited(name)
	if err := c.apply(conf.ToStringMap()); err != nil {
		return Config{}, fmt.Errorf("profile %s: %w", name, err)
	}
	return c, nil
}

// mustReadProfiles returns the text of every profile by its name. It panics on
// what a test of this package finds first.
func mustReadProfiles() map[string][]byte {
	entries, err := profileFiles.ReadDir("profiles")
	if err != nil {
		panic(err)
	}
	texts := make(map[string][]byte, len(entries))
	for _, e := range entries {
		text, err := profileFiles.ReadFile("profiles/" + e.Name())
		if err != nil {
			panic(err)
		}
		texts[strings.TrimSuffix(e.Name(), ".yaml")] = text
	}
	return texts
}

// unlimited is the configuration a profile starts from.
func unlimited(name string) Config {
	return Config{
		Profile:      name,
		Unit:         unitRunes,
		Boundary:     boundaryRune,
		MarkerInside: true,
		InvalidUTF8:  utf8Repair,
		Protected:    identityKeys(),
		Rules:        map[string]Rule{},
	}
}

// identityKeys are what joins a span, a log and a RUM event; cut, they would
// join nothing, or worse, something else.
func identityKeys() []string {
	return []string{
		"service.name", "service.namespace", "service.version", "service.instance.id",
		"deployment.environment", "deployment.environment.name", "host.name", "host.id", "container.id", "k8s.pod.uid",
		"session.id", "user.id", "usr.id", "account.id", "baggage.session.id", "baggage.user.id", "baggage.account.id",
		"rum.application.id", "rum.view.id", "rum.action.id", "rum.resource.id",
		"trace_id", "span_id", "otel.trace_id", "otel.span_id", "otelTraceID", "otelSpanID", "dd_trace_id", "dd_span_id",
		"dd.*", "_dd.*", "datadog.trace.id", "datadog.span.id", "datadog.action.id",
		"trace_linked", "trace_link.*", "staged_id", "log.count", "log.count.*", "log.has_errors",
		"sampling.priority", "_sampling_priority_v1",
	}
}
