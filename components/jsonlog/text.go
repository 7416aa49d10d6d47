package jsonlog

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/jsonlog/internal/textline"
)

// text reads severity and time of a body that is a line of text.
func (p *spreader) text(record plog.LogRecord) {
	if record.Body().Type() != pcommon.ValueTypeStr || record.Body().Str() == "" {
		return
	}
	keepBody(record)
	severity := p.cfg.Text.Severity && record.SeverityNumber() == plog.SeverityNumberUnspecified
	if !severity && !p.cfg.Text.Time {
		return
	}
	facts := textline.Read(record.Body().Str())
	if severity && facts.Severity != plog.SeverityNumberUnspecified {
		record.SetSeverityNumber(facts.Severity)
		if record.SeverityText() == "" {
			record.SetSeverityText(facts.Text)
		}
	}
	if p.cfg.Text.Time && !facts.Time.IsZero() {
		if t, ok := fromTime(facts.Time); ok {
			setTime(record, t)
		}
	}
}

// fluentTag is on every record that came over Fluent forward.
const fluentTag = "fluent.tag"

// lineKeys are attributes that Datadog's exporter puts in the place of the body.
var lineKeys = [...]string{"log", "message", "msg"}

// keepBody renames what a Fluent record said beside its line of text, so that no exporter takes it for the line. Beside a line that was
// JSON it is the parsed message.
func keepBody(record plog.LogRecord) {
	attrs := record.Attributes()
	if _, found := attrs.Get(fluentTag); !found {
		return
	}
	if _, parsed := attrs.Get(originalKey); parsed {
		return
	}
	for _, key := range lineKeys {
		v, found := attrs.Get(key)
		if !found {
			continue
		}
		moved := pcommon.NewValueEmpty()
		v.MoveTo(moved)
		attrs.Remove(key)
		moved.MoveTo(attrs.PutEmpty("fluent." + key))
	}
}
