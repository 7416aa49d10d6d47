package jsonlog

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
)

// originalKey is where the line is kept, named by the semantic conventions.
const originalKey = "log.record.original"

// spreader turns JSON lines into attributes, body, severity and time.
type spreader struct {
	telemetry
	cfg *Config
}

func newSpreader(set processor.Settings, cfg *Config) (*spreader, error) {
	tel, err := newTelemetry(set)
	return &spreader{telemetry: tel, cfg: cfg}, err
}

func (p *spreader) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	var seen tally
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			if p.cfg.SplitLines {
				splitLines(sl.LogRecords())
			}
			for _, record := range sl.LogRecords().All() {
				seen.records[p.process(record, &seen)]++
			}
		}
	}
	p.record(ctx, &seen)
	return ld, nil
}

// process spreads the JSON line of one record, if it has one, and reads what a line of text says of itself. A record whose line
// begins as JSON and does not parse is not changed at all.
func (p *spreader) process(record plog.LogRecord, seen *tally) outcome {
	unwrapCRI(record)
	line, inBody := p.line(record)
	if line == "" {
		p.text(record)
		return plain
	}
	// An original that differs from the line means that the line is already
	// someone's reading of it: a message that happens to be JSON. Twice is once.
	if original, found := record.Attributes().Get(originalKey); found && original.Str() != line {
		return done
	}
	values, err := p.read(line, seen)
	if err != nil {
		return refused(err)
	}
	if w, ok := unwrap(values); ok {
		return p.spreadWrapped(record, line, inBody, values, w, seen)
	}
	p.keepOriginal(record, line)
	p.setTimeOf(record, values)
	p.spread(record, inBody, values, seen)
	return parsed
}

// read reads line within the bounds.
func (p *spreader) read(line string, seen *tally) (pcommon.Map, error) {
	values := pcommon.NewMap()
	if len(line) > p.cfg.MaxBytes {
		return values, errTooLarge
	}
	reader := parser{depth: p.cfg.MaxDepth, left: p.cfg.MaxValues}
	if err := reader.parse(line, values); err != nil {
		return values, err
	}
	seen.unused[duplicate] += int64(reader.twice)
	return values, nil
}

// spreadWrapped spreads the line in an object around it, and then what the object says beside it. The line's own time counts first.
func (p *spreader) spreadWrapped(record plog.LogRecord, line string, inBody bool, values pcommon.Map, w wrapped, seen *tally) outcome {
	p.keepOriginal(record, line)
	inner, err := pcommon.NewMap(), errInvalid
	if looksLikeObject(w.line) {
		inner, err = p.read(w.line, seen)
	}
	takeStream(record, values)
	timed := err == nil && p.setTimeOf(record, inner)
	if !timed {
		p.setTimeOf(record, values)
	}
	switch {
	case err == nil:
		values.Remove("log")
		p.spread(record, inBody, inner, seen)
	case w.docker && inBody:
		values.Remove("log")
		record.Body().SetStr(strings.TrimSuffix(strings.TrimSuffix(w.line, "\n"), "\r"))
		p.text(record)
	}
	p.spread(record, inBody && err != nil && !w.docker, values, seen)
	return parsed
}

func refused(err error) outcome {
	switch {
	case errors.Is(err, errTooDeep):
		return tooDeep
	case errors.Is(err, errTooMany):
		return tooMany
	case errors.Is(err, errTooLarge):
		return tooLarge
	}
	return invalid
}

// line returns the string to parse: one that begins with {, from the body or
// else from under a source key. inBody tells that the body is the line's to
// replace: it is the line, or empty.
func (p *spreader) line(record plog.LogRecord) (line string, inBody bool) {
	body := record.Body()
	switch body.Type() {
	case pcommon.ValueTypeStr:
		if looksLikeObject(body.Str()) {
			return body.Str(), true
		}
		inBody = body.Str() == ""
	case pcommon.ValueTypeMap:
		if line := p.under(body.Map()); line != "" {
			return line, false
		}
	case pcommon.ValueTypeEmpty:
		inBody = true
	}
	return p.under(record.Attributes()), inBody
}

func (p *spreader) under(m pcommon.Map) string {
	for _, key := range p.cfg.SourceKeys {
		if v, found := m.Get(key); found && v.Type() == pcommon.ValueTypeStr && looksLikeObject(v.Str()) {
			return v.Str()
		}
	}
	return ""
}

func looksLikeObject(s string) bool {
	s = strings.TrimLeft(s, " \t\r\n")
	return s != "" && s[0] == '{'
}

func (p *spreader) keepOriginal(record plog.LogRecord, line string) {
	if _, found := record.Attributes().Get(originalKey); !found && p.cfg.KeepOriginal {
		record.Attributes().PutStr(originalKey, line)
	}
}

// spread writes values into record. What the record already says stays, except
// the body that was the line.
func (p *spreader) spread(record plog.LogRecord, inBody bool, values pcommon.Map, seen *tally) {
	attrs := record.Attributes()
	attrs.EnsureCapacity(attrs.Len() + values.Len())
	p.setSeverity(record, values)
	p.setBody(record, values, inBody)
	for k, v := range values.All() {
		dest, found := attrs.GetOrPutEmpty(k)
		if !found {
			v.MoveTo(dest)
		} else if !dest.Equal(v) {
			seen.unused[existing]++
		}
	}
}

// setBody moves the message into the body, if the body is the line's to
// replace. A message the body says is not said again in an attribute; Fluentd's
// parser filter leaves such a one.
func (p *spreader) setBody(record plog.LogRecord, values pcommon.Map, replace bool) {
	for _, key := range p.cfg.BodyKeys {
		v, found := values.Get(key)
		if !found || v.Type() != pcommon.ValueTypeStr || v.Str() == "" {
			continue
		}
		if replace {
			record.Body().SetStr(v.Str())
		} else if !record.Body().Equal(v) {
			return
		}
		said := func(k string, _ pcommon.Value) bool { return k == key }
		if same, found := record.Attributes().Get(key); found && same.Equal(v) {
			record.Attributes().RemoveIf(said)
		}
		values.RemoveIf(said)
		return
	}
}

func (p *spreader) setSeverity(record plog.LogRecord, values pcommon.Map) {
	if record.SeverityNumber() != plog.SeverityNumberUnspecified {
		return
	}
	for _, key := range p.cfg.SeverityKeys {
		v, found := values.Get(key)
		if !found {
			continue
		}
		if number, text, ok := severity(key, v); ok {
			record.SetSeverityNumber(number)
			if record.SeverityText() == "" {
				record.SetSeverityText(text)
			}
			return
		}
	}
}

// setTimeOf takes the time out of values and reports whether there is one.
func (p *spreader) setTimeOf(record plog.LogRecord, values pcommon.Map) bool {
	for _, key := range p.cfg.TimeKeys {
		v, found := values.Get(key)
		if !found {
			continue
		}
		if t, ok := timestamp(v); ok {
			setTime(record, t)
			return true
		}
	}
	return false
}

// setTime sets the record's time: the application's own clock knows better than the shipper's, whose time becomes the observed time.
func setTime(record plog.LogRecord, t pcommon.Timestamp) {
	if record.ObservedTimestamp() == 0 && record.Timestamp() != t {
		record.SetObservedTimestamp(record.Timestamp())
	}
	record.SetTimestamp(t)
}
