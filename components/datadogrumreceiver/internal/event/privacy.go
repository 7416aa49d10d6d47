package datadogrumreceiver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/gobwas/glob"
)

const redacted = "REDACTED"

// globs is a list of patterns; a text matches when one of them does.
type globs []glob.Glob

func compileGlobs(patterns []string, lower bool) (globs, error) {
	list := make(globs, 0, len(patterns))
	for _, pattern := range patterns {
		if lower {
			pattern = strings.ToLower(pattern)
		}
		g, err := glob.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("got %q: %w", pattern, err)
		}
		list = append(list, g)
	}
	return list, nil
}

func validGlobs(key string, patterns []string) error {
	if _, err := compileGlobs(patterns, false); err != nil {
		return fmt.Errorf("%s must be globs, %w", key, err)
	}
	return nil
}

func (g globs) match(s string) bool {
	for _, one := range g {
		if one.Match(s) {
			return true
		}
	}
	return false
}

// privacy is PrivacyConfig ready for use.
type privacy struct {
	clientIP string
	urlQuery string
	deny     globs
}

func newPrivacy(cfg *PrivacyConfig) (privacy, error) {
	deny, err := compileGlobs(cfg.ContextDeny, true)
	return privacy{clientIP: cfg.ClientIP, urlQuery: cfg.URLQuery, deny: deny}, err
}

// address returns what may be kept of a client's address, or "".
func (p *privacy) address(ip netip.Addr) string {
	switch {
	case !ip.IsValid() || p.clientIP == "drop":
		return ""
	case p.clientIP == "keep":
		return ip.String()
	}
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	prefix, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.Addr().String()
}

// text redacts every URL inside s. Error messages and stack traces quote URLs
// too, so it runs over every string of an event.
func (p *privacy) text(s string) string {
	if p.urlQuery == "keep" || !strings.Contains(s, "://") || !strings.ContainsAny(s, "?#@") {
		return s
	}
	return p.redact(s)
}

func (p *privacy) redact(s string) string {
	var out strings.Builder
	out.Grow(len(s) + len(redacted))
	rest := s
	for {
		i := strings.Index(rest, "://")
		if i < 0 {
			break
		}
		end := i + 3 + urlEnd(rest[i+3:])
		out.WriteString(rest[:i+3])
		p.writeAfterScheme(&out, rest[i+3:end])
		rest = rest[end:]
	}
	out.WriteString(rest)
	return out.String()
}

// url redacts s, which is a URL even if it has no scheme.
func (p *privacy) url(s string) string {
	if p.urlQuery == "keep" || !strings.ContainsAny(s, "?#@") {
		return s
	}
	if strings.Contains(s, "://") {
		return p.redact(s)
	}
	var out strings.Builder
	out.Grow(len(s) + len(redacted))
	p.writePath(&out, s)
	return out.String()
}

func urlEnd(s string) int {
	end := len(s)
	if i := strings.IndexAny(s, " \t\r\n\"'`<>()"); i >= 0 {
		end = i
	}
	return end - positionLen(s[:end])
}

// positionLen is the length of the :line:column a stack trace writes behind a
// script's URL, 0 when there is none.
func positionLen(s string) int {
	const maxDigits = 7
	at := len(s)
	for range 2 {
		end := at
		for at > 0 && end-at <= maxDigits && s[at-1]-'0' <= 9 {
			at--
		}
		if at == end || end-at > maxDigits || at == 0 || s[at-1] != ':' {
			return 0
		}
		at--
	}
	return len(s) - at
}

// writeAfterScheme writes authority, path, query and fragment without the
// credentials before an @.
func (p *privacy) writeAfterScheme(out *strings.Builder, s string) {
	authority := len(s)
	if i := strings.IndexAny(s, "/?#"); i >= 0 {
		authority = i
	}
	if at := strings.LastIndexByte(s[:authority], '@'); at >= 0 {
		s, authority = s[at+1:], authority-at-1
	}
	out.WriteString(s[:authority])
	p.writePath(out, s[authority:])
}

// writePath writes path, query and fragment. A fragment is a route more often
// than not and stays, unless it carries values as OAuth's implicit flow does.
func (p *privacy) writePath(out *strings.Builder, s string) {
	path, query, fragment := s, "", ""
	if i := strings.IndexByte(path, '#'); i >= 0 {
		path, fragment = path[:i], path[i:]
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path, query = path[:i], path[i:]
	}
	out.WriteString(path)
	if query != "" {
		p.writeValues(out, query)
	}
	if strings.ContainsAny(fragment, "=?") {
		p.writeValues(out, fragment)
	} else {
		out.WriteString(fragment)
	}
}

// writeValues writes ?a=1&b=2 as ?a=REDACTED&b=REDACTED, or not at all.
func (p *privacy) writeValues(out *strings.Builder, s string) {
	if p.urlQuery == "drop" {
		return
	}
	for s != "" {
		pair := s
		if i := strings.IndexByte(s[1:], '&'); i >= 0 {
			pair = s[:i+1]
		}
		s = s[len(pair):]
		name, _, hasValue := strings.Cut(pair, "=")
		if hasValue {
			out.WriteString(name)
			out.WriteString("=" + redacted)
		} else {
			// ?session123 has no name: all of it may be the secret.
			out.WriteString(pair[:1] + redacted)
		}
	}
}
