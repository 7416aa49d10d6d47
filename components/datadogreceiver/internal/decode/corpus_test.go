package decode

import (
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/stretchr/testify/require"
)

// Of what real tracers sent nothing is lost, and the spans are those the agent's decoder reads.
func TestTheCorpusIsReadAsByTheAgent(t *testing.T) {
	t.Parallel()
	for _, in := range recorded(t) {
		require.Greater(t, in.spans, 2000, in.name)
		d := New(Options{Mode: Lossless, MaxSpans: maxSpans})
		for i, body := range in.bodies {
			td, stats, err := d.Decode(in.format, body, Headers{})
			require.NoError(t, err)
			require.Equal(t, Stats{Chunks: stats.Chunks, Spans: stats.Spans}, stats, "%s, payload %d", in.name, i)
			type span struct {
				service, name, resource, typ string
				trace, id, parent            uint64
				start, duration              int64
				failed                       bool
			}
			of := func(f flat) span {
				return span{f.Service, f.Name, f.Resource, f.Type, f.TraceID, f.SpanID, f.ParentID, f.Start, f.Duration, f.Failed}
			}
			got := make(map[span]int)
			for _, f := range flatOTLP(td) {
				got[of(f)]++
			}
			want := make(map[span]int)
			for _, f := range agentSpans(t, in.format, body) {
				want[of(f)]++
			}
			require.Equal(t, want, got, "%s, payload %d", in.name, i)
		}
	}
}

func agentSpans(t *testing.T, format Format, body []byte) []flat {
	t.Helper()
	var traces pb.Traces
	switch format {
	case V04:
		_, err := traces.UnmarshalMsg(body)
		require.NoError(t, err)
	case V05:
		require.NoError(t, traces.UnmarshalMsgDictionary(body))
	default:
		return flatIdx(readIdx(t, body))
	}
	return flatTraces(traces, "")
}
