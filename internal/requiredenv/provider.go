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
	"K8S_POD_NAME":                "set it to the pod's name, in Kubernetes by a fieldRef of metadata.name; elsewhere to a name of this process that stays",
	"KAFKA_BROKERS":               "set it to host:port[,host:port] of the Kafka brokers",
	"OTEL_EXPORTER_OTLP_ENDPOINT": "set it to the backend's OTLP address, such as https://otlp.example.com:4317",
	"OTEL_EXPORTER_OTLP_HEADERS":  "set it to key=value[,key=value] as the backend asks, or to none",
	"OTELCOL_OBS_GATEWAY":         "set it to the DNS name that resolves to every gateway",
}

// forms say what a value must be, and make it that where it is clear.
var forms = map[string]func(string) (string, error){"site": site, "name": name, "url": baseURL, "address": address}

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
//	${required:NAME?url}       a base URL for OTLP over HTTP: http:// or https://,
//	                           without /v1/traces
//	${required:NAME?address}   the endpoint of OTLP over gRPC, without a path
//	${required:NAME?site}      a Datadog site; the URL of its page is taken as it
//	${required:NAME?name}      a DNS name without scheme, port and path
//
// An unset or empty variable is an error, and so is a value of another form, or a
// header entry without "=" or with a broken percent sign.
func NewFactory() confmap.ProviderFactory {
	return confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider { return provider{} })
}

// Retrieve implements confmap.Provider.
func (provider) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	rest, ok := strings.CutPrefix(uri, schemeName+":")
	if !ok {
		return nil, fmt.Errorf("%q is not of the form required:NAME", uri)
	}
	variable, form, _ := strings.Cut(rest, "?")
	if variable == "" {
		return nil, fmt.Errorf("%q names no environment variable", uri)
	}
	value := os.Getenv(variable)
	if value == "" {
		hint := hints[variable]
		if hint == "" {
			hint = "set it to the value this configuration needs"
		}
		return nil, fmt.Errorf("%s is empty: %s", variable, hint)
	}
	switch form {
	case "":
		return confmap.NewRetrieved(value)
	case "headers":
		headers, err := parseHeaders(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		return confmap.NewRetrieved(headers)
	case "insecure":
		return confmap.NewRetrieved(strings.HasPrefix(strings.ToLower(value), "http://"))
	}
	check, ok := forms[form]
	if !ok {
		return nil, fmt.Errorf("required:%s?%s: the forms are headers, insecure, url, address, site and name", variable, form)
	}
	checked, err := check(value)
	if err != nil {
		return nil, fmt.Errorf("%s %w", variable, err)
	}
	return confmap.NewRetrieved(checked)
}

// Scheme implements confmap.Provider.
func (provider) Scheme() string { return schemeName }

// Shutdown implements confmap.Provider.
func (provider) Shutdown(context.Context) error { return nil }
