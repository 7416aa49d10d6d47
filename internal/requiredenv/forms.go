package requiredenv

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
)

// hostName is a DNS name without scheme, port or path.
var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?$`)

// site returns a Datadog site. The address of its page, as browsers show it, is one
// too: https://app.datadoghq.eu/ is datadoghq.eu.
func site(value string) (string, error) {
	s := strings.TrimPrefix(strings.TrimPrefix(value, "https://"), "http://")
	s = strings.TrimPrefix(strings.TrimSuffix(s, "/"), "app.")
	if !hostName.MatchString(s) {
		return "", errors.New("must be a Datadog site, such as datadoghq.com or datadoghq.eu")
	}
	return s, nil
}

// name returns a DNS name.
func name(value string) (string, error) {
	if !hostName.MatchString(value) {
		return "", errors.New("must be a DNS name without scheme, port and path")
	}
	return value, nil
}

// baseURL returns the URL that /v1/traces and so on are appended to.
func baseURL(value string) (string, error) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", errors.New("must be a URL such as https://otlp.example.com:4318")
	}
	for _, signal := range []string{"traces", "logs", "metrics"} {
		if strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1/"+signal) {
			return "", errors.New("must end before /v1/" + signal + ", which is appended for each signal")
		}
	}
	return value, nil
}

// address returns the endpoint of a gRPC server.
func address(value string) (string, error) {
	scheme, rest, found := strings.Cut(value, "://")
	if !found {
		rest = value
	}
	switch scheme = strings.ToLower(scheme); {
	case found && scheme != "http" && scheme != "https" && scheme != "dns" && scheme != "unix" && scheme != "passthrough":
		return "", errors.New("must be host:port or a URL such as https://otlp.example.com:4317")
	case (scheme == "http" || scheme == "https" || !found) && strings.Contains(strings.TrimSuffix(rest, "/"), "/"):
		return "", errors.New("must have no path: gRPC has none")
	}
	return value, nil
}
