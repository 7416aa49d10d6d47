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

func newDiscovery(r *datadogReceiver) discovery {
	var endpoints []string
	if r.traces != nil {
		endpoints = append(endpoints, "/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.7/traces", "/v1.0/traces", "/api/v0.2/traces")
	}
	if r.metrics != nil {
		endpoints = append(endpoints, "/v0.6/stats", "/api/v0.2/stats")
	}
	// Marshal of strings and booleans can't fail.
	body, _ := json.Marshal(struct {
		Version          string   `json:"version"`
		Endpoints        []string `json:"endpoints"`
		ClientDropP0s    bool     `json:"client_drop_p0s"`
		SpanMetaStructs  bool     `json:"span_meta_structs"`
		LongRunningSpans bool     `json:"long_running_spans"`
		SpanEvents       bool     `json:"span_events"`
	}{
		Version:       r.set.BuildInfo.Version,
		Endpoints:     endpoints,
		ClientDropP0s: r.cfg.ClientDropP0s,
		// Structs are kept as bytes and events natively; snapshots of unfinished spans would be duplicates in OTLP.
		SpanMetaStructs: true,
		SpanEvents:      true,
	})
	sum := sha256.Sum256(body)
	return discovery{body: body, state: hex.EncodeToString(sum[:])}
}
