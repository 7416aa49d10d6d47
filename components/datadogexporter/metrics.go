package datadogexporter

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/delta"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/series"
	"github.com/otelcol-obs/otelcol-obs/internal/answers"
	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
	"github.com/otelcol-obs/otelcol-obs/internal/journal"
)

// metricsExporter is the way of a batch of metrics: made delta before the queue, translated and sent behind it.
type metricsExporter struct {
	*pipeline
	set        exporter.Settings
	queue      exporter.Metrics
	translator *series.Translator
	stats      *statsSender
	series     *intake.Client
	sketches   *intake.Client

	// converting is held from the conversion of a batch until it is remembered.
	converting sync.Mutex
	converter  *delta.Converter
	journal    *journal.Journal
}

func newMetrics(ctx context.Context, set exporter.Settings, cfg *Config) (*metricsExporter, error) {
	p, err := newPipeline(set, cfg)
	if err != nil {
		return nil, err
	}
	m := cfg.Metrics
	e := &metricsExporter{pipeline: p, set: set, stats: &statsSender{core: p.core}}
	e.converter = delta.New(delta.Config{
		MaxSeries: m.Delta.MaxSeries, TTL: m.Delta.TTL, Initial: delta.Initial(m.Sums.InitialCumulativeMonotonicMode),
		Sums: m.Sums.CumulativeMonotonicMode == "to_delta", Now: time.Now,
	})
	p.core.tel.watchSeries(e.converter.Series)
	e.translator, err = series.New(set.TelemetrySettings, series.Options{
		Host: cfg.host(), Tags: cfg.Tags, HistogramMode: m.Histograms.Mode, HistogramAggregates: m.Histograms.SendAggregations,
		Quantiles: m.Summaries.Mode == "gauges", RawSums: m.Sums.CumulativeMonotonicMode == "raw_value",
		ResourceTags: m.ResourceAttributesAsTags, ScopeTags: m.InstrumentationScopeMetadataAsTags,
	})
	if err != nil {
		return nil, err
	}
	e.queue, err = exporterhelper.NewMetrics(ctx, set, cfg, e.push, p.options(e.start)...)
	return e, err
}

func (e *metricsExporter) start(ctx context.Context, host component.Host) (err error) {
	if e.series, err = e.core.client(ctx, host, "series", e.core.urls.series); err != nil {
		return err
	}
	if e.sketches, err = e.core.client(ctx, host, "sketches", e.core.urls.sketches); err != nil {
		return err
	}
	return e.stats.start(ctx, host)
}

// Start implements component.Component. What was remembered of series comes back before any batch does.
func (e *metricsExporter) Start(ctx context.Context, host component.Host) error {
	if q := e.core.cfg.Queue.Get(); q != nil && q.StorageID != nil {
		j, err := journal.Open(ctx, host, journal.Config{Storage: *q.StorageID, Kind: component.KindExporter, Owner: e.set.ID, Name: "last_points"})
		if err != nil {
			return err
		}
		e.journal = j
		err = j.Load(ctx, func(n uint64, value []byte) {
			if err := e.converter.Restore(n, value); err != nil {
				e.core.warn("a last point in storage can't be read", zap.Error(err))
			}
		})
		if err != nil {
			return fmt.Errorf("load last points: %w", err)
		}
	}
	return e.pipeline.start(ctx, host, e.queue)
}

// Shutdown implements component.Component.
func (e *metricsExporter) Shutdown(ctx context.Context) error {
	err := e.pipeline.shutdown(ctx, e.queue)
	if e.journal != nil {
		if jerr := e.journal.Close(ctx); err == nil {
			err = jerr
		}
	}
	return err
}

// Capabilities implements exporter.Metrics.
func (e *metricsExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeMetrics implements exporter.Metrics. The differences of cumulative points are remembered once the queue has the batch.
func (e *metricsExporter) ConsumeMetrics(ctx context.Context, md pmetric.Metrics) error {
	e.converting.Lock()
	defer e.converting.Unlock()
	if !e.core.cfg.Metrics.TraceStatistics {
		e.core.tel.add(ctx, "trace_statistics_left_out", removeStatistics(md))
	}
	change := e.converter.Convert(md)
	for reason, n := range change.LeftOut {
		e.core.tel.add(ctx, "delta_points_left_out", n, "reason", reason)
	}
	if md.ResourceMetrics().Len() > 0 {
		if err := e.queue.ConsumeMetrics(ctx, md); err != nil {
			return err
		}
	}
	if err := e.converter.Commit(ctx, change, e.journal); err != nil {
		e.core.warn("last points can't be written to storage", zap.Error(err))
	}
	return nil
}

// push sends a batch. What it returns is what has to be sent again.
func (e *metricsExporter) push(ctx context.Context, md pmetric.Metrics) error {
	statsRest, statsWhy := e.stats.deliver(ctx, e.stats.carried(ctx, md))
	batch, err := e.translator.Translate(ctx, md, time.Now(), isSent)
	if err != nil {
		return err
	}
	e.core.tel.add(ctx, "late_items", batch.Late, "signal", "metrics")
	for _, rm := range md.ResourceMetrics().All() {
		e.core.seen("metrics", rm.Resource())
	}
	undelivered := map[series.Ref]bool{}
	rest, why := e.deliver(ctx, md, "series", e.series, series.MaxSeriesCompressed, batch.Series)
	for _, p := range rest {
		for _, ref := range p.Refs() {
			undelivered[ref] = true
		}
	}
	// A series that comes again replaces itself, a distribution would be added: those of a metric go last.
	var sketches []*series.Part
	for _, p := range batch.Sketches {
		if p = p.Without(undelivered); !p.Empty() {
			sketches = append(sketches, p)
		}
	}
	rest, sketchWhy := e.deliver(ctx, md, "sketches", e.sketches, series.MaxSketchCompressed, sketches)
	for _, p := range rest {
		for _, ref := range p.Refs() {
			undelivered[ref] = true
		}
	}
	return e.again(md, undelivered, statsRest, why, sketchWhy, statsWhy)
}

// again is what has to be sent again, as an error the queue understands.
func (e *metricsExporter) again(md pmetric.Metrics, undelivered map[series.Ref]bool, stats []*pb.StatsPayload, reasons ...intake.Undelivered) error {
	if len(undelivered) == 0 && len(stats) == 0 {
		return nil
	}
	refs := make([]series.Ref, 0, len(undelivered))
	for ref := range undelivered {
		refs = append(refs, ref)
	}
	out := series.Pick(md, refs)
	carried, err := ddstats.Carry(stats)
	if err != nil {
		return err
	}
	carried.ResourceMetrics().MoveAndAppendTo(out.ResourceMetrics())
	var why intake.Undelivered
	for _, r := range reasons {
		if r.Err != nil {
			why.Err = r.Err
		}
		why.Delay = max(why.Delay, r.Delay)
	}
	return throttled(consumererror.NewMetrics(why.Err, out), why.Delay)
}

// statisticsPrefix begins the names of metrics that say what statistics say.
const statisticsPrefix = "datadog.trace."

// removeStatistics removes metrics that say what statistics say, and returns how many points that were.
func removeStatistics(md pmetric.Metrics) (points int) {
	before := md.DataPointCount()
	md.ResourceMetrics().RemoveIf(func(rm pmetric.ResourceMetrics) bool {
		rm.ScopeMetrics().RemoveIf(func(sm pmetric.ScopeMetrics) bool {
			sm.Metrics().RemoveIf(func(m pmetric.Metric) bool { return strings.HasPrefix(m.Name(), statisticsPrefix) })
			return sm.Metrics().Len() == 0
		})
		return rm.ScopeMetrics().Len() == 0
	})
	return before - md.DataPointCount()
}

// isSent reports whether a metric becomes series: a carrier of statistics does not, nor what stands beside it for other backends.
func isSent(scope pmetric.ScopeMetrics, m pmetric.Metric) bool {
	if ddstats.IsCarrier(m) {
		return false
	}
	if !strings.HasPrefix(m.Name(), statisticsPrefix) {
		return true
	}
	for _, beside := range scope.Metrics().All() {
		if ddstats.IsCarrier(beside) {
			return false
		}
	}
	return true
}

func (e *metricsExporter) deliver(ctx context.Context, md pmetric.Metrics, endpoint string, client *intake.Client, limit int, parts []*series.Part) ([]*series.Part, intake.Undelivered) {
	return intake.Deliver(ctx, parts, intake.Sender[*series.Part]{
		Post:  func(ctx context.Context, p *series.Part) intake.Answer { return e.post(ctx, client, limit, p) },
		Halve: (*series.Part).Halve,
		Keep: func(ctx context.Context, p *series.Part, reason string) error {
			otlp, err := pmetricotlp.NewExportRequestFromMetrics(series.Pick(md, p.Refs())).MarshalProto()
			return e.core.keep(ctx, "metrics", reason, otlp, err)
		},
		Split: func(ctx context.Context, reason string) {
			e.core.tel.add(ctx, "splits", 1, "endpoint", endpoint, "reason", reason)
		},
	})
}

func (e *metricsExporter) post(ctx context.Context, client *intake.Client, limit int, p *series.Part) intake.Answer {
	raw, err := p.Body()
	if err != nil {
		return intake.Answer{Err: err, Action: e.core.action(400)}
	}
	body, err := e.core.zstd.Compress(raw)
	if err != nil {
		return intake.Answer{Err: err, Action: e.core.action(503)}
	}
	if len(body) > limit {
		return intake.Answer{Err: fmt.Errorf("%d bytes are more than the %d that %s takes", len(body), limit, client.URL), Action: answers.Split}
	}
	return client.Post(ctx, intake.Request{Body: body, Raw: len(raw), Type: "application/x-protobuf", Encoding: e.core.zstd.Encoding})
}
