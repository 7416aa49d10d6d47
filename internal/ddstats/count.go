package ddstats

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/DataDog/datadog-agent/pkg/obfuscate"
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/otelcol-obs/otelcol-obs/internal/ddspan"
)

// Counter counts batches.
type Counter struct {
	mapper   *ddspan.Mapper
	host     string
	peerTags []string
	now      func() time.Time

	// CountComputed counts spans whose tracer says that it counts them too.
	CountComputed bool
}

// NewCounter returns a counter. host is that of resources without one; peerTags are beside those Datadog knows.
func NewCounter(mapper *ddspan.Mapper, host string, peerTags []string, now func() time.Time) *Counter {
	all := append(slices.Clone(basePeerTags), peerTags...)
	slices.Sort(all)
	return &Counter{mapper: mapper, host: host, peerTags: slices.Compact(all), now: now}
}

// hit is one span.
type hit struct {
	key              int // in Delta.keys
	end, duration    int64
	weight           float64
	failed, topLevel bool
}

// Delta is what was counted of a batch and is not yet added.
type Delta struct {
	keys []Key
	hits []hit
}

// Spans is the number of spans that were counted.
func (d *Delta) Spans() int { return len(d.hits) }

// Count counts the spans of a batch. It changes nothing.
func (c *Counter) Count(td ptrace.Traces) Delta { return c.CountBatch(c.Group(td)) }

// Group groups the spans of a batch as they are counted.
func (c *Counter) Group(td ptrace.Traces) ddspan.Batch { return c.mapper.Group(td, c.host, c.now) }

// CountBatch counts a batch that is grouped already.
func (c *Counter) CountBatch(b ddspan.Batch) Delta {
	var d Delta
	index := make(map[Key]int)
	for _, chunk := range b.Chunks {
		if chunk.From.StatsComputed && !c.CountComputed {
			continue
		}
		payload := payloadKey(chunk)
		weight := weightOf(chunk.Root)
		for _, s := range chunk.Spans {
			if !counts(s) {
				continue
			}
			key := c.groupKey(payload, s)
			i, ok := index[key]
			if !ok {
				i = len(d.keys)
				index[key] = i
				d.keys = append(d.keys, key)
			}
			d.hits = append(d.hits, hit{key: i, end: s.Start + s.Duration, duration: s.Duration, weight: weight, failed: s.Error != 0, topLevel: isTopLevel(s)})
		}
	}
	return d
}

// counts reports whether Datadog has statistics of the span: an entry span, one the tracer wants measured, or one that calls or is
// called. Snapshots of long spans come again when they are whole.
func counts(s *pb.Span) bool {
	if v, ok := s.Metrics["_dd.partial_version"]; ok && v >= 0 {
		return false
	}
	if isTopLevel(s) || s.Metrics["_dd.measured"] == 1 {
		return true
	}
	switch strings.ToLower(s.Meta["span.kind"]) {
	case "server", "client", "producer", "consumer":
		return true
	}
	return false
}

func isTopLevel(s *pb.Span) bool {
	return s.Metrics["_top_level"] == 1 || s.Metrics["_dd.top_level"] == 1
}

// weightOf is how many traces the one stands for: by the tracer's rate, or by the probability an SDK wrote into the tracestate.
// https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
func weightOf(root *pb.Span) float64 {
	if rate, ok := root.Metrics["_sample_rate"]; ok && rate > 0 && rate <= 1 {
		return 1 / rate
	}
	for member := range strings.SplitSeq(root.Meta["w3c.tracestate"], ",") {
		list, ok := strings.CutPrefix(strings.TrimSpace(member), "ot=")
		if !ok {
			continue
		}
		for field := range strings.SplitSeq(list, ";") {
			th, ok := strings.CutPrefix(field, "th:")
			if !ok || th == "" || len(th) > 14 {
				continue
			}
			if n, err := strconv.ParseUint(th+strings.Repeat("0", 14-len(th)), 16, 64); err == nil && n < 1<<56 {
				return 1 / (1 - float64(n)/(1<<56))
			}
		}
	}
	return 1
}

func payloadKey(c *ddspan.Chunk) Key {
	k := Key{
		Env: c.From.Env, Host: c.From.Host, Version: c.From.AppVersion, ContainerID: c.From.ContainerID, Language: c.From.Language,
		ContainerTags: c.From.ContainerTags, ProcessTags: c.From.ProcessTags,
		Synthetics: strings.HasPrefix(c.Decision.Origin, "synthetics"),
	}
	if k.Host == "" {
		k.Host = c.Root.Meta["_dd.hostname"]
	}
	if k.Env == "" {
		k.Env = metaOf(c, "env")
	}
	if k.Env == "" {
		k.Env = "none"
	}
	if k.Version == "" {
		k.Version = metaOf(c, "version")
	}
	k.GitCommit = metaOf(c, "_dd.git.commit.sha")
	for tag := range strings.SplitSeq(c.From.ContainerTags, ",") {
		if v, ok := strings.CutPrefix(tag, "image_tag:"); ok {
			k.ImageTag = v
		}
		if v, ok := strings.CutPrefix(tag, "git.commit.sha:"); ok && k.GitCommit == "" {
			k.GitCommit = v
		}
	}
	if k.ContainerID == "" {
		k.ContainerTags = ""
	}
	return k
}

// metaOf returns a text of the root, or else of the first span that has it.
func metaOf(c *ddspan.Chunk, key string) string {
	if v := c.Root.Meta[key]; v != "" {
		return v
	}
	for _, s := range c.Spans {
		if v := s.Meta[key]; v != "" {
			return v
		}
	}
	return ""
}

func (c *Counter) groupKey(k Key, s *pb.Span) Key {
	k.Service, k.Name, k.Resource, k.Type, k.Kind = s.Service, s.Name, s.Resource, s.Type, s.Meta["span.kind"]
	k.Root = s.ParentID == 0
	k.HTTPStatus = httpStatus(s)
	k.GRPCStatus = grpcStatus(s)
	k.PeerTags = c.peers(s)
	return k
}

func httpStatus(s *pb.Span) uint32 {
	if code, ok := s.Metrics["http.status_code"]; ok {
		return uint32(code)
	}
	code, err := strconv.ParseUint(s.Meta["http.status_code"], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(code)
}

var grpcStatusKeys = [...]string{"rpc.grpc.status_code", "grpc.code", "rpc.grpc.status.code", "grpc.status.code"}

// Spellings of gRPC's codes beside those of the protocol.
var grpcSpellings = map[string]string{
	"CANCELED": "1", "INVALIDARGUMENT": "3", "DEADLINEEXCEEDED": "4", "NOTFOUND": "5", "ALREADYEXISTS": "6", "PERMISSIONDENIED": "7",
	"RESOURCEEXHAUSTED": "8", "FAILEDPRECONDITION": "9", "OUTOFRANGE": "11", "DATALOSS": "15",
}

func grpcStatus(s *pb.Span) string {
	for _, key := range grpcStatusKeys {
		text := s.Meta[key]
		if text == "" {
			continue
		}
		if n, err := strconv.ParseUint(text, 10, 32); err == nil {
			return strconv.FormatUint(n, 10)
		}
		text = strings.ToUpper(strings.TrimPrefix(text, "StatusCode."))
		if n, ok := grpcSpellings[text]; ok {
			return n
		}
		if n, ok := code.Code_value[text]; ok {
			return strconv.Itoa(int(n))
		}
		return ""
	}
	for _, key := range grpcStatusKeys {
		if n, ok := s.Metrics[key]; ok {
			return strconv.FormatUint(uint64(n), 10)
		}
	}
	return ""
}

// peers are the tags of whom a span calls.
func (c *Counter) peers(s *pb.Span) string {
	keys := c.peerTags
	switch strings.ToLower(s.Meta["span.kind"]) {
	case "client", "producer", "consumer":
	case "", "internal":
		if s.Meta["_dd.base_service"] == "" {
			return ""
		}
		keys = baseServiceOnly
	default:
		return ""
	}
	var out []string
	for _, key := range keys {
		if v := s.Meta[key]; v != "" {
			out = append(out, key+":"+obfuscate.QuantizePeerIPAddresses(v))
		}
	}
	return strings.Join(out, peerSeparator)
}

var baseServiceOnly = []string{"_dd.base_service"}

// basePeerTags are those Datadog knows. https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/config/peer_tags.ini
var basePeerTags = strings.Split("_dd.base_service,tablename,streamname,bucketname,aws.s3.bucket,queuename,db.cassandra.contact.points,db.couchbase.seed.nodes,"+
	"db.name,mongodb.db,db.instance,cassandra.keyspace,db.namespace,db.system,active_record.db.vendor,db.type,sequel.db.vendor,"+
	"peer.hostname,hostname,net.peer.name,db.hostname,network.destination.name,grpc.host,http.host,server.address,http.server_name,out.host,dns.hostname,network.destination.ip,"+
	"messaging.kafka.bootstrap.servers,topicname,messaging.destination,messaging.destination.name,messaging.rabbitmq.exchange,amqp.destination,amqp.queue,amqp.exchange,msmq.queue.path,aws.queue.name,"+
	"messaging.system,rpc.service,rpc.system,peer.service", ",")

// coarse cuts the precision of a duration to 1/1024, as the Agent does.
func coarse(ns int64) float64 {
	return math.Float64frombits(math.Float64bits(float64(ns)) & 0xfffff80000000000)
}
