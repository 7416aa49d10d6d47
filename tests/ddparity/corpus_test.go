package ddparity

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace/idx"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/corpus"
)

// sampleSpans is how many spans of each tracer and format are compared, at least.
const sampleSpans = 250

// What the exporter sends of what Go, Node, Python and Java tracers really sent is what a real Agent sends.
func TestRealTracersSpansLeaveAsTheAgentSendsThem(t *testing.T) {
	agentIntake, ourIntake := newIntake(t), newIntake(t)
	agent := startAgent(t, agentIntake)
	ours := startOurs(t, ourIntake, "both")
	var lines []string
	for _, s := range corpus.Tracers() {
		agentIntake.reset()
		ourIntake.reset()
		spans := 0
		for _, p := range sample(corpus.Payloads(t, s.Client, s.Format)) {
			n, err := spansOf(s.Format, p.Body)
			require.NoError(t, err)
			put(t, agent.url+p.Path, p.Body, p.Header)
			put(t, ours+p.Path, p.Body, p.Header)
			spans += n
			ourIntake.spans(t, spans) // one at a time: what a queue brings together says what is common once
			if spans >= sampleSpans {
				break
			}
		}
		require.GreaterOrEqual(t, spans, sampleSpans, s)
		lines = append(lines, s.String())
		lines = append(lines, kinds(differences(agentIntake.spans(t, spans), ourIntake.spans(t, spans)))...)
	}
	compareList(t, "testdata/corpus.txt", lines)
	for reason, field := range reasons {
		require.Contains(t, strings.Join(lines, "\n"), "  "+field+":", "nothing differs any more: %s", reason)
	}
	for _, l := range lines {
		field, _, isDifference := strings.Cut(strings.TrimSpace(l), ":")
		require.True(t, !isDifference || slices.Contains(slices.Collect(maps.Values(reasons)), field), "without a reason: %s", l)
	}
}

// reasons are why a field differs.
var reasons = map[string]string{
	"the format wants bit 31 wherever flags are, and this tracer does not write it":            "links",
	"links sent as fields are not repeated as a text, and ids in a text have all their digits": "meta _dd.span_links",
	"v1.0 says it once a chunk, the older formats on spans":                                    "meta _dd.origin",
	"v1.0 says it once a payload, the older formats on spans":                                  "payload runtime id",
	"v1.0 says how the tracer exports, which no page shows":                                    "payload tags",
	"this tracer says it on one span of a request, others on each root":                        "meta _dd.tags.process",
	"Java says it on the first and the last span of a chunk, the exporter on the root":         "metric _sampling_priority_v1",
	"the rate of the Agent's own sampler, of tracers that do not tell theirs":                  "metric _sampling_priority_rate_v1",
}

// sample returns payloads from all over the recording: the first, which a start makes special, then every third.
func sample(all []corpus.Payload) (some []corpus.Payload) {
	for first := range 3 {
		for i := first; i < len(all); i += 3 {
			some = append(some, all[i])
		}
	}
	return some
}

func spansOf(format string, body []byte) (n int, err error) {
	if format == "v1.0" {
		payload := idx.InternalTracerPayload{}
		if _, err := payload.UnmarshalMsg(body); err != nil {
			return 0, err
		}
		for _, c := range payload.Chunks {
			n += len(c.Spans)
		}
		return n, nil
	}
	var traces pb.Traces
	if format == "v0.5" {
		err = traces.UnmarshalMsgDictionary(body)
	} else {
		_, err = traces.UnmarshalMsg(body)
	}
	for _, spans := range traces {
		n += len(spans)
	}
	return n, err
}

// kinds counts lines that differ in their values alone.
func kinds(lines []string) (out []string) {
	seen := map[string]int{}
	for _, l := range lines {
		_, l, _ = strings.Cut(strings.TrimSpace(l), ": ")
		seen[l]++
	}
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, fmt.Sprintf("  %s (%d)", k, seen[k]))
	}
	return out
}
