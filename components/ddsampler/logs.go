package ddsampler

import (
	"context"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor/processorhelper"

	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/memory"
	"github.com/otelcol-obs/otelcol-obs/components/ddsampler/internal/otstate"
)

type logSampler struct {
	*shared
	follow        bool
	probabilistic bool
}

func newLogSampler(s *shared, cfg *Config) *logSampler {
	return &logSampler{shared: s, follow: cfg.Logs == logsFollow, probabilistic: cfg.Mode == modeProbabilistic}
}

func (p *logSampler) processLogs(ctx context.Context, ld plog.Logs) (plog.Logs, error) {
	var counts [outcomeCount]int64
	p.walk(ld, &counts)
	p.countRecords(ctx, &counts)
	if counts[dropped] > 0 && ld.LogRecordCount() == 0 {
		return ld, processorhelper.ErrSkipProcessingData
	}
	return ld, nil
}

func (p *logSampler) walk(ld plog.Logs, counts *[outcomeCount]int64) {
	p.memory.Lock(time.Now())
	defer p.memory.Unlock()
	for _, rl := range ld.ResourceLogs().All() {
		rate := p.rates.OfResource(rl.Resource())
		for _, sl := range rl.ScopeLogs().All() {
			if p.follow {
				sl.LogRecords().RemoveIf(func(record plog.LogRecord) bool { return p.judge(record, rate, counts) == dropped })
				continue
			}
			for _, record := range sl.LogRecords().All() {
				p.judge(record, rate, counts)
			}
		}
	}
}

// judge counts a record and returns what becomes of it. A record whose trace nobody has seen yet is kept as it is.
func (p *logSampler) judge(record plog.LogRecord, rate float64, counts *[outcomeCount]int64) outcome {
	id := record.TraceID()
	if id.IsEmpty() {
		return kept
	}
	o := unknown
	switch p.verdict(id, rate) {
	case memory.Kept, memory.KeptForError, memory.KeptForShape:
		o = kept
	case memory.Dropped:
		o = marked
		switch {
		case !p.follow:
			record.Attributes().PutBool(sampledKey, false)
		case record.SeverityNumber() >= plog.SeverityNumberError:
			o = kept
		default:
			o = dropped
		}
	}
	counts[o]++
	return o
}

func (p *logSampler) verdict(id pcommon.TraceID, rate float64) memory.Verdict {
	v, _ := p.memory.Get(id)
	if v == memory.Unknown && p.probabilistic {
		if otstate.Keeps(binary.BigEndian.Uint64(id[8:]), rate) {
			return memory.Kept
		}
		return memory.Dropped
	}
	return v
}

// passLogs is all there is to do under logs: keep.
func passLogs(_ context.Context, ld plog.Logs) (plog.Logs, error) { return ld, nil }
