package pieces

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// Tx is what a message did to what is held, until Commit or Rollback.
type Tx struct {
	of    *Joiner
	held  []*part // put into lines
	done  []*line // emitted
	Count [outcomes]int
}

// Take takes the pieces out of logs and puts the lines that are whole in.
func (j *Joiner) Take(logs plog.Logs, now time.Time) *Tx {
	tx := &Tx{of: j}
	var emit []plog.Logs
	j.mu.Lock()
	defer j.mu.Unlock()
	logs.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
		rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
			sl.LogRecords().RemoveIf(func(lr plog.LogRecord) bool {
				taken, out := tx.take(rl, sl, lr, now)
				emit = append(emit, out...)
				return taken
			})
			return sl.LogRecords().Len() == 0
		})
		return rl.ScopeLogs().Len() == 0
	})
	emit = append(emit, tx.evict()...)
	for _, e := range emit {
		e.ResourceLogs().MoveAndAppendTo(logs.ResourceLogs())
	}
	return tx
}

// take looks at one record, and returns what is to be emitted because of it.
func (tx *Tx) take(rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord, now time.Time) (taken bool, emit []plog.Logs) {
	j := tx.of
	p := j.classify(rl.Resource(), lr)
	if p.style == whole {
		if !j.traces.any() || lr.Body().Type() != pcommon.ValueTypeStr {
			return false, nil
		}
		return tx.takeTrace(rl, sl, lr, now)
	}
	l := j.lines[p.key]
	if l != nil && p.ordinal > 0 && (p.ordinal <= l.emitted || slices.ContainsFunc(l.parts, func(h *part) bool { return h.ordinal == p.ordinal })) {
		// It came before: the acknowledgement was lost. What is held counts.
		return true, nil
	}
	l = tx.hold(p, rl, sl, lr, now)
	switch {
	case l.complete():
		emit = append(emit, tx.emit(l, Joined))
	case l.bytes >= MaxLineBytes:
		emit = append(emit, tx.split(l, now)...)
	}
	return true, emit
}

// takeTrace holds a line that lines of a trace may follow, and those that do.
func (tx *Tx) takeTrace(rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord, now time.Time) (taken bool, emit []plog.Logs) {
	j := tx.of
	text := lr.Body().Str()
	p := piece{style: trace, key: "trace\x00" + stream(rl.Resource(), lr.Attributes())}
	if l := j.lines[p.key]; l != nil {
		if j.traces.follows(l.trace, text) && l.bytes < MaxLineBytes {
			tx.hold(p, rl, sl, lr, now)
			return true, nil
		}
		emit = append(emit, tx.emit(l, Joined))
	}
	if !j.traces.mayBegin(text) {
		return false, emit
	}
	tx.hold(p, rl, sl, lr, now)
	return true, emit
}

// hold moves a record into a line.
func (tx *Tx) hold(p piece, rl plog.ResourceLogs, sl plog.ScopeLogs, lr plog.LogRecord, now time.Time) *line {
	j := tx.of
	logs := plog.NewLogs()
	to := logs.ResourceLogs().AppendEmpty()
	rl.Resource().CopyTo(to.Resource())
	to.SetSchemaUrl(rl.SchemaUrl())
	scope := to.ScopeLogs().AppendEmpty()
	sl.Scope().CopyTo(scope.Scope())
	scope.SetSchemaUrl(sl.SchemaUrl())
	lr.MoveTo(scope.LogRecords().AppendEmpty())
	held := &part{logs: logs, ordinal: p.ordinal, last: p.last, number: noNumber}
	tx.held = append(tx.held, held)
	return j.add(p, held, now)
}

func (l *line) complete() bool {
	if l.kind != docker {
		return l.parts[len(l.parts)-1].last
	}
	for _, p := range l.parts {
		if p.last {
			return p.ordinal == l.emitted+len(l.parts)
		}
	}
	return false
}

// emit takes a line out and returns it as one record. The line itself is kept for a rollback.
func (tx *Tx) emit(l *line, o Outcome) plog.Logs {
	tx.of.detach(l)
	tx.done = append(tx.done, l)
	if l.kind != trace || len(l.parts) > 1 {
		tx.Count[o]++
	}
	return l.joined(o)
}

// split emits what there is of a line that is too long, and goes on with the rest.
func (tx *Tx) split(l *line, now time.Time) []plog.Logs {
	out := tx.emit(l, Split)
	rest := &line{key: l.key, kind: l.kind, emitted: l.emitted + len(l.parts), until: now.Add(age(l.kind))}
	tx.of.lines[rest.key] = rest
	rest.place = tx.of.order.PushBack(rest)
	return []plog.Logs{out}
}

// evict emits the oldest while too much is held.
func (tx *Tx) evict() (emit []plog.Logs) {
	j := tx.of
	for len(j.lines) > MaxLines || j.bytes > j.maxBytes {
		if l := j.order.Front().Value.(*line); len(l.parts) > 0 {
			emit = append(emit, tx.emit(l, Incomplete))
		} else {
			j.detach(l)
		}
	}
	return emit
}

// joined makes one record of the parts, in order.
func (l *line) joined(o Outcome) plog.Logs {
	parts := slices.Clone(l.parts)
	slices.SortStableFunc(parts, func(a, b *part) int { return a.ordinal - b.ordinal })
	out := plog.NewLogs()
	parts[0].logs.CopyTo(out)
	if l.kind == trace && len(parts) == 1 {
		return out
	}
	separator := ""
	if l.kind == trace {
		separator = "\n"
	}
	var b strings.Builder
	for i, p := range parts {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(body(p.logs))
	}
	lr := record(out)
	lr.Body().SetStr(b.String())
	attrs := lr.Attributes()
	attrs.RemoveIf(func(k string, _ pcommon.Value) bool {
		return k == partialMessage || k == partialID || k == partialOrdinal || k == partialLast || k == logTag
	})
	attrs.PutInt(countKey, int64(len(parts)))
	if o != Joined {
		attrs.PutStr(partialKey, Outcomes[o])
	}
	return out
}

// Hold stores what the message left to be held. Nothing of it may be acknowledged before.
func (tx *Tx) Hold(ctx context.Context) error {
	j := tx.of
	j.mu.Lock()
	stored := false
	for _, p := range tx.held {
		if p.done || p.line.place == nil {
			continue // its line is whole
		}
		value, err := new(plog.ProtoMarshaler).MarshalLogs(p.logs)
		if err != nil {
			j.mu.Unlock()
			return err
		}
		p.number = j.store.Number()
		j.store.Set(p.number, func() []byte { return value })
		stored = true
	}
	j.mu.Unlock()
	if !stored {
		return nil
	}
	return j.store.Sync(ctx)
}

// Commit forgets the lines that were emitted: the pipeline has them.
func (tx *Tx) Commit() {
	j := tx.of
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, l := range tx.done {
		for _, p := range l.parts {
			p.done = true
			j.forget(p)
		}
	}
}

// forget removes a part from the store.
func (j *Joiner) forget(p *part) {
	if p.number != noNumber {
		j.store.Remove(p.number)
		p.number = noNumber
	}
}

// Rollback makes everything as it was before the message came.
func (tx *Tx) Rollback() {
	j := tx.of
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, p := range tx.held {
		l := p.line
		j.forget(p)
		i := slices.Index(l.parts, p)
		if p.done || i < 0 {
			continue
		}
		l.parts = slices.Delete(l.parts, i, i+1)
		n := bodyBytes(p.logs)
		l.bytes -= n
		if l.place != nil {
			if j.bytes -= n; len(l.parts) == 0 {
				j.detach(l)
			}
		}
	}
	for _, l := range tx.done {
		if len(l.parts) > 0 {
			j.attach(l)
		}
	}
}

// Expired takes out the lines whose time is over, or all, and returns them as logs. The caller hands them on, then commits or rolls
// back.
func (j *Joiner) Expired(now time.Time, all bool) (plog.Logs, *Tx) {
	tx := &Tx{of: j}
	out := plog.NewLogs()
	j.mu.Lock()
	defer j.mu.Unlock()
	for at := j.order.Front(); at != nil; {
		l := at.Value.(*line)
		at = at.Next()
		switch {
		case !all && now.Before(l.until):
		case len(l.parts) == 0:
			j.detach(l)
		default:
			o := Incomplete
			if l.kind == trace {
				o = Joined
			}
			tx.emit(l, o).ResourceLogs().MoveAndAppendTo(out.ResourceLogs())
		}
	}
	return out, tx
}
