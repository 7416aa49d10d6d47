package ddparity

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/corpus"
)

// groups are what statistics count, without the time of their bucket: the Agent counts when it processes, we by the span's own time.
func (in *intake) groups() map[string][4]uint64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	out := map[string][4]uint64{}
	for _, p := range in.stats {
		for _, c := range p.Stats {
			version := c.Version
			if c.Lang == "java" {
				version = "" // the Agent takes that of a trace's root, which Java leaves out in other services than the process's own
			}
			for _, b := range c.Stats {
				for _, g := range b.Stats {
					slices.Sort(g.PeerTags)
					key := fmt.Sprint(c.Env, "|", version, "|", c.Lang, "|", c.ProcessTags, "|", g.Service, "|", g.Name, "|", g.Resource, "|", g.Type, "|", g.SpanKind, "|",
						g.HTTPStatusCode, "|", g.GRPCStatusCode, "|", g.PeerTags, "|", g.IsTraceRoot, "|", g.Synthetics)
					sum := out[key]
					for i, n := range [...]uint64{g.Hits, g.Errors, g.TopLevelHits, g.Duration} {
						sum[i] += n
					}
					out[key] = sum
				}
			}
		}
	}
	return out
}

// The statistics of a tracer's spans are those of the Agent, group by group.
func TestStatisticsAreThoseOfTheAgent(t *testing.T) {
	agentIntake, ourIntake := newIntake(t), newIntake(t)
	agent := startAgent(t, agentIntake)
	exp := startExporter(t, ourIntake)
	ours := startReceiver(t, exp, "both")
	spans := 0
	for _, c := range []struct{ file, path string }{
		{"go-v0.4.bin", "/v0.4/traces"}, {"js-v0.4.bin", "/v0.4/traces"}, {"js-v0.5.bin", "/v0.5/traces"},
	} {
		body, err := os.ReadFile("testdata/" + c.file)
		require.NoError(t, err)
		header := map[string]string{"X-Datadog-Trace-Count": "1", "Datadog-Meta-Lang": "nodejs", "Datadog-Meta-Tracer-Version": "5.132.0"}
		spans += 2
		put(t, agent.url+c.path, body, header)
		agentIntake.spans(t, spans)
		put(t, ours+c.path, body, header)
		ourIntake.spans(t, spans)
	}
	for _, s := range corpus.Tracers() {
		if s.Format == "v1.0" {
			continue // of v1.0 spans are compared, statistics are not
		}
		p := sample(corpus.Payloads(t, s.Client, s.Format))[1]
		n, err := spansOf(s.Format, p.Body)
		require.NoError(t, err)
		spans += n
		put(t, agent.url+p.Path, p.Body, p.Header)
		agentIntake.spans(t, spans)
		put(t, ours+p.Path, p.Body, p.Header)
		ourIntake.spans(t, spans)
	}
	agent.stop()
	require.NoError(t, exp.Shutdown(context.Background()))
	require.NotEmpty(t, agentIntake.groups())
	require.Equal(t, agentIntake.groups(), ourIntake.groups())
}
