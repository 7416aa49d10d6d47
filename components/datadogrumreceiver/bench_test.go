package datadogrumreceiver

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// shapes are the golden folders whose first traced request the benchmark repeats.
var shapes = []string{"browser_captured", "browser_tap_three_fetches", "ios_tap_128_bit_hex", "react_native_valtio_inferred"}

const eventsPerBody = 50 // what a browser puts in one request

// resourceBody repeats the shape's request under new ids.
func resourceBody(t testing.TB, shape string) string {
	t.Helper()
	s := readStory(t, filepath.Join("testdata", shape))
	for line := range strings.SplitSeq(s.Requests[0].Body, "\n") {
		if !strings.Contains(line, `"type":"resource"`) || !strings.Contains(line, `"span_id"`) {
			continue
		}
		var ids struct {
			Resource struct{ ID string } `json:"resource"`
			DD       struct {
				Span string `json:"span_id"`
			} `json:"_dd"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &ids))
		lines := make([]string, eventsPerBody)
		for i := range lines {
			one := strings.Replace(line, ids.Resource.ID, fmt.Sprintf("%s%04d", ids.Resource.ID[:len(ids.Resource.ID)-4], i), 1)
			lines[i] = strings.Replace(one, `"`+ids.DD.Span+`"`, fmt.Sprintf(`"%d"`, 1<<62+i), 1)
		}
		return strings.Join(lines, "\n")
	}
	require.Fail(t, "no request in "+shape)
	return ""
}

// converter returns a function that converts body as if it came for the first time.
func converter(t testing.TB, body string) func() {
	t.Helper()
	r, err := newRUM(receivertest.NewNopSettings(componentType), createDefaultConfig().(*Config))
	require.NoError(t, err)
	r.traces, r.logs = consumertest.NewNop(), consumertest.NewNop()
	r.now = func() time.Time { return testNow }
	in := &ingest{r: r, w: r.newWriter()}
	from := &origin{received: pcommon.NewTimestampFromTime(testNow)}
	return func() {
		clear(r.seen.entries)
		r.seen.order, r.seen.head = r.seen.order[:0], 0
		if res := in.run(t.Context(), body, from); res.retry || in.counts[typeResource][outConverted] != eventsPerBody {
			t.Fatal(res, in.counts)
		}
		in.counts = [typeCount][outcomes]int64{}
	}
}

// The promise of the README: what one request costs on the heap.
func TestAllocationsPerResourceEvent(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			convert := converter(t, resourceBody(t, shape))
			perEvent := testing.AllocsPerRun(20, convert) / eventsPerBody
			t.Logf("%.1f allocations per event", perEvent)
			if !raceDetector {
				require.LessOrEqual(t, perEvent, 40.0)
			}
		})
	}
}

func BenchmarkResourceEvent(b *testing.B) {
	// A collector's heap is never the 4 MB of an empty process, which is
	// collected every few dozen bodies.
	heap := make([]byte, 64<<20)
	defer runtime.KeepAlive(heap)
	for _, shape := range shapes {
		body := resourceBody(b, shape)
		b.Run(shape+"/convert", func(b *testing.B) {
			convert := converter(b, body)
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				convert()
			}
			report(b, cpuTime()-cpu)
		})
		// The baseline: what reading the same JSON into maps costs, and nothing else.
		b.Run(shape+"/encoding_json", func(b *testing.B) {
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				for line := range strings.SplitSeq(body, "\n") {
					var doc map[string]any
					if err := json.Unmarshal([]byte(line), &doc); err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b, cpuTime()-cpu)
		})
	}
}

// report prints processor time, garbage collection included: it is the same on a
// busy machine and an idle one, or nearly.
func report(b *testing.B, cpu time.Duration) {
	perEvent := float64(cpu.Nanoseconds()) / float64(b.N) / eventsPerBody
	b.ReportMetric(perEvent, "cpu-ns/event")
	b.ReportMetric(1e9/perEvent, "events/s/core")
}

func cpuTime() time.Duration {
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
