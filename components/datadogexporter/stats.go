package datadogexporter

import (
	"bytes"
	"context"
	"fmt"
	"time"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/tinylib/msgp/msgp"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
	"github.com/otelcol-obs/otelcol-obs/internal/ddstats"
)

// statistics counts the spans of an exporter and sends what it counted through a queue of its own.
type statistics struct {
	core    *core
	counter *ddstats.Counter
	runner  *ddstats.Runner
	sender  ddstats.Sender
	queue   exporter.Metrics
	posts   *statsSender
}

func newStatistics(ctx context.Context, set exporter.Settings, p *pipeline, mapper *ddspan.Mapper) (*statistics, error) {
	cfg := p.core.cfg
	// A name of its own gives its queue a file of its own.
	set.ID = component.NewIDWithName(set.ID.Type(), set.ID.Name()+"_stats")
	s := &statistics{
		core:    p.core,
		counter: ddstats.NewCounter(mapper, cfg.host(), cfg.Traces.PeerTags, time.Now),
		sender:  ddstats.Sender{Hostname: cfg.statsHost(), Env: "none", Version: agentVersion(set)},
		posts:   &statsSender{core: p.core},
	}
	rc := ddstats.Config{
		Interval: cfg.Stats.BucketInterval, JournalInterval: cfg.Stats.JournalInterval, Limits: ddstats.DefaultLimits,
		Kind: component.KindExporter, Owner: set.ID, Send: s.send, Log: set.Logger, Now: time.Now,
	}
	if q := cfg.Queue.Get(); q != nil {
		rc.Storage = q.StorageID
	}
	s.runner = ddstats.NewRunner(rc)
	var err error
	s.queue, err = exporterhelper.NewMetrics(ctx, set, cfg, s.posts.push, p.options(s.posts.start)...)
	return s, err
}

func (s *statistics) start(ctx context.Context, host component.Host) error {
	if err := s.queue.Start(ctx, host); err != nil {
		return err
	}
	return s.runner.Start(ctx, host)
}

// count counts a batch. add is called when the batch has been taken.
func (s *statistics) count(b ddspan.Batch) (add func(context.Context)) {
	delta := s.counter.CountBatch(b)
	return func(ctx context.Context) {
		counts, err := s.runner.Add(ctx, delta)
		if err != nil {
			s.core.warn("open statistics can't be written to storage", zap.Error(err))
		}
		s.core.tel.add(ctx, "stats_late_spans", counts.Late)
		s.core.tel.add(ctx, "stats_overflow", counts.Overflow)
	}
}

// send hands a bucket to the queue.
func (s *statistics) send(ctx context.Context, b *ddstats.Bucket) error {
	payloads, err := s.sender.Payloads(b, int64(s.core.cfg.Stats.BucketInterval))
	if err != nil {
		return err
	}
	md, err := ddstats.Carry(payloads)
	if err != nil {
		return err
	}
	if err := s.queue.ConsumeMetrics(ctx, md); err != nil {
		return fmt.Errorf("queue statistics: %w", err)
	}
	s.core.tel.add(ctx, "stats_groups", groupsOf(payloads))
	return nil
}

func groupsOf(payloads []*pb.StatsPayload) (n int) {
	for _, p := range payloads {
		for _, c := range p.Stats {
			for _, b := range c.Stats {
				n += len(b.Stats)
			}
		}
	}
	return n
}

// statsSender posts payloads of statistics.
type statsSender struct {
	core   *core
	client *intake.Client
}

func (s *statsSender) start(ctx context.Context, host component.Host) (err error) {
	s.client, err = s.core.client(ctx, host, "stats", s.core.urls.stats)
	return err
}

// push sends what metrics carry. What it returns is what has to be sent again.
func (s *statsSender) push(ctx context.Context, md pmetric.Metrics) error {
	payloads := s.carried(ctx, md)
	rest, why := s.deliver(ctx, payloads)
	if len(rest) == 0 {
		return nil
	}
	again, err := ddstats.Carry(rest)
	if err != nil {
		return err
	}
	return throttled(consumererror.NewMetrics(why.Err, again), why.Delay)
}

// carried reads all payloads in metrics.
func (s *statsSender) carried(ctx context.Context, md pmetric.Metrics) (payloads []*pb.StatsPayload) {
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if !ddstats.IsCarrier(m) {
					continue
				}
				for _, point := range m.Sum().DataPoints().All() {
					p, err := ddstats.Carried(point)
					if err != nil {
						s.core.warn("statistics can't be read", zap.Error(err))
						s.core.tel.add(ctx, "dropped_items", 1, "reason", "unreadable_statistics")
						continue
					}
					payloads = append(payloads, p)
				}
			}
		}
	}
	return payloads
}

func (s *statsSender) deliver(ctx context.Context, payloads []*pb.StatsPayload) ([]*pb.StatsPayload, intake.Undelivered) {
	return intake.Deliver(ctx, payloads, intake.Sender[*pb.StatsPayload]{
		Post:  s.post,
		Halve: halveStats,
		Keep: func(ctx context.Context, p *pb.StatsPayload, reason string) error {
			md, err := ddstats.Carry([]*pb.StatsPayload{p})
			if err != nil {
				return err
			}
			otlp, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
			return s.core.keep(ctx, "metrics", reason, otlp, err)
		},
		Split: func(ctx context.Context, reason string) {
			s.core.tel.add(ctx, "splits", 1, "endpoint", "stats", "reason", reason)
		},
	})
}

func (s *statsSender) post(ctx context.Context, p *pb.StatsPayload) intake.Answer {
	var raw bytes.Buffer
	if err := msgp.Encode(&raw, p); err != nil {
		return intake.Answer{Err: fmt.Errorf("encode statistics: %w", err), Action: s.core.action(400)}
	}
	body, err := s.core.gzip.Compress(raw.Bytes())
	if err != nil {
		return intake.Answer{Err: err, Action: s.core.action(503)}
	}
	return s.client.Post(ctx, intake.Request{Body: body, Raw: raw.Len(), Type: "application/msgpack", Encoding: s.core.gzip.Encoding})
}

// halveStats cuts a payload between its clients, or between the groups of the only one.
func halveStats(p *pb.StatsPayload) (a, b *pb.StatsPayload, ok bool) {
	part := func(stats []*pb.ClientStatsPayload) *pb.StatsPayload {
		return &pb.StatsPayload{AgentHostname: p.AgentHostname, AgentEnv: p.AgentEnv, AgentVersion: p.AgentVersion, ClientComputed: p.ClientComputed, Stats: stats, SplitPayload: true}
	}
	if n := len(p.Stats); n > 1 {
		return part(p.Stats[:n/2]), part(p.Stats[n/2:]), true
	}
	if len(p.Stats) == 0 || len(p.Stats[0].Stats) == 0 {
		return nil, nil, false
	}
	first, second := cloneClient(p.Stats[0]), cloneClient(p.Stats[0])
	if n := len(p.Stats[0].Stats); n > 1 {
		first.Stats, second.Stats = p.Stats[0].Stats[:n/2], p.Stats[0].Stats[n/2:]
		return part([]*pb.ClientStatsPayload{first}), part([]*pb.ClientStatsPayload{second}), true
	}
	bucket := p.Stats[0].Stats[0]
	n := len(bucket.Stats)
	if n < 2 {
		return nil, nil, false
	}
	half := func(groups []*pb.ClientGroupedStats) []*pb.ClientStatsBucket {
		return []*pb.ClientStatsBucket{{Start: bucket.Start, Duration: bucket.Duration, AgentTimeShift: bucket.AgentTimeShift, Stats: groups}}
	}
	first.Stats, second.Stats = half(bucket.Stats[:n/2]), half(bucket.Stats[n/2:])
	return part([]*pb.ClientStatsPayload{first}), part([]*pb.ClientStatsPayload{second}), true
}

func cloneClient(p *pb.ClientStatsPayload) *pb.ClientStatsPayload {
	return &pb.ClientStatsPayload{
		Hostname: p.Hostname, Env: p.Env, Version: p.Version, Lang: p.Lang, TracerVersion: p.TracerVersion, RuntimeID: p.RuntimeID, Sequence: p.Sequence,
		AgentAggregation: p.AgentAggregation, Service: p.Service, ContainerID: p.ContainerID, Tags: p.Tags, GitCommitSha: p.GitCommitSha,
		ImageTag: p.ImageTag, ProcessTagsHash: p.ProcessTagsHash, ProcessTags: p.ProcessTags,
	}
}
