package datadogrumreceiver

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/convert"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/action"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/lifetime"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session/view"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/sourcemaps"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/vitals"
)

// maxFlush and maxFlushBytes bound one hand-over.
const (
	maxFlush      = 1000
	maxFlushBytes = 2 << 20
)

// flusher hands on what was held. Its mutex admits one hand-over at a time, so
// an item is never handed on twice; what a pipeline refuses for now stays held.
type flusher struct {
	sessions *session.Sessions
	intake   interface{ Evicted() int64 }
	out      *pipelines
	maps     *sourcemaps.Store
	tel      *telemetry
	maxAge   time.Duration

	mu      sync.Mutex
	reader  event.Reader
	writer  *convert.Writer
	ev      event.Event
	vitals  *vitals.Histograms
	evicted int64 // dedupe keys, as counted so far
}

func newFlusher(r *rum) *flusher {
	return &flusher{
		sessions: r.sessions, intake: r.intake, out: r.out, maps: r.maps, tel: r.tel, maxAge: r.cfg.MaxEventAge,
		writer: r.newWriter(), vitals: vitals.New(&r.cfg.Vitals),
	}
}

// flush hands on what must leave at now.
func (f *flusher) flush(ctx context.Context, now time.Time, mode session.Mode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := errors.Join(f.actions(ctx, now, mode), f.failures(ctx, now, mode))
	if mode != session.Changed {
		err = errors.Join(err, f.views(ctx, now, mode), f.lifetimes(ctx, now, mode))
		gone := f.sessions.Expire(now, mode)
		f.count(ctx, gone)
		err = errors.Join(err, f.metrics(ctx, now))
	}
	if saveErr := f.sessions.Save(ctx); saveErr != nil {
		f.tel.ReceiverDatadogRumStorageErrors.Add(ctx, 1, f.tel.self)
		err = errors.Join(err, saveErr)
	}
	return err
}

func (f *flusher) count(ctx context.Context, gone session.Expired) {
	if gone.Early > 0 {
		f.tel.ReceiverDatadogRumEvictions.Add(ctx, gone.Early, f.tel.heldAction)
	}
	if gone.Dropped > 0 {
		f.tel.ReceiverDatadogRumDroppedActions.Add(ctx, gone.Dropped, f.tel.self)
	}
	evicted := f.sessions.Evicted() + f.intake.Evicted()
	if n := evicted - f.evicted; n > 0 {
		f.tel.ReceiverDatadogRumEvictions.Add(ctx, n, f.tel.dedupe)
	}
	f.evicted = evicted
}

// begin starts an empty batch.
func (f *flusher) begin() {
	f.writer.Begin()
	f.reader.Reset()
}

// read reads what was held into ev.
func (f *flusher) read(line string, from *event.Origin) bool {
	doc, err := f.reader.Read(line)
	return err == nil && f.ev.Read(doc, line, from.Shift) == nil
}

// portion is how many of the items, whose sizes size tells, one hand-over takes.
func portion(items int, size func(int) int) (n int) {
	for total := 0; n < min(items, maxFlush); n++ {
		if total += size(n); n > 0 && total > maxFlushBytes {
			break
		}
	}
	return n
}

func (f *flusher) actions(ctx context.Context, now time.Time, mode session.Mode) error {
	due := f.sessions.DueActions(now, mode)
	for len(due) > 0 {
		n := portion(len(due), func(i int) int { return len(due[i].Line.Text) })
		if err := f.sendActions(ctx, due[:n]); err != nil {
			f.sessions.ReturnActions(due)
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendActions(ctx context.Context, due []action.Span) error {
	f.begin()
	for i := range due {
		if f.read(due[i].Line.Text, due[i].Line.From) { // always: it was read before it was held
			f.writer.Action(&f.ev, &due[i])
		}
	}
	err := f.out.consumeTraces(ctx, f.writer.Traces(), f.writer.Spans())
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.sessions.ActionsSent(due)
	for i := range due {
		f.tel.ReceiverDatadogRumActionSpans.Add(ctx, 1, f.tel.spanKinds[due[i].Kind])
	}
	if err != nil {
		f.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(len(due)), f.tel.heldAction)
	}
	return nil
}

// failures hands on the errors that waited for their actions.
func (f *flusher) failures(ctx context.Context, now time.Time, mode session.Mode) error {
	due := f.sessions.DueRecords(now, mode)
	for len(due) > 0 {
		n := portion(len(due), func(i int) int { return len(due[i].Line.Text) })
		if err := f.sendFailures(ctx, now, due[:n]); err != nil {
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendFailures(ctx context.Context, now time.Time, due []action.Record) error {
	f.begin()
	var stacks [sourcemaps.Results]int64
	for _, d := range due {
		if f.read(d.Line.Text, d.Line.From) { // always: it was read before it was held
			place := f.sessions.Place(&f.ev, d)
			var result sourcemaps.Result
			place.Stack, result, _ = f.maps.Symbolicate(f.ev.Text("service"), f.ev.Text("version"), f.ev.Text("error", "stack"), now)
			stacks[result]++
			f.writer.Event(&f.ev, d.Line.From, &place)
		}
	}
	err := f.out.consumeLogs(ctx, f.writer.Logs(), f.writer.Records())
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.sessions.RecordsSent(due)
	f.tel.stacks(ctx, stacks)
	if err != nil {
		f.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(len(due)), f.tel.heldError)
	}
	return nil
}

func (f *flusher) views(ctx context.Context, now time.Time, mode session.Mode) error {
	due := f.sessions.DueViews(now, mode)
	for len(due) > 0 {
		n := portion(len(due), func(i int) int { return due[i].Bytes() })
		if err := f.sendViews(ctx, now, due[:n]); err != nil {
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendViews(ctx context.Context, now time.Time, due []view.Due) error {
	f.begin()
	measured := make([][]vitals.Vital, len(due))
	var loads []*view.View
	for i := range due {
		d := &due[i]
		partial, ok := f.readView(d)
		if !ok {
			f.tel.ReceiverDatadogRumHeldRefused.Add(ctx, 1, f.tel.heldView)
			continue
		}
		late := int64(d.From.Received)-int64(f.ev.Start) > int64(f.maxAge)
		measured[i] = f.view(d, partial, late)
		if !d.Was.Loaded && !late && f.ev.View != "" && (d.Final || convert.IsLoaded(&f.ev)) {
			f.writer.Load(&f.ev, d.From)
			loads = append(loads, d.View)
		}
	}
	err := f.out.consumeTraces(ctx, f.writer.Traces(), f.writer.Spans())
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.sessions.LoadsSent(loads)
	err = f.out.consumeLogs(ctx, f.writer.Logs(), f.writer.Records())
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.sessions.ViewsSent(due, now)
	if err != nil {
		f.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(len(due)), f.tel.heldView)
	}
	for i := range due {
		if due[i].Early {
			f.tel.ReceiverDatadogRumEvictions.Add(ctx, 1, f.tel.heldView)
		}
		for _, v := range measured[i] {
			if err == nil && due[i].Fresh&v.Bit() != 0 {
				f.vitals.Observe(v, now)
			}
		}
	}
	return nil
}

func (f *flusher) lifetimes(ctx context.Context, now time.Time, mode session.Mode) error {
	due := f.sessions.DueSessions(now, mode)
	for len(due) > 0 {
		n := portion(len(due), func(i int) int { return len(due[i].Line) })
		if err := f.sendLifetimes(ctx, due[:n]); err != nil {
			return err
		}
		due = due[n:]
	}
	return nil
}

func (f *flusher) sendLifetimes(ctx context.Context, due []lifetime.Due) error {
	f.begin()
	for i := range due {
		d := &due[i]
		if !f.read(d.Line, d.From) { // not reached: it is part of what was read before
			continue
		}
		late := int64(d.From.Received)-int64(d.End) > int64(f.maxAge)
		if d.Start {
			f.writer.Session(&f.ev, d.From, convert.SessionStart, d.Begin, late)
		}
		if f.ev.View = d.View; d.Ends() {
			f.writer.Session(&f.ev, d.From, convert.SessionEnd, d.End, late)
		}
	}
	err := f.out.consumeLogs(ctx, f.writer.Logs(), f.writer.Records())
	if err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.sessions.SessionsSent(due)
	if err != nil {
		f.tel.ReceiverDatadogRumHeldRefused.Add(ctx, int64(len(due)), f.tel.heldSession)
	}
	for i := range due {
		if due[i].Early {
			f.tel.ReceiverDatadogRumEvictions.Add(ctx, 1, f.tel.heldSession)
		}
	}
	return nil
}

// readView reads what is known of a view into ev; partial says that some of it is missing.
func (f *flusher) readView(d *view.Due) (partial, ok bool) {
	line, fallback, partial := d.Lines()
	if f.read(line, d.From) {
		return partial, true
	}
	// Each part was read before it was held: together they are more than one event may hold.
	return true, f.read(fallback, d.From)
}

// view writes the records of the view in ev and returns what it measured.
func (f *flusher) view(d *view.Due, partial, late bool) []vitals.Vital {
	found := vitals.Read(&f.ev, d.From)
	if d.Record {
		f.writer.View(&f.ev, d.From, partial, late)
	}
	for i := range found {
		v := &found[i]
		d.Measured |= v.Bit()
		d.Values[v.Index()] = v.Value
		if v.Delta = v.Value - d.Was.Values[v.Index()]; d.Record && (v.Delta != 0 || d.Was.Measured&v.Bit() == 0) {
			f.writer.Vital(&f.ev, d.From, v, late)
		}
	}
	if d.Final && !d.Was.Over {
		f.writer.Flags(&f.ev, d.From, late)
	}
	return found
}

// metrics hands the histograms on. What a pipeline refuses for now goes on being added to.
func (f *flusher) metrics(ctx context.Context, now time.Time) error {
	md, points := f.vitals.Metrics(now)
	if err := f.out.consumeMetrics(ctx, md, points); err != nil && !consumererror.IsPermanent(err) {
		return err
	}
	f.vitals.MarkSent(now)
	return nil
}
