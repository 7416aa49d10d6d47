package entry

import (
	"math"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// maxDepth is how deep maps become names with dots. What is deeper stays an object.
const maxDepth = 10

// value is an attribute under its whole name.
type value struct {
	key string
	v   any
}

// flat are attributes whose maps have become names with dots: Datadog makes objects of such names itself.
type flat struct{ values []value }

func (f *flat) attributes(m pcommon.Map) {
	for k, v := range m.All() {
		if !strings.HasPrefix(k, internalPrefix) {
			f.add(k, v, 1)
		}
	}
}

func (f *flat) add(key string, v pcommon.Value, depth int) {
	if v.Type() == pcommon.ValueTypeMap && depth < maxDepth && v.Map().Len() > 0 {
		for k, inner := range v.Map().All() {
			f.add(key+"."+k, inner, depth+1)
		}
		return
	}
	f.values = append(f.values, value{key, plain(v)})
}

// plain is a value that JSON can write.
func plain(v pcommon.Value) any {
	switch v.Type() {
	case pcommon.ValueTypeDouble:
		if d := v.Double(); math.IsNaN(d) || math.IsInf(d, 0) {
			return v.AsString()
		}
	case pcommon.ValueTypeBytes:
		return v.AsString()
	case pcommon.ValueTypeMap:
		object := make(map[string]any, v.Map().Len())
		for k, inner := range v.Map().All() {
			object[k] = plain(inner)
		}
		return object
	case pcommon.ValueTypeSlice:
		list := make([]any, 0, v.Slice().Len())
		for _, inner := range v.Slice().All() {
			list = append(list, plain(inner))
		}
		return list
	}
	return v.AsRaw()
}

// messageKeys are where a body that is a map has its message.
var messageKeys = [...]string{"message", "msg", "log", "event"}

// body returns the message and takes the rest of a body that is a map for attributes.
func (f *flat) body(body pcommon.Value) string {
	if body.Type() != pcommon.ValueTypeMap {
		return body.AsString()
	}
	from := ""
	for _, key := range messageKeys {
		if v, ok := body.Map().Get(key); ok && v.Type() == pcommon.ValueTypeStr {
			from = key
			break
		}
	}
	if from == "" {
		return body.AsString()
	}
	for k, v := range body.Map().All() {
		if k != from {
			f.add(k, v, 1)
		}
	}
	v, _ := body.Map().Get(from)
	return v.Str()
}

// missing adds what is not there yet.
func (f *flat) missing(more []value) {
	there := make(map[string]bool, len(f.values))
	for _, v := range f.values {
		there[v.key] = true
	}
	for _, v := range more {
		if !there[v.key] {
			f.values = append(f.values, v)
		}
	}
}

// into writes the fields, and the attributes beside them. An attribute that has a field's name and does not say the same becomes
// otel.<name>. One that would have to be a value and an object becomes <name>._value.
func (f *flat) into(e Entry, used fields) {
	for k, v := range used {
		if v != "" {
			e[k] = v
		}
	}
	keys := make([]string, 0, len(f.values))
	for _, v := range f.values {
		keys = append(keys, v.key)
	}
	slices.Sort(keys)
	for _, v := range f.values {
		key := v.key
		if field, ok := used[key]; ok {
			if field == v.v || key == "ddtags" {
				continue
			}
			key = "otel." + key
		}
		if v.key == "log.record.original" && v.v == used["message"] {
			continue
		}
		if hasBelow(keys, v.key) {
			key += "._value"
		}
		if _, taken := e[key]; !taken {
			e[key] = v.v
		}
	}
}

// hasBelow reports whether one of the sorted keys begins with key and a dot.
func hasBelow(keys []string, key string) bool {
	i, _ := slices.BinarySearch(keys, key+".")
	return i < len(keys) && strings.HasPrefix(keys[i], key+".")
}
