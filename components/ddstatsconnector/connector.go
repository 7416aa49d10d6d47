package ddstatsconnector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/ddstatsconnector/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
	"github.com/otelcol-obs/otelcol-obs/internal/sharedcomponent"
)

// statsComputed marks resources whose spans are counted. Datadog's exporters and the datadog receiver know it too.
const statsComputed = "_dd.stats_computed"

// statistics is what the pipelines of one connector share. A pipeline that is not configured is nil.
type statistics struct {
	cfg     *Config
	log     *zap.Logger
	traces  consumer.Traces
	metrics consumer.Metrics
	counter *ddstats.Counter
	runner  *ddstats.Runner
	sender  ddstats.Sender
	tel     *metadata.TelemetryBuilder
	self    metric.MeasurementOption
}

func newStatistics(set connector.Settings, cfg *Config) (*statistics, error) {
	mapper, err := ddspan.NewMapper(ddspan.Options{})
	if err != nil {
		return nil, err
	}
	tel, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	s := &statistics{
		cfg: cfg, log: set.Logger, tel: tel,
		counter: ddstats.NewCounter(mapper, cfg.Hostname, cfg.PeerTags, time.Now),
		sender:  ddstats.Sender{Hostname: cfg.agentHostname(), Env: "none", Version: "otelcol-obs-" + set.BuildInfo.Version},
		self:    metric.WithAttributeSet(attribute.NewSet(attribute.String("connector", set.ID.String()))),
	}
	s.counter.CountComputed = cfg.CountComputed
	s.runner = ddstats.NewRunner(ddstats.Config{
		Interval: cfg.BucketInterval, JournalInterval: cfg.JournalInterval, Limits: ddstats.DefaultLimits, Storage: cfg.Storage,
		Kind: component.KindConnector, Owner: set.ID, Send: s.send, Log: set.Logger, Now: time.Now,
	})
	return s, nil
}

// Start implements component.Component.
func (s *statistics) Start(ctx context.Context, host component.Host) error {
	if s.metrics == nil {
		return errors.New("dd_stats must be a receiver of a metrics pipeline, or nobody gets what it counts")
	}
	return s.runner.Start(ctx, host)
}

// Shutdown implements component.Component. Pipelines stop in the order of their data, so the next ones still take what is open.
func (s *statistics) Shutdown(ctx context.Context) error { return s.runner.Shutdown(ctx) }

// send hands a bucket on.
func (s *statistics) send(ctx context.Context, b *ddstats.Bucket) error {
	md := b.Metrics(s.cfg.BucketInterval)
	if s.cfg.Payload {
		payloads, err := s.sender.Payloads(b, int64(s.cfg.BucketInterval))
		if err != nil {
			return err
		}
		if len(payloads) > 0 {
			// Beside the first metrics: whoever posts the payload leaves those of its scope out, so all must be in one.
			if err := ddstats.CarryBeside(md, payloads); err != nil {
				return err
			}
		}
	}
	if err := s.metrics.ConsumeMetrics(ctx, md); err != nil {
		return fmt.Errorf("hand statistics on: %w", err)
	}
	s.tel.ConnectorDdStatsBuckets.Add(ctx, 1, s.self)
	return nil
}

// add adds what was counted of a batch that has been taken.
func (s *statistics) add(ctx context.Context, d ddstats.Delta) {
	counts, err := s.runner.Add(ctx, d)
	if err != nil {
		s.log.Warn("open statistics can't be written to storage", zap.Error(err))
	}
	s.tel.ConnectorDdStatsSpans.Add(ctx, int64(d.Spans()), s.self)
	s.tel.ConnectorDdStatsLateSpans.Add(ctx, int64(counts.Late), s.self)
	s.tel.ConnectorDdStatsOverflow.Add(ctx, int64(counts.Overflow), s.self)
}

// toTraces hands spans on and counts those that were taken.
type toTraces struct {
	*sharedcomponent.Handle[*statistics]
}

// Capabilities implements consumer.Traces.
func (*toTraces) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: true}
}

// ConsumeTraces implements consumer.Traces.
func (t *toTraces) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s := t.Instance()
	delta := s.counter.Count(td)
	for _, rs := range td.ResourceSpans().All() {
		rs.Resource().Attributes().PutStr(statsComputed, "true")
	}
	if err := s.traces.ConsumeTraces(ctx, td); err != nil {
		return err
	}
	s.add(ctx, delta)
	return nil
}

// toMetrics counts spans where no traces pipeline follows. Where one does, toTraces counts.
type toMetrics struct {
	*sharedcomponent.Handle[*statistics]
}

// Capabilities implements consumer.Traces.
func (*toMetrics) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeTraces implements consumer.Traces.
func (t *toMetrics) ConsumeTraces(ctx context.Context, td ptrace.Traces) error {
	s := t.Instance()
	if s.traces == nil {
		s.add(ctx, s.counter.Count(td))
	}
	return nil
}
