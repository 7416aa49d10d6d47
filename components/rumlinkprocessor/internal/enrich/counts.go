package enrich

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// The attributes that say how many logs a span had.
const (
	AttrCount     = "log.count"
	AttrHasErrors = "log.has_errors"
)

// countNames are the attributes of index.Counts, in its order.
var countNames = func() (names [len(index.Counts{})]string) {
	names[0] = AttrCount + ".unspecified"
	for i, severity := range index.Severities {
		names[i+1] = AttrCount + "." + severity
	}
	return names
}()

// The places of the counts that are errors.
const (
	errorCount = 5
	fatalCount = 6
)

// Severity returns where a severity is counted: 0 for none or an unknown one.
func Severity(n plog.SeverityNumber) int {
	if n < plog.SeverityNumberTrace || n > plog.SeverityNumberFatal4 {
		return 0
	}
	return int(n-1)/4 + 1
}

// Counted reports whether an earlier hop has counted the span's logs.
func Counted(attrs pcommon.Map) bool {
	_, counted := attrs.Get(AttrCount)
	return counted
}

// putHasErrors says whether there were errors, and nothing where that is not
// certain: a log of unknown severity may have been one.
func putHasErrors(attrs pcommon.Map, errors, unknown bool) {
	if errors || !unknown {
		attrs.PutBool(AttrHasErrors, errors)
		return
	}
	if v, ok := attrs.Get(AttrHasErrors); ok && v.Type() == pcommon.ValueTypeBool && !v.Bool() {
		attrs.Remove(AttrHasErrors) // an earlier hop knew less
	}
}

// Counts writes how many logs a span had. Counts of an earlier hop are raised
// where more is known here, never added to.
func Counts(attrs pcommon.Map, counts *index.Counts) {
	var total, unknown, bad int64
	for i, c := range counts {
		count := int64(c)
		had, ok := attrs.Get(countNames[i])
		if ok && had.Type() == pcommon.ValueTypeInt && had.Int() >= count {
			count = had.Int()
		} else if count > 0 {
			attrs.PutInt(countNames[i], count)
		}
		total += count
		if i == 0 {
			unknown = count
		}
		if i == errorCount || i == fatalCount {
			bad += count
		}
	}
	attrs.PutInt(AttrCount, total)
	putHasErrors(attrs, bad > 0, unknown > 0)
}
