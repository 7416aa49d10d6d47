package datadogreceiver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// discovery is the answer of /info. It never changes while the receiver runs: tracers compare its hash, which every response
// carries, and ask again when it differs.
type discovery struct {
	body  []byte
	state string
}

// spanKindsCounted are the kinds whose spans tracers count in statistics though they are not the first of their service.
var spanKindsCounted = []string{"server", "consumer", "client", "producer"}

// peerTags are the tags of such spans that tell whom they call: tracers that compute statistics group by them. They are those of
// datadog-agent's pkg/trace/config/peer_tags.ini.
var peerTags = []string{
	"_dd.base_service", "active_record.db.vendor", "amqp.destination", "amqp.exchange", "amqp.queue", "aws.queue.name", "aws.s3.bucket", "bucketname",
	"cassandra.keyspace", "db.cassandra.contact.points", "db.couchbase.seed.nodes", "db.hostname", "db.instance", "db.name", "db.namespace", "db.system",
	"db.type", "dns.hostname", "grpc.host", "hostname", "http.host", "http.server_name", "messaging.destination", "messaging.destination.name",
	"messaging.kafka.bootstrap.servers", "messaging.rabbitmq.exchange", "messaging.system", "mongodb.db", "msmq.queue.path", "net.peer.name",
	"network.destination.ip", "network.destination.name", "out.host", "peer.hostname", "peer.service", "queuename", "rpc.service", "rpc.system",
	"sequel.db.vendor", "server.address", "streamname", "tablename", "topicname",
}

func newDiscovery(r *datadogReceiver) discovery {
	type config struct {
		DefaultEnv string `json:"default_env"`
	}
	// Marshal of strings and booleans can't fail. There is no obfuscation_version: tracers then send resources as they are, for a
	// processor to obfuscate.
	body, _ := json.Marshal(struct {
		Version          string   `json:"version"`
		Endpoints        []string `json:"endpoints"`
		ClientDropP0s    bool     `json:"client_drop_p0s"`
		SpanMetaStructs  bool     `json:"span_meta_structs"`
		LongRunningSpans bool     `json:"long_running_spans"`
		SpanEvents       bool     `json:"span_events"`
		PeerTags         []string `json:"peer_tags"`
		SpanKinds        []string `json:"span_kinds_stats_computed"`
		Config           config   `json:"config"`
	}{
		Version:       r.set.BuildInfo.Version,
		Endpoints:     r.listed(),
		ClientDropP0s: r.cfg.ClientDropP0s,
		// Structs are kept as bytes and events natively; snapshots of unfinished spans would be duplicates in OTLP.
		SpanMetaStructs: true,
		SpanEvents:      true,
		PeerTags:        peerTags,
		SpanKinds:       spanKindsCounted,
		Config:          config{DefaultEnv: r.cfg.Sampling.DefaultEnv},
	})
	sum := sha256.Sum256(body)
	return discovery{body: body, state: hex.EncodeToString(sum[:])}
}
