package datadogexporter

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/entry"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
)

// logsExporter is the way of a batch of log records. All of it is behind the queue.
type logsExporter struct {
	*pipeline
	queue  exporter.Logs
	maker  entry.Maker
	client *intake.Client
}

func newLogs(ctx context.Context, set exporter.Settings, cfg *Config) (*logsExporter, error) {
	p, err := newPipeline(set, cfg)
	if err != nil {
		return nil, err
	}
	e := &logsExporter{pipeline: p, maker: entry.Maker{Host: cfg.host(), Tags: cfg.Tags, Clamp: cfg.Logs.LateEntries == lateClamp, Now: time.Now}}
	e.queue, err = exporterhelper.NewLogs(ctx, set, cfg, e.push, p.options(e.start)...)
	return e, err
}

func (e *logsExporter) start(ctx context.Context, host component.Host) (err error) {
	e.client, err = e.core.client(ctx, host, "logs", e.core.urls.logs)
	return err
}

// Start implements component.Component.
func (e *logsExporter) Start(ctx context.Context, host component.Host) error {
	return e.pipeline.start(ctx, host, e.queue)
}

// Shutdown implements component.Component.
func (e *logsExporter) Shutdown(ctx context.Context) error { return e.pipeline.shutdown(ctx, e.queue) }

// Capabilities implements exporter.Logs.
func (e *logsExporter) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs implements exporter.Logs.
func (e *logsExporter) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	return e.queue.ConsumeLogs(ctx, ld)
}

// push sends a batch. What it returns is what has to be sent again.
func (e *logsExporter) push(ctx context.Context, ld plog.Logs) error {
	for _, rl := range ld.ResourceLogs().All() {
		e.core.seen("logs", rl.Resource())
	}
	batch := e.maker.Batch(ld)
	e.core.tel.add(ctx, "late_items", batch.Late, "signal", "logs")
	e.core.tel.add(ctx, "truncated_entries", batch.Truncated)
	parts, why := intake.Deliver(ctx, batch.Parts, intake.Sender[*entry.Part]{
		Post:  e.post,
		Halve: (*entry.Part).Halve,
		Keep: func(ctx context.Context, p *entry.Part, reason string) error {
			otlp, err := plogotlp.NewExportRequestFromLogs(entry.Pick(ld, p.Refs())).MarshalProto()
			return e.core.keep(ctx, "logs", reason, otlp, err)
		},
		Split: func(ctx context.Context, reason string) {
			e.core.tel.add(ctx, "splits", 1, "endpoint", "logs", "reason", reason)
		},
	})
	var again []entry.Ref
	for _, p := range parts {
		again = append(again, p.Refs()...)
	}
	if len(again) == 0 {
		return nil
	}
	return throttled(consumererror.NewLogs(why.Err, entry.Pick(ld, again)), why.Delay)
}

func (e *logsExporter) post(ctx context.Context, p *entry.Part) intake.Answer {
	raw := p.Body()
	body, err := e.core.gzip.Compress(raw)
	if err != nil {
		return intake.Answer{Err: err, Action: e.core.action(503)}
	}
	return e.client.Post(ctx, intake.Request{Body: body, Raw: len(raw), Type: "application/json", Encoding: e.core.gzip.Encoding})
}
