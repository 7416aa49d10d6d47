package entry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"go.opentelemetry.io/collector/pdata/plog"
)

// Limits of a request. https://docs.datadoghq.com/api/latest/logs/#send-logs
const (
	MaxEntries = 1000
	MaxBytes   = 5_000_000
	// maxEntry is less than the 1 MB at which the intake cuts an entry and says nothing.
	maxEntry = 900_000
)

// Ref says where in a batch a record is.
type Ref struct{ Resource, Scope, Record int32 }

// Part is what one request sends.
type Part struct {
	refs    []Ref
	entries [][]byte
	size    int
}

// Result is what became of a batch.
type Result struct {
	Parts           []*Part
	Late, Truncated int
}

// Batch makes the entries of a batch and groups them.
func (m *Maker) Batch(ld plog.Logs) Result {
	var res Result
	part := &Part{size: 2}
	for i, rl := range ld.ResourceLogs().All() {
		resource := NewResource(rl.Resource().Attributes())
		for j, sl := range rl.ScopeLogs().All() {
			for k, record := range sl.LogRecords().All() {
				entry, late := m.Make(resource, record)
				if late {
					res.Late++
				}
				raw, cut := encode(entry)
				if cut {
					res.Truncated++
				}
				if len(part.entries) == MaxEntries || part.size+len(raw)+1 > MaxBytes {
					res.Parts = append(res.Parts, part)
					part = &Part{size: 2}
				}
				part.refs = append(part.refs, Ref{int32(i), int32(j), int32(k)})
				part.entries = append(part.entries, raw)
				part.size += len(raw) + 1
			}
		}
	}
	if len(part.entries) > 0 {
		res.Parts = append(res.Parts, part)
	}
	return res
}

// encode writes an entry, its largest texts cut until it fits.
func encode(e Entry) (raw []byte, cut bool) {
	raw = marshal(e)
	for limit := maxEntry / 2; len(raw) > maxEntry && limit > 64; limit /= 2 {
		cut = true
		e["datadog.truncated"] = true
		for len(raw) > maxEntry && cutLargest(e, limit) {
			raw = marshal(e)
		}
	}
	if len(raw) > maxEntry {
		// Not the texts but their number: what Datadog needs is kept.
		small := Entry{"datadog.truncated": true}
		for _, k := range [...]string{"message", "service", "ddsource", "ddtags", "hostname", "status", "timestamp", "dd.trace_id", "dd.span_id", "otel.trace_id", "otel.span_id"} {
			if v, ok := e[k]; ok {
				small[k] = v
			}
		}
		return marshal(small), true
	}
	return raw, cut
}

func marshal(e Entry) []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any(e)); err != nil {
		return []byte("{}") // every value is one that JSON can write
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// cutLargest cuts the largest text above limit, at a rune.
func cutLargest(e Entry, limit int) bool {
	key, size := "", limit
	for k, v := range e {
		n := 0
		switch v := v.(type) {
		case string:
			n = len(v)
		case []any, map[string]any:
			raw, _ := json.Marshal(v)
			n = len(raw)
		}
		if n > size || n == size && k < key {
			key, size = k, n
		}
	}
	if key == "" {
		return false
	}
	s, ok := e[key].(string)
	if !ok {
		raw, _ := json.Marshal(e[key])
		s = string(raw)
	}
	end := limit
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	e[key] = strings.Clone(s[:end])
	return true
}

// Body is the JSON of the part.
func (p *Part) Body() []byte {
	out := make([]byte, 0, p.size+len(p.entries))
	out = append(out, '[')
	for i, e := range p.entries {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, e...)
	}
	return append(out, ']')
}

// Refs are the records of the part.
func (p *Part) Refs() []Ref { return p.refs }

// Halve cuts a part in two. It returns false for a single entry.
func (p *Part) Halve() (a, b *Part, ok bool) {
	n := len(p.entries)
	if n < 2 {
		return nil, nil, false
	}
	return &Part{refs: p.refs[:n/2], entries: p.entries[:n/2]}, &Part{refs: p.refs[n/2:], entries: p.entries[n/2:]}, true
}

// Pick returns some records of a batch, as a batch in the same order.
func Pick(ld plog.Logs, refs []Ref) plog.Logs {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b Ref) int {
		if a.Resource != b.Resource {
			return int(a.Resource - b.Resource)
		}
		if a.Scope != b.Scope {
			return int(a.Scope - b.Scope)
		}
		return int(a.Record - b.Record)
	})
	out := plog.NewLogs()
	var rl plog.ResourceLogs
	var sl plog.ScopeLogs
	last := Ref{-1, -1, -1}
	for _, ref := range refs {
		from := ld.ResourceLogs().At(int(ref.Resource))
		if ref.Resource != last.Resource {
			rl = out.ResourceLogs().AppendEmpty()
			from.Resource().CopyTo(rl.Resource())
			rl.SetSchemaUrl(from.SchemaUrl())
			last.Scope = -1
		}
		scope := from.ScopeLogs().At(int(ref.Scope))
		if ref.Scope != last.Scope {
			sl = rl.ScopeLogs().AppendEmpty()
			scope.Scope().CopyTo(sl.Scope())
			sl.SetSchemaUrl(scope.SchemaUrl())
		}
		scope.LogRecords().At(int(ref.Record)).CopyTo(sl.LogRecords().AppendEmpty())
		last = ref
	}
	return out
}
