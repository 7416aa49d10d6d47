package ddstats

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/sketches-go/ddsketch"
	"google.golang.org/protobuf/proto"
)

// MaxGroups is how many groups one payload holds. https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/writer/stats.go
const MaxGroups = 4000

// Sender says whose statistics they are. Datadog keeps of two values with one hostname, time and key only the last.
type Sender struct{ Hostname, Env, Version string }

// Payloads are the messages of a bucket, equal for equal buckets.
func (s Sender) Payloads(b *Bucket, interval int64) ([]*pb.StatsPayload, error) {
	keys := make([]Key, 0, len(b.groups))
	for k := range b.groups {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Key.compare)
	var out []*pb.StatsPayload
	var current *pb.StatsPayload
	var client *pb.ClientStatsPayload
	var last Key
	count := 0
	for _, k := range keys {
		g, err := b.groups[k].message(k)
		if err != nil {
			return nil, err
		}
		if current == nil || count == MaxGroups {
			current = &pb.StatsPayload{AgentHostname: s.Hostname, AgentEnv: s.Env, AgentVersion: s.Version}
			out = append(out, current)
			client, count = nil, 0
		}
		if client == nil || k.payload() != last {
			last = k.payload()
			client = s.client(k, b.Start, interval)
			current.Stats = append(current.Stats, client)
		}
		client.Stats[0].Stats = append(client.Stats[0].Stats, g)
		count++
	}
	for _, p := range out {
		p.SplitPayload = len(out) > 1
	}
	return out, nil
}

func (s Sender) client(k Key, start, interval int64) *pb.ClientStatsPayload {
	host := cmp.Or(k.Host, s.Hostname)
	p := &pb.ClientStatsPayload{
		Hostname: host, Env: k.Env, Version: k.Version, ContainerID: k.ContainerID, GitCommitSha: k.GitCommit, ImageTag: k.ImageTag,
		Lang: k.Language, ProcessTags: k.ProcessTags, ProcessTagsHash: tagsHash(k.ProcessTags),
		Stats: []*pb.ClientStatsBucket{{Start: uint64(start), Duration: uint64(interval)}},
	}
	if k.ContainerTags != "" {
		p.Tags = strings.Split(k.ContainerTags, ",")
	}
	return p
}

// payload is the part of a key that is of the payload.
func (k Key) payload() Key {
	return Key{Env: k.Env, Host: k.Host, Version: k.Version, ContainerID: k.ContainerID, GitCommit: k.GitCommit, ImageTag: k.ImageTag,
		Language: k.Language, ContainerTags: k.ContainerTags, ProcessTags: k.ProcessTags}
}

func (k Key) compare(o Key) int {
	truth := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(k.Env, o.Env), cmp.Compare(k.Host, o.Host), cmp.Compare(k.Version, o.Version), cmp.Compare(k.ContainerID, o.ContainerID),
		cmp.Compare(k.GitCommit, o.GitCommit), cmp.Compare(k.ImageTag, o.ImageTag), cmp.Compare(k.Language, o.Language),
		cmp.Compare(k.ContainerTags, o.ContainerTags), cmp.Compare(k.ProcessTags, o.ProcessTags),
		cmp.Compare(k.Service, o.Service), cmp.Compare(k.Name, o.Name), cmp.Compare(k.Resource, o.Resource), cmp.Compare(k.Type, o.Type),
		cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.GRPCStatus, o.GRPCStatus), cmp.Compare(k.PeerTags, o.PeerTags),
		cmp.Compare(k.HTTPStatus, o.HTTPStatus), cmp.Compare(truth(k.Synthetics), truth(o.Synthetics)), cmp.Compare(truth(k.Root), truth(o.Root)),
	)
}

func (g *group) message(k Key) (*pb.ClientGroupedStats, error) {
	ok, err := sketchBytes(g.ok)
	if err != nil {
		return nil, err
	}
	failed, err := sketchBytes(g.failed)
	if err != nil {
		return nil, err
	}
	m := &pb.ClientGroupedStats{
		Service: k.Service, Name: k.Name, Resource: k.Resource, Type: k.Type, SpanKind: k.Kind, HTTPStatusCode: k.HTTPStatus,
		GRPCStatusCode: k.GRPCStatus, Synthetics: k.Synthetics, IsTraceRoot: pb.Trilean_FALSE,
		Hits: round(g.hits), Errors: round(g.errors), TopLevelHits: round(g.topLevel), Duration: round(g.duration),
		OkSummary: ok, ErrorSummary: failed,
	}
	if k.Root {
		m.IsTraceRoot = pb.Trilean_TRUE
	}
	if k.PeerTags != "" {
		m.PeerTags = strings.Split(k.PeerTags, peerSeparator)
	}
	return m, nil
}

// round does not roll dice, as the Agent's does: the same bucket must give the same payload.
func round(f float64) uint64 { return uint64(math.Round(max(f, 0))) }

func sketchBytes(s *ddsketch.DDSketch) ([]byte, error) {
	if s == nil {
		s = newSketch()
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(s.ToProto())
	if err != nil {
		return nil, fmt.Errorf("encode distribution: %w", err)
	}
	return out, nil
}

// tagsHash is the Agent's hash of process tags.
func tagsHash(tags string) uint64 {
	if tags == "" {
		return 0
	}
	list := strings.Split(tags, ",")
	slices.Sort(list)
	h := uint64(14695981039346656037)
	write := func(c byte) { h = (h ^ uint64(c)) * 1099511628211 }
	for i, t := range list {
		if i > 0 {
			write(0)
		}
		for j := range len(t) {
			write(t[j])
		}
	}
	return h
}
