// Package forward passes to Datadog what tracers send beside traces and statistics: profiles, telemetry, debugger uploads, data streams
// and what goes through the EVP proxy.
//
// A sender chooses neither host nor path: the host is a fixed prefix and the configured site, the path is fixed or made of few
// characters, and no redirect is followed. Of the sender's headers few are passed on, and its API key is not among them.
package forward

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Route is one endpoint that is forwarded.
type Route struct {
	// Path is where tracers send. One that ends in a slash stands for everything below it.
	Path string
	// Channel is what it belongs to.
	Channel string
	// host is put before the site. Empty, the sender chooses among the configured subdomains.
	host string
	// target is the path at the intake. Empty, it is what follows Path.
	target  string
	maxBody int64
	timeout time.Duration
}

const (
	// EVPProxy is the channel whose subdomain the sender chooses.
	EVPProxy    = "evp_proxy"
	mebibyte    = 1 << 20
	usualLimit  = 25 * mebibyte
	usualWait   = 30 * time.Second
	profileWait = 60 * time.Second
)

// routes are datadog-agent's, by pkg/trace/api.
var routes = []Route{
	{"/profiling/v1/input", "profiling", "intake.profile.", "/api/v2/profile", 50 * mebibyte, profileWait},
	{"/telemetry/proxy/", "telemetry", "instrumentation-telemetry-intake.", "", usualLimit, usualWait},
	{"/debugger/v1/input", "debugger", "http-intake.logs.", "/api/v2/logs", usualLimit, usualWait},
	{"/debugger/v1/diagnostics", "debugger", "debugger-intake.", "/api/v2/debugger", usualLimit, usualWait},
	{"/debugger/v2/input", "debugger", "debugger-intake.", "/api/v2/debugger", usualLimit, usualWait},
	{"/symdb/v1/input", "debugger", "debugger-intake.", "/api/v2/debugger", usualLimit, usualWait},
	{"/v0.1/pipeline_stats", "pipeline_stats", "trace.agent.", "/api/v0.1/pipeline_stats", usualLimit, usualWait},
	{"/evp_proxy/v1/", EVPProxy, "", "", 10 * mebibyte, usualWait},
	{"/evp_proxy/v2/", EVPProxy, "", "", 10 * mebibyte, usualWait},
	{"/evp_proxy/v3/", EVPProxy, "", "", 10 * mebibyte, usualWait},
	{"/evp_proxy/v4/", EVPProxy, "", "", 10 * mebibyte, usualWait},
}

// channels are the names of all there are.
var channels = func() (names []string) {
	for _, r := range routes {
		if !slices.Contains(names, r.Channel) {
			names = append(names, r.Channel)
		}
	}
	return names
}()

// sites are Datadog's.
var sites = []string{"datadoghq.com", "us3.datadoghq.com", "us5.datadoghq.com", "datadoghq.eu", "ap1.datadoghq.com", "ap2.datadoghq.com", "ddog-gov.com"}

var (
	dnsName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	subdomain = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// Validate reports what of the configuration makes no sense. key is what it is called.
func (o Options) Validate(key string) error {
	var errs error
	fail := func(format string, args ...any) {
		errs = errors.Join(errs, fmt.Errorf(key+"::"+format, args...))
	}
	if len(o.Channels) == 0 {
		if o.Site != "" || o.APIKey != "" {
			fail("channels must name at least one of %s, got none", strings.Join(channels, ", "))
		}
		return errs
	}
	for i, c := range o.Channels {
		if !slices.Contains(channels, c) {
			fail("channels::%d must be one of %s, got %q", i, strings.Join(channels, ", "), c)
		}
	}
	if !o.AllowOtherSites && !slices.Contains(sites, o.Site) {
		fail("site must be one of %s, or allow_other_sites set, got %q", strings.Join(sites, ", "), o.Site)
	} else if !dnsName.MatchString(o.Site) || strings.Trim(o.Site, "0123456789.") == "" {
		fail("site must be a DNS name, got %q", o.Site)
	}
	if o.APIKey == "" {
		fail("api_key must be set")
	}
	if slices.Contains(o.Channels, EVPProxy) && len(o.Subdomains) == 0 {
		fail("evp_subdomains must name the intakes that evp_proxy may reach, got none")
	}
	for i, s := range o.Subdomains {
		if !subdomain.MatchString(s) || strings.Contains(s, "..") {
			fail("evp_subdomains::%d must be a part of a DNS name, got %q", i, s)
		}
	}
	return errs
}
