package event

import (
	"net/netip"
	"strings"
)

// PrivacyConfig says what of the user is kept on the OTLP side. It does not touch what passes through to Datadog.
type PrivacyConfig struct {
	// ClientIP is drop, truncate (IPv4 /24, IPv6 /48) or keep.
	ClientIP string `mapstructure:"client_ip"`
	// User says what of usr is kept.
	User UserConfig `mapstructure:"user"`
	// URLQuery is redact (names stay, values go), drop or keep; it holds for every URL in every text.
	URLQuery string `mapstructure:"url_query"`
	// ContextDeny are globs on the dotted path inside context, usr, account and feature_flags, any case; what matches is dropped.
	ContextDeny []string `mapstructure:"context_deny"`
}

// UserConfig is keep or drop for each field of usr and account.
type UserConfig struct {
	ID          string `mapstructure:"id"`
	Name        string `mapstructure:"name"`
	Email       string `mapstructure:"email"`
	AnonymousID string `mapstructure:"anonymous_id"`
	// Other is every further field an application put on the user.
	Other string `mapstructure:"other"`
}

const redacted = "REDACTED"

// Privacy is PrivacyConfig ready for use.
type Privacy struct {
	clientIP string
	urlQuery string
	// User is what of usr and account is kept.
	User UserConfig
	// Deny matches the dotted paths, in lower case, that are dropped.
	Deny Globs
}

// NewPrivacy compiles cfg.
func NewPrivacy(cfg *PrivacyConfig) (Privacy, error) {
	deny, err := CompileGlobs(cfg.ContextDeny, true)
	return Privacy{clientIP: cfg.ClientIP, urlQuery: cfg.URLQuery, User: cfg.User, Deny: deny}, err
}

// Address returns what may be kept of a client's address, or "".
func (p *Privacy) Address(ip netip.Addr) string {
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

// Text redacts every URL inside s. Error messages and stack traces quote URLs
// too, so it runs over every string of an event.
func (p *Privacy) Text(s string) string {
	if p.urlQuery == "keep" || !strings.Contains(s, "://") || !strings.ContainsAny(s, "?#@") {
		return s
	}
	return p.redact(s)
}

func (p *Privacy) redact(s string) string {
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

// URL redacts s, which is a URL even if it has no scheme.
func (p *Privacy) URL(s string) string {
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
// script's URL, 0 when there is None.
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
func (p *Privacy) writeAfterScheme(out *strings.Builder, s string) {
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
func (p *Privacy) writePath(out *strings.Builder, s string) {
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
func (p *Privacy) writeValues(out *strings.Builder, s string) {
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
