package stats

import (
	"bytes"
	"math"
	"os"
	"runtime"
	"testing"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

func capture(t testing.TB) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/go-v0.6.bin")
	require.NoError(t, err)
	return body
}

func TestCaptureGolden(t *testing.T) {
	r, err := Decode(capture(t), 1000)
	require.NoError(t, err)
	require.Equal(t, 2, r.Groups)
	require.Zero(t, r.Dropped+r.BadSketches)
	goldentest.EqualMetrics(t, "testdata/go-v0.6.yaml", r.Metrics)
}

func TestAgentsPayloadIsThatOfItsTracers(t *testing.T) {
	client := new(pb.ClientStatsPayload)
	_, err := client.UnmarshalMsg(capture(t))
	require.NoError(t, err)
	body, err := (&pb.StatsPayload{AgentHostname: "h", Stats: []*pb.ClientStatsPayload{client, client}}).MarshalMsg(nil)
	require.NoError(t, err)
	r, err := Decode(body, 1000)
	require.NoError(t, err)
	require.Equal(t, 4, r.Groups)
	require.Equal(t, 4, r.Metrics.ResourceMetrics().Len())
}

// The histogram has the sketch's quantiles within the error of both.
func TestHistogramKeepsQuantiles(t *testing.T) {
	sketch, err := ddsketch.LogCollapsingLowestDenseDDSketch(0.01, 2048)
	require.NoError(t, err)
	for i := range 10_000 {
		require.NoError(t, sketch.Add(float64(i+1)*1e5)) // 0.1 ms to 1 s
	}
	raw, err := proto.Marshal(sketch.ToProto())
	require.NoError(t, err)
	bins, zeros, ok := readSketch(raw)
	require.True(t, ok)
	p := pmetric.NewExponentialHistogramDataPoint()
	fill(p, bins, zeros)
	require.EqualValues(t, 10_000, p.Count())
	require.InEpsilon(t, 5000.5, p.Sum(), 0.02)
	require.LessOrEqual(t, p.Positive().BucketCounts().Len(), maxBuckets)
	seen := uint64(0)
	for i, n := range p.Positive().BucketCounts().All() {
		if seen += n; seen >= 5_000 {
			upper := exp2(float64(p.Positive().Offset()+int32(i)+1), p.Scale())
			require.InEpsilon(t, 0.5, upper, 0.2, "median")
			break
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(capture(f))
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add(append([]byte{0x81, 0xa5, 'S', 't', 'a', 't', 's'}, bytes.Repeat([]byte{0x91}, 200)...))
	f.Fuzz(func(t *testing.T, body []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(body, 1000)
		runtime.ReadMemStats(&after)
		if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+128*len(body)); got > limit {
			t.Fatalf("%d bytes allocated %d, at most %d are allowed (%v)", len(body), got, limit, err)
		}
	})
}

func TestDeclaredLengthsAreNotBelieved(t *testing.T) {
	_, err := Decode([]byte{0x81, 0xa5, 'S', 't', 'a', 't', 's', 0xdd, 0xff, 0xff, 0xff, 0xff}, 1000)
	require.ErrorIs(t, err, msgpack.ErrShort)
}

func exp2(index float64, scale int32) float64 { return math.Exp2(index * math.Ldexp(1, -int(scale))) }
