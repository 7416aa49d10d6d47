package obfuscation

import "strings"

// Redacted replaces the values of parameters that are keys, as OpenTelemetry's conventions for url.full ask.
const Redacted = "REDACTED"

// secrets are the parameters whose values are keys, in lower case.
var secrets = map[string]bool{
	"awsaccesskeyid": true, "signature": true, "sig": true, "x-goog-signature": true, "x-amz-signature": true, "x-amz-credential": true,
	"x-amz-security-token": true, "token": true, "access_token": true, "api_key": true, "password": true,
}

const longestSecret = len("x-amz-security-token")

// URL removes user name and password from a URL, and the values of parameters that are keys. What else is removed is configured.
// It reports whether anything changed. Relative URLs are read as well.
func (o *Obfuscator) URL(text string) (string, bool) {
	out := text
	if o.cfg.HTTP.RemoveQueryString || o.cfg.HTTP.RemovePathsWithDigits {
		out = o.lib.ObfuscateURLString(text)
	}
	out = withoutUser(out)
	if i := strings.IndexByte(out, '?'); i >= 0 {
		if query := redact(out[i+1:]); query != out[i+1:] {
			out = out[:i+1] + query
		}
	}
	return out, out != text
}

// URLQuery does for a query string alone what URL does.
func (o *Obfuscator) URLQuery(text string) (string, bool) {
	if o.cfg.HTTP.RemoveQueryString {
		return "", text != ""
	}
	out := redact(text)
	return out, out != text
}

func withoutUser(s string) string {
	i := strings.Index(s, "//")
	if i < 0 || i > 0 && s[i-1] != ':' {
		return s
	}
	host := i + 2
	end := len(s)
	if n := strings.IndexAny(s[host:], "/?#"); n >= 0 {
		end = host + n
	}
	at := strings.LastIndexByte(s[host:end], '@')
	if at < 0 {
		return s
	}
	return s[:host] + s[host+at+1:]
}

// redact replaces values in a query string. A fragment may follow it, and is read in the same way.
func redact(query string) string {
	var b strings.Builder
	done := 0
	for i := 0; i < len(query); {
		end := i
		for end < len(query) && query[end] != '&' && query[end] != ';' && query[end] != '#' {
			end++
		}
		if eq := strings.IndexByte(query[i:end], '='); eq > 0 && eq <= longestSecret && i+eq+1 < end && isSecret(query[i:i+eq]) {
			b.WriteString(query[done : i+eq+1])
			b.WriteString(Redacted)
			done = end
		}
		i = end + 1
	}
	if done == 0 {
		return query
	}
	b.WriteString(query[done:])
	return b.String()
}

func isSecret(name string) bool {
	if secrets[name] {
		return true
	}
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' {
			return secrets[strings.ToLower(name)]
		}
	}
	return false
}
