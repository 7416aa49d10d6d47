package datadogreceiver

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode"
	"github.com/otelcol-obs/otelcol-obs/internal/originid"
)

// maxClaimed bounds what a header may claim, so that one lie does not drown a counter.
const maxClaimed = 1_000_000

// sender is what the headers of a request say.
type sender struct {
	protocol string
	headers  decode.Headers
	// traces is how many chunks it says it sends; the P0 counts are what it dropped before sending.
	traces, droppedTraces, droppedSpans int64
}

func newSender(req *http.Request, protocol string) *sender {
	h := req.Header
	s := &sender{
		protocol: protocol,
		headers: decode.Headers{
			Lang:          clean(h.Get("Datadog-Meta-Lang")),
			LangVersion:   clean(h.Get("Datadog-Meta-Lang-Version")),
			Interpreter:   clean(h.Get("Datadog-Meta-Lang-Interpreter")),
			TracerVersion: clean(h.Get("Datadog-Meta-Tracer-Version")),
			ProcessTags:   clean(h.Get("X-Datadog-Process-Tags")),
			StatsComputed: yes(h.Get("Datadog-Client-Computed-Stats")),
		},
		traces:        count(h.Get("X-Datadog-Trace-Count")),
		droppedTraces: count(h.Get("Datadog-Client-Dropped-P0-Traces")),
		droppedSpans:  count(h.Get("Datadog-Client-Dropped-P0-Spans")),
	}
	s.container(req)
	return s
}

// entity lets in-<inode> in Datadog-Entity-ID name the container, as the Datadog agent does before it looks further.
func (s *sender) entity(req *http.Request, origins *originid.Resolver) {
	if id := origins.Entity(clean(req.Header.Get("Datadog-Entity-ID"))); id != "" {
		s.headers.ContainerID = id
	}
}

// container finds who sends in the order of the Datadog agent: Datadog-Entity-ID, Datadog-Container-ID, the peer of the socket.
func (s *sender) container(req *http.Request) {
	// ci-<container id> by newer tracers, cid- by older ones; in-<inode> is for entity.
	entity := clean(req.Header.Get("Datadog-Entity-ID"))
	for _, prefix := range []string{"ci-", "cid-"} {
		if id, ok := strings.CutPrefix(entity, prefix); ok {
			s.headers.ContainerID = id
		}
	}
	if s.headers.ContainerID == "" {
		s.headers.ContainerID = clean(req.Header.Get("Datadog-Container-ID"))
	}
	if s.headers.ContainerID == "" {
		s.headers.ContainerID = peerContainer(req.Context())
	}
	// it-<init>,cn-<container name>,pu-<pod uid>, written by the cluster's admission controller.
	for part := range strings.SplitSeq(clean(req.Header.Get("Datadog-External-Env")), ",") {
		if name, ok := strings.CutPrefix(part, "cn-"); ok {
			s.headers.ContainerName = name
		}
		if uid, ok := strings.CutPrefix(part, "pu-"); ok {
			s.headers.PodUID = uid
		}
	}
}

// clean bounds a header and makes it valid UTF-8.
func clean(v string) string {
	return strings.ToValidUTF8(v[:min(len(v), 1024)], "\uFFFD")
}

// yes reads a flag as the agent does: anything but nothing, 0, f and false.
func yes(v string) bool {
	switch strings.ToLower(v) {
	case "", "0", "f", "false":
		return false
	}
	return true
}

func count(v string) int64 {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return min(n, maxClaimed)
}

type peerKey struct{}

// peerContainer is the container at the other end of a Unix socket, empty if unknown.
func peerContainer(ctx context.Context) string {
	id, _ := ctx.Value(peerKey{}).(string)
	return id
}
