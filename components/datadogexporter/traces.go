package datadogexporter

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/hide"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/payload"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/sampling"
	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

// tracesExporter is the way of a batch of spans. ConsumeTraces is before the queue, push behind it.
type tracesExporter struct {
	*pipeline
	queue   exporter.Traces
	builder payload.Builder
	client  *intake.Client
	mapper  *ddspan.Mapper

	// Each is nil when it is not done here.
	stats   *statistics
	sampler *sampling.Sampler
	hider   *hide.Hider
}

func newTraces(ctx context.Context, set exporter.Settings, cfg *Config) (*tracesExporter, error) {
	p, err := newPipeline(set, cfg)
	if err != nil {
		return nil, err
	}
	mapper, err := ddspan.NewMapper(ddspan.Options{SpanNameAsResourceName: cfg.Traces.SpanNameAsResourceName, SpanNameRemappings: cfg.Traces.SpanNameRemappings})
	if err != nil {
		return nil, err
	}
	e := &tracesExporter{pipeline: p, mapper: mapper, builder: payload.Builder{
		Mapper: mapper, Host: cfg.host(), MaxBytes: payload.MaxBytes, Now: time.Now,
		Header: payload.Header{Host: cfg.host(), Env: "none", Version: agentVersion(set), ErrorTPS: cfg.Traces.ErrorTPS, RareSampler: cfg.Traces.RareSampler},
	}}
	if len(cfg.Traces.IgnoreResources) > 0 {
		ignore, err := regexp.Compile(strings.Join(cfg.Traces.IgnoreResources, "|"))
		if err != nil {
			return nil, fmt.Errorf("traces::ignore_resources: %w", err)
		}
		e.builder.IgnoreResource = ignore.MatchString
	}
	if cfg.Traces.Obfuscate {
		e.hider = hide.New()
	}
	if cfg.Traces.Sample {
		e.sampler = sampling.New(sampling.Rates{ErrorTPS: cfg.Traces.ErrorTPS, Rare: cfg.Traces.RareSampler})
	}
	if cfg.Traces.ComputeStats {
		if e.stats, err = newStatistics(ctx, set, p, mapper); err != nil {
			return nil, err
		}
	}
	e.queue, err = exporterhelper.NewTraces(ctx, set, cfg, e.push, p.options(e.start)...)
	return e, err
}

func (e *tracesExporter) start(ctx context.Context, host component.Host) (err error) {
	e.client, err = e.core.client(ctx, host, "traces", e.core.urls.traces)
	return err
}

// Start implements component.Component.
func (e *tracesExporter) Start(ctx context.Context, host component.Host) error {
	if err := e.pipeline.start(ctx, host, e.queue); err != nil || e.stats == nil {
		return err
	}
	return e.stats.start(ctx, host)
}

// Shutdown implements component.Component. What was counted goes into its queue first.
func (e *tracesExporter) Shutdown(ctx context.Context) error {
	if e.stats == nil {
		return e.pipeline.shutdown(ctx, e.queue)
	}
	e.core.stopping()
	err := e.stats.runner.Shutdown(ctx)
	return errors.Join(err, e.stats.queue.Shutdown(ctx), e.pipeline.shutdown(ctx, e.queue))
}

// Capabilities implements exporter.Traces.
func (e *tracesExporter) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: e.core.cfg.Traces.Sample || e.core.cfg.Traces.Obfuscate}
}

// ConsumeTraces implements exporter.Traces. What can't be worked out again behind the queue is worked out here, and kept once the
// queue has taken the batch: a batch that is refused and comes again is counted once.
func (e *tracesExporter) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	if e.hider != nil {
		e.hider.Traces(td)
	}
	counted := func(context.Context) {}
	if e.stats != nil || e.sampler != nil {
		batch := e.mapper.Group(td, e.core.cfg.host(), e.builder.Now)
		if e.stats != nil {
			counted = e.stats.count(batch)
		}
		if e.sampler != nil {
			e.sample(ctx, batch, td)
		}
	}
	if td.ResourceSpans().Len() > 0 {
		if err := e.queue.ConsumeTraces(ctx, td); err != nil {
			return err
		}
	}
	counted(ctx)
	return nil
}

// sample removes what is not kept.
func (e *tracesExporter) sample(ctx context.Context, batch ddspan.Batch, td ptrace.Traces) {
	res := e.sampler.Sample(batch, td, e.builder.Now())
	for reason, n := range res.LeftOut {
		e.core.tel.add(ctx, "spans_sampled_out", n, "reason", reason)
	}
	for reason, n := range res.Kept {
		e.core.tel.add(ctx, "traces_kept", n, "reason", reason)
	}
}

// push sends a batch. What it returns is what has to be sent again; the rest is delivered, or in quarantine.
func (e *tracesExporter) push(ctx context.Context, td ptrace.Traces) error {
	batch := e.builder.Build(td)
	e.core.tel.repaired(ctx, batch.Repairs)
	e.core.tel.add(ctx, "ignored_spans", batch.Ignored)
	for _, rs := range td.ResourceSpans().All() {
		e.core.seen("traces", rs.Resource())
	}
	again := e.withoutIDs(ctx, td, batch.NoID)
	parts, why := intake.Deliver(ctx, batch.Parts, intake.Sender[*payload.Part]{
		Post:   e.post,
		Halve:  (*payload.Part).Halve,
		Shrink: (*payload.Part).Shrink,
		Keep: func(ctx context.Context, p *payload.Part, reason string) error {
			otlp, err := ptraceotlp.NewExportRequestFromTraces(payload.Pick(td, p.Refs())).MarshalProto()
			return e.core.keep(ctx, "traces", reason, otlp, err)
		},
		Split: func(ctx context.Context, reason string) {
			e.core.tel.add(ctx, "splits", 1, "endpoint", "traces", "reason", reason)
		},
	})
	for _, p := range parts {
		again = append(again, p.Refs()...)
	}
	if len(again) == 0 {
		return nil
	}
	return throttled(consumererror.NewTraces(why.Err, payload.Pick(td, again)), why.Delay)
}

func (e *tracesExporter) post(ctx context.Context, p *payload.Part) intake.Answer {
	raw, err := p.Payload().MarshalVT()
	if err != nil {
		return intake.Answer{Err: fmt.Errorf("encode traces: %w", err), Action: e.core.action(400)}
	}
	body, err := e.core.zstd.Compress(raw)
	if err != nil {
		return intake.Answer{Err: err, Action: e.core.action(503)}
	}
	return e.client.Post(ctx, intake.Request{
		Body: body, Raw: len(raw), Type: "application/x-protobuf", Encoding: e.core.zstd.Encoding,
		Header: map[string]string{"X-Datadog-Reported-Languages": strings.Join(p.Languages(), "|")},
	})
}

// withoutIDs puts spans that Datadog has no place for in quarantine. It returns those that have to be tried again.
func (e *tracesExporter) withoutIDs(ctx context.Context, td ptrace.Traces, refs []payload.Ref) []payload.Ref {
	if len(refs) == 0 {
		return nil
	}
	e.core.warn("spans without a trace id or a span id can't be sent to Datadog", zap.Int("spans", len(refs)))
	if e.core.policy == nil {
		e.core.tel.add(ctx, "dropped_items", len(refs), "reason", "no_id")
		return nil
	}
	otlp, err := ptraceotlp.NewExportRequestFromTraces(payload.Pick(td, refs)).MarshalProto()
	if e.core.keep(ctx, "traces", "no_id", otlp, err) != nil {
		return refs
	}
	return nil
}

// throttled is an error that the queue answers with a pause of at least delay.
func throttled(err error, delay time.Duration) error {
	if delay > 0 {
		return exporterhelper.NewThrottleRetry(err, delay)
	}
	return err
}
