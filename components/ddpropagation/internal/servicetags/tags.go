// Package servicetags finds the service, environment and version that a log line names, as Datadog's log injection writes them, and decides between
// them and what the sender's resource says.
package servicetags

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

// Tag is one of the three unified service tags.
type Tag uint8

// The tags.
const (
	Service Tag = iota
	Env
	Version
	// Tags is the number of tags.
	Tags
)

// String returns the tag as Datadog names it.
func (t Tag) String() string { return [Tags]string{"service", "env", "version"}[t] }

// Key returns the resource attribute that OpenTelemetry keeps the tag in.
func (t Tag) Key() string {
	return [Tags]string{"service.name", "deployment.environment.name", "service.version"}[t]
}

// Values are the three tags; an empty one is not said.
type Values [Tags]string

// maxValueBytes is the longest value that is taken for a tag: Datadog cuts them at 200 characters.
const maxValueBytes = 200

// Item is what one log record says.
type Item struct {
	// Own are the dd.* of the line.
	Own Values
	// Listed are those in ddtags.
	Listed Values
	// TagList is ddtags as a whole, Source ddsource and Host hostname.
	TagList, Source, Host string
}

// role is what a key holds.
type role uint8

const (
	noRole role = iota
	serviceTag
	envTag
	versionTag
	tagList
	source
	host
	ddMap   // service, env and version without their prefix
	wrapper // a map in which the tags may be
)

// keys are where loggers put tags: flat, behind the name of the map that they flattened, and in maps.
var keys = func() map[string]role {
	m := map[string]role{"ddtags": tagList, "ddsource": source, "hostname": host, "dd": ddMap}
	for name, r := range map[string]role{"service": serviceTag, "env": envTag, "version": versionTag} {
		m["dd."+name], m["dd_"+name] = r, r
		for _, w := range []string{"contextMap", "mdc", "mdlc", "named_tags", "record.extra", "extra", "properties", "Properties"} {
			m[w+".dd."+name], m[w+".dd_"+name] = r, r
		}
	}
	for _, w := range []string{"contextMap", "mdc", "mdlc", "named_tags", "record", "extra", "properties", "Properties"} {
		m[w] = wrapper
	}
	return m
}()

// shapes has a bit set for the first byte and length of every key, so that others need not be hashed to be passed over.
var shapes = func() (s [64]uint64) {
	for name := range keys {
		s[name[0]&63] |= 1 << (len(name) & 63)
	}
	return s
}()

// maxDepth is how many maps inside one another are looked into: record, extra and dd.
const maxDepth = 3

// Read collects what attributes, or a body that is a map, say. What was found before stays.
func (it *Item) Read(m pcommon.Map) { it.read(m, 0) }

func (it *Item) read(m pcommon.Map, depth int) {
	for key, v := range m.All() {
		if key == "" || shapes[key[0]&63]&(1<<(len(key)&63)) == 0 {
			continue
		}
		switch r := keys[key]; r {
		case noRole:
		case serviceTag, envTag, versionTag:
			set(&it.Own[r-serviceTag], v)
		case tagList:
			if it.TagList == "" && v.Type() == pcommon.ValueTypeStr {
				it.TagList = v.Str()
				it.readList()
			}
		case source:
			set(&it.Source, v)
		case host:
			set(&it.Host, v)
		default:
			if v.Type() != pcommon.ValueTypeMap || depth == maxDepth {
				continue
			}
			if r == wrapper {
				it.read(v.Map(), depth+1)
				continue
			}
			for tag := range Tags {
				if inner, ok := v.Map().Get(tag.String()); ok {
					set(&it.Own[tag], inner)
				}
			}
		}
	}
}

func set(to *string, v pcommon.Value) {
	if *to != "" {
		return
	}
	var text string
	switch v.Type() {
	case pcommon.ValueTypeStr:
		text = v.Str()
	case pcommon.ValueTypeInt, pcommon.ValueTypeDouble: // a version
		text = v.AsString()
	}
	if speaks(text) {
		*to = text
	}
}

// ReadText collects what a line of text says.
func (it *Item) ReadText(text string) {
	if !strings.Contains(text, "dd.") {
		return
	}
	for tag, name := range [Tags]string{"dd.service", "dd.env", "dd.version"} {
		if it.Own[tag] == "" {
			if value, ok := ddid.FindTag(text, name); ok && speaks(value) {
				it.Own[tag] = value
			}
		}
	}
}

// readList takes the three tags out of ddtags, "env:prod,team:a".
func (it *Item) readList() {
	for key, value := range EachTag(it.TagList) {
		for tag := range Tags {
			if key == tag.String() && it.Listed[tag] == "" && speaks(value) {
				it.Listed[tag] = value
			}
		}
	}
}

// maxTags is how many tags of a list are read.
const maxTags = 64

// EachTag yields the tags of a list "key:value,key", at most 64. A tag without a colon has an empty value.
func EachTag(list string) func(yield func(key, value string) bool) {
	return func(yield func(key, value string) bool) {
		n := 0
		for entry := range strings.SplitSeq(list, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(entry), ":")
			if key == "" {
				continue
			}
			if n++; n > maxTags || !yield(key, strings.TrimSpace(value)) {
				return
			}
		}
	}
}

// speaks reports whether a text is a value, and not a way to say that there is none.
func speaks(text string) bool {
	if text == "" || len(text) > maxValueBytes || text == "none" || text == "null" || text == "-" || strings.HasPrefix(text, "unknown_service") {
		return false
	}
	// A pattern that nobody resolved.
	return !strings.HasPrefix(text, "%X{") && !strings.HasPrefix(text, "${")
}
