package intake

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// call is one request as the SDK meant it: what a proxy's ddforward says, or
// what its own path and query say.
type call struct {
	track     string
	path      string // at Datadog
	rawQuery  string // as it came
	query     url.Values
	subdomain string
}

var (
	errNotFound   = errors.New("no RUM track is received on this path; point the SDK's proxy or customEndpoint at one of the configured paths")
	errForward    = errors.New("ddforward does not name a Datadog intake path")
	errSubdomain  = errors.New("ddforwardSubdomain is not one that is forwarded")
	forwardedPath = regexp.MustCompile(`^/api/v2/([a-z]{1,32})$`)
)

// The one call of the browser SDK that is no intake: may this session be profiled?
const (
	quotaSubdomain = "quota"
	quotaPath      = "/api/v2/profiling/quota"
)

// router finds the track of a request.
type router struct {
	tracks map[string]string
}

func newRouter(paths map[string][]string) *router {
	r := &router{tracks: map[string]string{}}
	for track, list := range paths {
		for _, path := range list {
			r.tracks[path] = track
		}
	}
	return r
}

// route reads where a request wants to go. Nothing in it can name a host.
func (r *router) route(req *http.Request) (call, error) {
	if strings.Contains(req.URL.RawQuery, "ddforward=") {
		query := req.URL.Query()
		if forward := query.Get("ddforward"); forward != "" {
			return forwarded(forward, query.Get("ddforwardSubdomain"))
		}
	}
	track, ok := r.tracks[req.URL.Path]
	if !ok {
		if match := forwardedPath.FindStringSubmatch(req.URL.Path); match != nil {
			track = match[1] // a track that nobody configured is still a track
		} else {
			return call{}, errNotFound
		}
	}
	return call{track: track, path: "/api/v2/" + track, rawQuery: req.URL.RawQuery, query: req.URL.Query()}, nil
}

func forwarded(forward, subdomain string) (call, error) {
	path, rawQuery, _ := strings.Cut(forward, "?")
	if !plainQuery(rawQuery) {
		return call{}, errForward
	}
	c := call{path: path, rawQuery: rawQuery, subdomain: subdomain}
	c.query, _ = url.ParseQuery(rawQuery)
	if subdomain != "" {
		if subdomain != quotaSubdomain || path != quotaPath {
			return call{}, errSubdomain
		}
		c.track = quotaSubdomain
		return c, nil
	}
	match := forwardedPath.FindStringSubmatch(path)
	if match == nil {
		return call{}, errForward
	}
	c.track = match[1]
	return c, nil
}

// plainQuery tells whether s can stand in a request line as it is.
func plainQuery(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' {
			return false
		}
	}
	return true
}
