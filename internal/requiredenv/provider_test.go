package requiredenv

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
)

func retrieve(t *testing.T, uri string) (any, error) {
	t.Helper()
	p := NewFactory().Create(confmap.ProviderSettings{})
	ret, err := p.Retrieve(t.Context(), uri, nil)
	if err != nil {
		return nil, err
	}
	raw, err := ret.AsRaw()
	require.NoError(t, err)
	return raw, p.Shutdown(t.Context())
}

func TestSchemeIsValid(t *testing.T) {
	require.NoError(t, confmaptest.ValidateProviderScheme(NewFactory().Create(confmap.ProviderSettings{})))
}

func TestAValueIsAlwaysTheStringThatWasSet(t *testing.T) {
	for _, value := range []string{"abc", "0123456789", "1e3", "null", "a: b", "*x", "@y", "{", "€"} {
		t.Setenv("SOME_KEY", value)
		got, err := retrieve(t, "required:SOME_KEY")
		require.NoError(t, err)
		require.Equal(t, value, got)
	}
}

func TestAnEmptyVariableIsNamedWithWhatBelongsInIt(t *testing.T) {
	t.Setenv("DD_API_KEY", "")
	_, err := retrieve(t, "required:DD_API_KEY")
	require.EqualError(t, err, "DD_API_KEY is empty: set it to a Datadog API key")

	_, err = retrieve(t, "required:NOBODY_SET_THIS")
	require.EqualError(t, err, "NOBODY_SET_THIS is empty: set it to the value this configuration needs")

	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "")
	_, err = retrieve(t, "required:OTEL_EXPORTER_OTLP_HEADERS?headers")
	require.EqualError(t, err, "OTEL_EXPORTER_OTLP_HEADERS is empty: set it to key=value[,key=value] as the backend asks, or to none")
}

func TestHeaders(t *testing.T) {
	for value, want := range map[string]map[string]any{
		"api-key=abc":                          {"api-key": "abc"},
		" a = 1 , b=2":                         {"a": "1", "b": "2"},
		"authorization=Basic%20dXNlcjpwYXNz==": {"authorization": "Basic dXNlcjpwYXNz=="},
		"a=x+y":                                {"a": "x+y"},
		"a=1%2C2,,b=":                          {"a": "1,2", "b": ""},
		"a=1,a=2":                              {"a": "2"},
		"none":                                 {},
	} {
		t.Setenv("H", value)
		got, err := retrieve(t, "required:H?headers")
		require.NoError(t, err, value)
		require.Equal(t, want, got, value)
	}
}

func TestInsecureIsTrueForPlainHTTPOnly(t *testing.T) {
	for value, want := range map[string]bool{
		"http://127.0.0.1:4317": true, "HTTP://h": true, "https://h:4317": false, "h:4317": false, "dns:///h": false,
	} {
		t.Setenv("E", value)
		got, err := retrieve(t, "required:E?insecure")
		require.NoError(t, err)
		require.Equal(t, want, got, value)
	}
}

func TestErrorsNeverHoldAValue(t *testing.T) {
	for value, want := range map[string]string{
		"ok=1,secret":    "H: entry 2 is not key=value",
		"=secret":        "H: entry 1 is not key=value",
		"key=secret%zz":  "H: entry 1 has a percent sign that is not followed by two hex digits",
		"a=1,sec%rt=abc": "H: entry 2 has a percent sign that is not followed by two hex digits",
		" , ,":           "H: no key=value entry found",
	} {
		t.Setenv("H", value)
		_, err := retrieve(t, "required:H?headers")
		require.EqualError(t, err, want)
	}
}

func TestAWrongReferenceIsExplained(t *testing.T) {
	t.Setenv("H", "secret")
	for uri, want := range map[string]string{
		"env:H":              `"env:H" is not of the form required:NAME`,
		"required:":          `"required:" names no environment variable`,
		"required:?headers":  `"required:?headers" names no environment variable`,
		"required:H?upper":   "required:H?upper: the forms are headers, insecure, url, address, site and name",
		"required:H?headers": "H: entry 1 is not key=value",
	} {
		_, err := retrieve(t, uri)
		require.EqualError(t, err, want)
	}
}

func FuzzParseHeaders(f *testing.F) {
	for _, seed := range []string{"a=1", "a=1,b=%20", "none", ",", "a", "%=%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		headers, err := parseHeaders(s)
		if (headers == nil) == (err == nil) {
			t.Fatalf("got %v and %v", headers, err)
		}
	})
}

// In a whole configuration the value stands where the reference stood, alone
// or inside a longer string, and a map takes the place of a map.
func TestInsideAConfiguration(t *testing.T) {
	t.Setenv("DD_SITE", "datadoghq.eu")
	t.Setenv("H", "api-key=a%2Cb")
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{"fixed:"},
		ProviderFactories: []confmap.ProviderFactory{NewFactory(), confmap.NewProviderFactory(func(confmap.ProviderSettings) confmap.Provider {
			return fixed{}
		})},
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"endpoint": "https://otlp.datadoghq.eu/v1",
		"headers":  map[string]any{"api-key": "a,b"},
	}, conf.ToStringMap())
	require.NoError(t, resolver.Shutdown(t.Context()))
}

func TestAValueHasTheFormThatIsAskedFor(t *testing.T) {
	for uri, values := range map[string]map[string]string{
		"required:X?site": {
			"datadoghq.eu": "datadoghq.eu", "https://app.datadoghq.eu/": "datadoghq.eu", "us5.datadoghq.com": "us5.datadoghq.com",
			"https://otlp.datadoghq.eu/v1": "X must be a Datadog site, such as datadoghq.com or datadoghq.eu", "data dog": "X must be a Datadog site, such as datadoghq.com or datadoghq.eu",
		},
		"required:X?name": {
			"gw.monitoring.svc": "gw.monitoring.svc", "http://gw": "X must be a DNS name without scheme, port and path", "gw:4317": "X must be a DNS name without scheme, port and path",
		},
		"required:X?url": {
			"https://otlp.example.com": "https://otlp.example.com", "http://127.0.0.1:4318/base/": "http://127.0.0.1:4318/base/",
			"otlp.example.com:4318":              "X must be a URL such as https://otlp.example.com:4318",
			"https://otlp.example.com/v1/traces": "X must end before /v1/traces, which is appended for each signal",
			"https://":                           "X must be a URL such as https://otlp.example.com:4318",
		},
		"required:X?address": {
			"otlp.example.com:4317": "otlp.example.com:4317", "http://127.0.0.1:4317": "http://127.0.0.1:4317", "https://h:4317/": "https://h:4317/",
			"dns:///otlp.example.com:4317": "dns:///otlp.example.com:4317", "unix:///run/otlp.sock": "unix:///run/otlp.sock",
			"grpc://127.0.0.1:1": "X must be host:port or a URL such as https://otlp.example.com:4317", "https://h/v1/traces": "X must have no path: gRPC has none",
		},
		"required:X?nothing": {"a": "required:X?nothing: the forms are headers, insecure, url, address, site and name"},
	} {
		for value, want := range values {
			t.Setenv("X", value)
			got, err := retrieve(t, uri)
			if err != nil {
				require.EqualError(t, err, want, value)
				continue
			}
			require.Equal(t, want, got)
		}
	}
}
