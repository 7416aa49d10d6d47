package intake

import (
	"net/url"
	"regexp"
	"strings"
)

// Versions 3 and 4 of the browser SDK write the whole URL of a Datadog intake
// into ddforward. Its host is only checked: what passes through goes to the site
// of the configuration, as ever.

// sites are those of Datadog that take RUM.
var sites = []string{
	"datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com", "ap2.datadoghq.com", "ddog-gov.com",
}

// oldHosts are the tracks of the hosts that old SDKs send to; "" is told by the path.
var oldHosts = func() map[string]string {
	hosts := map[string]string{}
	for _, site := range sites {
		for _, sub := range []string{"", "rum.", "logs.", "session-replay."} {
			hosts[sub+intakeHost(site)] = map[string]string{"rum.": "rum", "logs.": "logs", "session-replay.": "replay"}[sub]
		}
		for name, track := range map[string]string{"rum": "rum", "browser": "logs", "session-replay": "replay"} {
			hosts[name+"-http-intake.logs."+site] = track
		}
	}
	return hosts
}()

// oldPath is that of version 3; its last part is the client token.
var oldPath = regexp.MustCompile(`^/v1/input/([A-Za-z0-9_-]{1,128})$`)

// oldForward reads a ddforward that is a URL. It returns what a new SDK would
// have written, and reports whether it names an intake of Datadog.
func oldForward(forward string) (string, bool) {
	u, err := url.Parse(forward)
	if err != nil || u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.RawPath != "" {
		return "", false
	}
	track, known := oldHosts[u.Host]
	if !known {
		return "", false
	}
	match := oldPath.FindStringSubmatch(u.Path)
	if match == nil {
		return strings.TrimPrefix(forward, "https://"+u.Host), true
	}
	query := "dd-api-key=" + match[1]
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	return "/api/v2/" + track + "?" + query, track != ""
}
