package requiredenv

import (
	"context"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/collector/confmap"
)

const schemeName = "required"

// hints says, for the variables the shipped configurations use, what belongs
// in them. Any other name is as good, it only gets a plainer error.
var hints = map[string]string{
	"DD_API_KEY":                  "set it to a Datadog API key",
	"DD_SITE":                     "set it to your Datadog site, such as datadoghq.com or datadoghq.eu",
	"KAFKA_BROKERS":               "set it to host:port[,host:port] of the Kafka brokers",
	"OTEL_EXPORTER_OTLP_ENDPOINT": "set it to the backend's OTLP address, such as https://otlp.example.com:4317",
	"OTEL_EXPORTER_OTLP_HEADERS":  "set it to key=value[,key=value] as the backend asks, or to none",
	"OTELCOL_OBS_GATEWAY":         "set it to the DNS name that resolves to every gateway",
}

type provider struct{}

// NewFactory returns the factory of the provider for scheme `required`.
//
//	${required:NAME}           the value of NAME, always a string
//	${required:NAME?headers}   NAME in the form k=v,k2=v2 with percent-encoded
//	                           values (the OpenTelemetry specification's
//	                           OTEL_EXPORTER_OTLP_HEADERS), as a map; the word
//	                           none gives an empty map
//	${required:NAME?insecure}  true when NAME is a http:// URL, the one sign the
//	                           specification has for a connection without TLS
//
// An unset or empty variable is an error, and so is a header entry without "="
// or with a broken percent sign.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{} })
}

// Retrieve implements confmap.Provider.
func (provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	rest, ok := strings.CutPrefix(uri, schemeName+":")
	if !ok {
		return nil, fmt.Errorf("%q is not of the form required:NAME", uri)
	}
	name, form, _ := strings.Cut(rest, "?")
	if name == "" {
		return nil, fmt.Errorf("%q names no environment variable", uri)
	}
	value := os.Getenv(name)
	if value == "" {
		hint := hints[name]
		if hint == "" {
			hint = "set it to the value this configuration needs"
		}
		return nil, fmt.Errorf("%s is empty: %s", name, hint)
	}
	switch form {
	case "":
		return confmap.NewRetrieved(value)
	case "headers":
		headers, err := parseHeaders(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return confmap.NewRetrieved(headers)
	case "insecure":
		return confmap.NewRetrieved(strings.HasPrefix(strings.ToLower(value), "http://"))
	default:
		return nil, fmt.Errorf("required:%s?%s: the forms are headers and insecure", name, form)
	}
}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return schemeName }

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
