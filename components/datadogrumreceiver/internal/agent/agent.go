// Package agent tells from a request's headers which browser, operating system
// and device sent it.
//
// Libraries: mileusna/useragent, whose tables of browsers we would have written
// and kept up to date instead.
package agent

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/mileusna/useragent"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/internal/ttlset"
)

const (
	maxBytes  = 512 // of a header that is kept
	maxAgents = 4096
	agentLife = time.Hour
)

// Reader reads headers. It is safe for concurrent use, and remembers what it
// read: there are fewer agents than requests.
type Reader struct {
	mu    sync.Mutex
	known *ttlset.Map[[4]string, *event.Agent]
}

// NewReader returns a Reader that knows no agent yet.
func NewReader() *Reader {
	return &Reader{known: ttlset.NewMap[[4]string, *event.Agent](maxAgents, agentLife)}
}

// Read returns who sent the request, nil when its headers do not say.
func (r *Reader) Read(h http.Header, now time.Time) *event.Agent {
	key := [4]string{
		clean(h.Get("User-Agent")), clean(h.Get("Sec-CH-UA")), clean(h.Get("Sec-CH-UA-Platform")), clean(h.Get("Sec-CH-UA-Mobile")),
	}
	if key[0] == "" {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, ok := r.known.Get(key, now); ok {
		return a
	}
	a := read(key[0], key[1], key[2], key[3])
	r.known.Put(key, a, now)
	return a
}

func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > maxBytes {
		s = strings.ToValidUTF8(s[:maxBytes], "")
	}
	return strings.Clone(s)
}

// read prefers what the browser says in its client hints to its user agent,
// which it freezes.
func read(text, brands, platform, mobile string) *event.Agent {
	ua := useragent.Parse(text)
	a := &event.Agent{
		Original: text, Name: ua.Name, Version: ua.Version, Platform: unquote(platform), Mobile: ua.Mobile || ua.Tablet || mobile == "?1",
		Brands: brandList(brands), OS: event.OS{Name: ua.OS, Version: version(ua.OSVersion), Type: osType(ua.OS)}, Device: ua.Device,
	}
	if a.Platform == "" {
		a.Platform = ua.OS
	}
	return a
}

// version leaves out what is none: for Linux the library returns the architecture.
func version(s string) string {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return ""
	}
	return s
}

// osType is the value of os.type in the semantic conventions.
func osType(name string) string {
	switch name {
	case useragent.Windows, useragent.WindowsPhone, useragent.WindowsNT:
		return "windows"
	case useragent.MacOS, useragent.IOS:
		return "darwin"
	case useragent.Linux, useragent.Android, useragent.ChromeOS:
		return "linux"
	case useragent.FreeBSD:
		return "freebsd"
	}
	return ""
}

// brandList reads Sec-CH-UA: "Chromium";v="148", "Not A;Brand";v="24".
func brandList(s string) (list []string) {
	const maxBrands = 8
	for len(list) < maxBrands {
		_, rest, ok := strings.Cut(s, `"`)
		if !ok {
			break
		}
		name, rest, ok := strings.Cut(rest, `"`)
		if !ok {
			break
		}
		s = rest
		if version, isVersioned := strings.CutPrefix(rest, `;v="`); isVersioned {
			version, s, _ = strings.Cut(version, `"`)
			name += " " + version
		}
		list = append(list, name)
	}
	return list
}

func unquote(s string) string { return strings.Trim(s, `"`) }
