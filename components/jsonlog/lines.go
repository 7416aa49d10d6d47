package jsonlog

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/internal/json"
)

// maxSplit is how many lines one body may be.
const maxSplit = 128

// splitLines makes a record of each line of a body that is several, the first of them a JSON object. What is no JSON among them keeps
// its place.
func splitLines(records plog.LogRecordSlice) {
	several := false
	for _, record := range records.All() {
		several = several || lines(record) != nil
	}
	if !several {
		return
	}
	out := plog.NewLogRecordSlice()
	out.EnsureCapacity(records.Len() + 1)
	for _, record := range records.All() {
		found := lines(record)
		if found == nil {
			record.MoveTo(out.AppendEmpty())
			continue
		}
		for _, line := range found {
			one := out.AppendEmpty()
			record.CopyTo(one)
			one.Body().SetStr(line)
		}
	}
	records.RemoveIf(func(plog.LogRecord) bool { return true })
	out.MoveAndAppendTo(records)
}

// lines are those of the record's body, nil if it is one.
func lines(record plog.LogRecord) []string {
	if record.Body().Type() != pcommon.ValueTypeStr {
		return nil
	}
	body := record.Body().Str()
	first, rest, ok := strings.Cut(body, "\n")
	if !ok || !looksLikeObject(first) || strings.TrimSpace(rest) == "" {
		return nil
	}
	if _, parsed := record.Attributes().Get(originalKey); parsed {
		return nil
	}
	// An object written over several lines is one.
	reader := json.NewReader(first)
	if reader.Skip(); reader.End() != nil {
		return nil
	}
	if strings.Count(body, "\n") > 2*maxSplit {
		return nil
	}
	var found []string
	for line := range strings.SplitSeq(body, "\n") {
		if line = strings.TrimSuffix(line, "\r"); strings.TrimSpace(line) != "" {
			found = append(found, line)
		}
	}
	if len(found) > maxSplit {
		return nil
	}
	return found
}
