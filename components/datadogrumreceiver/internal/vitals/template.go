package vitals

import "strings"

const maxSegments = 10

// Template is the path of a page's URL with what differs from page to page
// replaced: a segment with a digit is "?", as Datadog groups paths. "" when the
// URL has no path.
func Template(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		i := strings.IndexByte(rest, '/')
		if i < 0 {
			return "/"
		}
		url = rest[i:]
	}
	if !strings.HasPrefix(url, "/") {
		return ""
	}
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		url = url[:i]
	}
	var out strings.Builder
	n := 0
	for segment := range strings.SplitSeq(url[1:], "/") {
		if n++; n > maxSegments {
			out.WriteString("/…")
			break
		}
		if strings.ContainsAny(segment, "0123456789") || len(segment) > 64 {
			segment = "?"
		}
		out.WriteString("/" + segment)
	}
	return out.String()
}
