package ddstats

import (
	"strings"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
)

// keyOf is the key of a group that is in a payload.
func keyOf(p *pb.ClientStatsPayload, m *pb.ClientGroupedStats) Key {
	return Key{
		Env: p.Env, Host: p.Hostname, Version: p.Version, ContainerID: p.ContainerID, GitCommit: p.GitCommitSha, ImageTag: p.ImageTag,
		Language: p.Lang, ContainerTags: strings.Join(p.Tags, ","), ProcessTags: p.ProcessTags,
		Service: m.Service, Name: m.Name, Resource: m.Resource, Type: m.Type, Kind: m.SpanKind, GRPCStatus: m.GRPCStatusCode,
		PeerTags: strings.Join(m.PeerTags, peerSeparator), HTTPStatus: m.HTTPStatusCode, Synthetics: m.Synthetics,
		Root: m.IsTraceRoot == pb.Trilean_TRUE,
	}
}
