package ddpropagation

import (
	"context"
	"errors"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/ddid"
)

type logProcessor struct {
	cfg    LogsConfig
	finder *finder
	cache  *cache  // nil unless shared with the traces pipelines
	tags   *tagger // nil unless service_tags
	telemetry
	unreadable *unreadable
	labels     []string
	// Indexes of the sources that are not configured names.
	nowhere, cached, bodyMap, bodyJSON, bodyText int
}

func newLogProcessor(set processor.Settings, cfg *Config, c *cache) (*logProcessor, error) {
	var labels []string
	for _, s := range cfg.Logs.Sources {
		labels = append(labels, s.TraceID)
	}
	n := len(labels)
	labels = append(labels, "none", "cache", "body.map", "body.json")
	labels = append(labels, textLabels...)
	tel, err := newTelemetry(set, "logs", labels)
	var tags *tagger
	if cfg.Logs.ServiceTags {
		var errTags error
		tags, errTags = newTagger(set, cfg.Logs)
		err = errors.Join(err, errTags)
	}
	return &logProcessor{
		cfg: cfg.Logs, finder: newFinder(cfg.Logs.Sources), cache: c, tags: tags, telemetry: tel,
		unreadable: newUnreadable(set.Logger), labels: labels,
		nowhere: n, cached: n + 1, bodyMap: n + 2, bodyJSON: n + 3, bodyText: n + 4,
	}, err
}

func (p *logProcessor) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	var counts tally
	var h hits
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, record := range sl.LogRecords().All() {
				p.complete(record, &h, &counts)
			}
		}
	}
	p.add(ctx, &counts)
	if p.tags != nil {
		p.tags.process(ctx, ld)
	}
	return ld, nil
}

// complete gives the record the ids its sources hold.
func (p *logProcessor) complete(record plog.LogRecord, h *hits, counts *tally) {
	had := identityOf(record)
	id := had
	if p.cfg.OverwriteExisting {
		id = identity{}
	}
	heard, placeholder := p.hearAttributes(record.Attributes(), &id, h, counts)
	if p.cfg.OverwriteExisting {
		id.inherit(had)
	}
	if !id.hasTrace() && !placeholder && p.hearBody(record.Body(), &id, h, counts) {
		heard = true
	}
	if p.cache != nil && id.upper == 0 && id.lower != 0 {
		p.completeFromCache(&id, counts)
	}
	if !heard {
		o := absent
		if had.hasTrace() {
			o = unchanged
		}
		counts[p.nowhere][o]++
	}
	id.write(record, had)
}

// hearAttributes takes ids from the attributes, the most trusted source first, and reports whether they held any. placeholder says that the logger
// knew of no span: an id in the body is then somebody else's, quoted.
func (p *logProcessor) hearAttributes(attrs pcommon.Map, id *identity, h *hits, counts *tally) (heard, placeholder bool) {
	p.finder.scan(attrs, h)
	if h.found == 0 {
		return false, false
	}
	found := h.found
	for h.found != 0 {
		source := h.next()
		pair := &p.finder.pairs[source]
		if p.finder.isSpare(pair, attrs) {
			continue
		}
		o := p.hear(source, pair.family, id, pair.traceField(fieldOf(h.values[source])), fieldIn(attrs, pair.SpanID), counts)
		placeholder = placeholder || o == absent
	}
	// Under what was removed there may be another spelling of it, flat over nested.
	for more := !p.cfg.KeepAttributes; more; {
		more = p.removeSettled(attrs, id, found, counts)
	}
	return true, placeholder
}

// hear lets id take what the pair of fields adds to it, counts what became of them, and returns what became of the trace id.
func (p *logProcessor) hear(source int, family ddid.KeyFamily, id *identity, traceField, spanField field, counts *tally) outcome {
	v := id.hear(family, traceField, spanField)
	counts.count(source, v)
	if isUnreadable(v.trace) {
		p.unreadable.show(p.labels[source], v.trace, traceField.text)
	} else if isUnreadable(v.span) {
		p.unreadable.show(p.labels[source], v.span, spanField.text)
	}
	return v.trace
}

func (t *tally) count(source int, v verdict) {
	t[source][v.trace]++
	if v.hasSpan {
		t[source][v.span]++
	}
}

// write stores what changed.
func (id identity) write(record plog.LogRecord, had identity) {
	if id.upper != had.upper || id.lower != had.lower {
		record.SetTraceID(ddcontext.JoinTraceID(id.upper, id.lower))
	}
	if id.span != had.span {
		record.SetSpanID(ddcontext.SpanID(id.span))
	}
}

func (p *logProcessor) completeFromCache(id *identity, counts *tally) {
	upper, known := p.cache.get(id.lower, 0)
	switch {
	case upper != 0:
		id.upper = upper
		counts[p.cached][mapped]++
	case known:
		counts[p.cached][tidCollision]++
	default:
		counts[p.cached][absent]++
	}
}

// removeSettled removes those fields of the sources that say what the record will say, and reports whether there were any.
func (p *logProcessor) removeSettled(attrs pcommon.Map, id *identity, sources uint64, counts *tally) (removed bool) {
	for source := range p.finder.pairs {
		pair := &p.finder.pairs[source]
		if sources&(1<<source) == 0 {
			continue
		}
		v := id.hear(pair.family, pair.traceField(fieldIn(attrs, pair.TraceID)), fieldIn(attrs, pair.SpanID))
		if v.trace == mapped {
			counts.count(source, v) // only now uncovered
		}
		if settled(v.span) {
			removed = removeIn(attrs, pair.SpanID) || removed
		}
		if settled(v.trace) {
			removed = removeIn(attrs, pair.TraceID) || removed
		}
	}
	return removed
}

// removeIn removes what findIn finds.
func removeIn(m pcommon.Map, path string) bool {
	if m.Remove(path) {
		return true
	}
	for i := strings.LastIndexByte(path, '.'); i >= 0; i = strings.LastIndexByte(path[:i], '.') {
		if inner, ok := m.Get(path[:i]); ok && inner.Type() == pcommon.ValueTypeMap && removeIn(inner.Map(), path[i+1:]) {
			return true
		}
	}
	return false
}
