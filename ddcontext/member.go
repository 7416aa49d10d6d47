package ddcontext

import (
	"strconv"
	"strings"
)

// TraceData is what Datadog says about a trace beside its ids.
type TraceData struct {
	// Priority is the sampling priority; above zero means keep. It says something only if HasPriority is set: no priority is no decision.
	Priority    int
	HasPriority bool
	// Origin is the product the trace began in: synthetics, rum and others.
	Origin string
	// Tags travel with the trace, the decision maker among them.
	Tags Tags
	// LastParent is the id of the last span of a Datadog tracer as 16 hex digits, verbatim; Datadog hangs orphaned spans there.
	LastParent string

	// foreign holds entries of the member that have no name here, passed on as they came, joined by ";".
	foreign string
}

// ParseMember reads the value of the tracestate member `dd`: entries joined by ";", each "key:value", in any order. What is not an entry is
// left out, the rest is read. t.tid is dropped, because traceparent has the whole id. ok is false for a value
// longer than 253 bytes, which no tracer writes and none reads.
func ParseMember(value string) (d TraceData, ok bool) {
	if len(value) > maxMemberValue {
		return TraceData{}, false
	}
	var tags, foreign strings.Builder
	for entry := range strings.SplitSeq(value, ";") {
		key, text, found := strings.Cut(entry, ":")
		if !found {
			continue
		}
		switch {
		case key == "s":
			if priority, ok := ParsePriority(text); ok {
				d.Priority, d.HasPriority = priority, true
			}
		case key == "o":
			d.Origin = strings.ReplaceAll(text, "~", "=")
		case key == "p":
			d.LastParent = text
		case key == "t.tid":
		case strings.HasPrefix(key, "t."):
			tag := tagPrefix + key[len("t."):]
			text = strings.ReplaceAll(text, "~", "=")
			if validTag(tag, text) && travels(tag) {
				if tags.Len() == 0 {
					tags.Grow(len(value) + 32) // a tag is 4 bytes longer out there
				}
				writeTag(&tags, tag, text)
				continue
			}
			fallthrough // legal here, but x-datadog-tags could not carry it
		default:
			if foreign.Len() > 0 {
				foreign.WriteByte(';')
			}
			foreign.WriteString(entry)
		}
	}
	d.Tags.wire = tags.String()
	if repeatsKey(d.Tags.wire) {
		d.Tags.wire = keepTravelling(d.Tags.wire)
	}
	d.foreign = foreign.String()
	return d, true
}

// AppendMember appends the value of the tracestate member `dd`, at most 253 bytes: priority, origin, last parent, tags, in this order, so
// that what matters most is written first. An entry that does not fit is left out whole, and complete is then false.
// Characters the member cannot hold are replaced: it is lossy for origins and tags with "," ";" "~" or anything outside 0x20-0x7E.
func (d *TraceData) AppendMember(dst []byte) (value []byte, complete bool) {
	m := memberWriter{dst: dst, start: len(dst), complete: true}
	if d.HasPriority {
		var number [20]byte
		m.entry("", "s", string(strconv.AppendInt(number[:0], int64(d.Priority), 10)), &verbatim)
	}
	if d.Origin != "" {
		m.entry("", "o", d.Origin, &valueEscapes)
	}
	if d.LastParent != "" {
		m.entry("", "p", d.LastParent, &verbatim)
	}
	for key, tag := range d.Tags.All() {
		m.entry("t.", key[len(tagPrefix):], tag, &valueEscapes)
	}
	if d.foreign != "" {
		for entry := range strings.SplitSeq(d.foreign, ";") {
			key, text, _ := strings.Cut(entry, ":")
			m.entry("", key, text, &verbatim)
		}
	}
	// A list member ends where its blanks begin, so a last blank could not arrive anyway.
	for len(m.dst) > m.start && m.dst[len(m.dst)-1] == ' ' {
		m.dst = m.dst[:len(m.dst)-1]
	}
	return m.dst, m.complete
}

type memberWriter struct {
	dst      []byte
	start    int
	complete bool
}

func (m *memberWriter) entry(prefix, key, text string, table *[256]byte) {
	before := len(m.dst)
	if before > m.start {
		m.dst = append(m.dst, ';')
	}
	m.dst = append(m.dst, prefix...)
	m.dst = appendEscaped(m.dst, key, &keyEscapes)
	m.dst = append(m.dst, ':')
	m.dst = appendEscaped(m.dst, text, table)
	if len(m.dst)-m.start > maxMemberValue {
		m.dst, m.complete = m.dst[:before], false
	}
}

// Escape tables: the byte to write, 0 for a byte that one "_" replaces together with its neighbours of the same kind.
var (
	keyEscapes   = escapes(",=;:", "")
	valueEscapes = escapes(",;~", "=")
	verbatim     = escapes(",;=", "") // but for what would break the list
)

func escapes(underscored, tilded string) (table [256]byte) {
	for c := byte(' '); c <= '~'; c++ {
		table[c] = c
	}
	for i := range len(underscored) {
		table[underscored[i]] = '_'
	}
	for i := range len(tilded) {
		table[tilded[i]] = '~'
	}
	return table
}

func appendEscaped(dst []byte, s string, table *[256]byte) []byte {
	inRun := false
	for i := range len(s) {
		c := table[s[i]]
		if c != 0 {
			dst = append(dst, c)
		} else if !inRun {
			dst = append(dst, '_')
		}
		inRun = c == 0
	}
	return dst
}

// reconcile makes the priority agree with the W3C sampled flag, which is the younger decision when they differ. A decision taken anew has a new
// maker: the default one for a keep, none for a drop.
func (d *TraceData) reconcile(sampled bool) {
	switch {
	case !d.HasPriority:
		d.Priority = PriorityAutoReject
		if sampled {
			d.Priority = PriorityAutoKeep
		}
		d.HasPriority = true
	case sampled && d.Priority <= 0:
		d.Priority = PriorityAutoKeep
		d.Tags, _ = d.Tags.With(dmKey, "-0")
	case !sampled && d.Priority > 0:
		d.Priority = PriorityAutoReject
		d.Tags = d.Tags.Without(dmKey)
	}
}

func (d *TraceData) isEmpty() bool {
	return !d.HasPriority && d.Origin == "" && d.Tags.wire == "" && d.LastParent == "" && d.foreign == ""
}
