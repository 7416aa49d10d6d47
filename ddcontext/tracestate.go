package ddcontext

import "strings"

const (
	memberPrefix = "dd="

	// maxMemberLength bounds the member with its prefix, as the Go, Java and Ruby tracers count; W3C counts the value alone.
	maxMemberLength = 256
	maxMemberValue  = maxMemberLength - len(memberPrefix)

	maxMembers = 32

	// maxStateLength bounds a whole tracestate header, as in the Go tracer.
	maxStateLength = 4096
)

// FindMember returns the value of the first `dd` member of a tracestate header, however broken the rest of the header is.
func FindMember(tracestate string) (value string, ok bool) {
	for member := range strings.SplitSeq(tracestate, ",") {
		if value, ok := strings.CutPrefix(strings.Trim(member, " \t"), memberPrefix); ok {
			return value, true
		}
	}
	return "", false
}

// SetMember returns the tracestate with value as its `dd` member, first in the list as W3C wants what was changed last. Old `dd` members are
// removed wherever they are; others keep their order and are not judged. More than 32 members lose their tail. An empty value only removes.
func SetMember(tracestate, value string) string {
	var b strings.Builder
	b.Grow(len(memberPrefix) + len(value) + 1 + len(tracestate))
	members := 0
	if value != "" {
		b.WriteString(memberPrefix)
		b.WriteString(value)
		members++
	}
	for member := range strings.SplitSeq(tracestate, ",") {
		member = strings.Trim(member, " \t")
		if member == "" || strings.HasPrefix(member, memberPrefix) {
			continue
		}
		if members == maxMembers {
			break
		}
		if members > 0 {
			b.WriteByte(',')
		}
		b.WriteString(member)
		members++
	}
	return b.String()
}

// memberParts are the parts of an orderly member that can be used as they stand; foreign is whole entries.
type memberParts struct{ priority, lastParent, foreign string }

// agree reports whether the priority, if any, says the same as the sampled flag.
func (m *memberParts) agree(sampled bool) bool {
	priority, _ := ParsePriority(m.priority)
	return m.priority == "" || priority > 0 == sampled
}

// splitMember takes apart a member that is as AppendMember writes it, and most are. Any other is not orderly: it must be parsed and
// written anew.
func splitMember(value string) (parts memberParts, orderly bool) {
	for i := range len(value) {
		if c := value[i]; c == 0 || verbatim[c] != c && c != ';' {
			return memberParts{}, false
		}
	}
	const priority, origin, lastParent, tags, foreign = 1, 2, 3, 4, 5
	if strings.HasSuffix(value, ";") {
		return memberParts{}, false
	}
	for last, start := 0, 0; start < len(value); {
		entry, _, _ := strings.Cut(value[start:], ";")
		key, text, _ := strings.Cut(entry, ":")
		if key == "" || text == "" || key == "t.tid" || strings.IndexByte(key, ' ') >= 0 {
			return memberParts{}, false
		}
		rank := foreign
		switch {
		case key == "s":
			rank, parts.priority = priority, text
		case key == "o":
			rank = origin
		case key == "p":
			rank, parts.lastParent = lastParent, text
		case strings.HasPrefix(key, "t."):
			rank = tags
		case last < foreign:
			parts.foreign = value[start:]
		}
		if rank < last || rank == last && rank < tags {
			return memberParts{}, false
		}
		last, start = rank, start+len(entry)+1
	}
	if parts.priority != "" {
		if _, ok := ParsePriority(parts.priority); !ok {
			return memberParts{}, false
		}
	}
	return parts, true
}
