package datadogrumreceiver

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"regexp"
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

const (
	eventsPerBody   = 50 // what a browser puts in one request
	eventsPerAction = 5  // requests that one tap begins
)

// varying are the parts of a request that differ from one to the next: ids,
// times, sizes, what is in the URL. Lengths stay.
var varying = regexp.MustCompile(`"(?:trace_id|span_id)":"[^"]*|"resource":\{"id":"[^"]*|"date":\d+|"(?:duration|start|(?:\w+_)?size)":\d+|(?:card|coupon)=\w+`)

// namedActions is the list of actions, or the one action, a request names.
var namedActions = regexp.MustCompile(`"action":\{"id":\[?("[^"]*",?)+`)

// resourceBody repeats the shape's request as if the session had made many.
func resourceBody(t testing.TB, shape string) string {
	t.Helper()
	s := readStory(t, filepath.Join("testdata", shape))
	for line := range strings.SplitSeq(s.Requests[0].Body, "\n") {
		if !strings.Contains(line, `"type":"resource"`) || !strings.Contains(line, `"span_id"`) {
			continue
		}
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same events in every run
		lines := make([]string, eventsPerBody)
		for i := range lines {
			one := varying.ReplaceAllStringFunc(line, func(part string) string {
				return vary(part, variesFrom(part), random)
			})
			lines[i] = namedActions.ReplaceAllStringFunc(one, func(part string) string {
				return vary(part, strings.LastIndexByte(part, '-'), rand.New(rand.NewPCG(3, uint64(i/eventsPerAction)))) //nolint:gosec // few
			})
			require.True(t, json.Valid([]byte(lines[i])), lines[i])
		}
		return strings.Join(lines, "\n")
	}
	require.Fail(t, "no request in "+shape)
	return ""
}

// variesFrom is where the value of part begins, or the part of it that varies.
func variesFrom(part string) int {
	if strings.HasPrefix(part, `"date"`) {
		return len(part) - 7 // within ten seconds
	}
	return strings.IndexAny(part, ":=") + 1
}

// vary replaces digits and capitals of s behind at. The first three bytes stay, so
// that an id fits in 64 bits and no number begins with a zero.
func vary(s string, at int, random *rand.Rand) string {
	b := []byte(s)
	for i := at + 3; i < len(b); i++ {
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			b[i] = byte('0' + random.IntN(10))
		case c >= 'A' && c <= 'Z':
			b[i] = byte('A' + random.IntN(26))
		}
	}
	return string(b)
}

// newConverter returns what converts bodies, and what makes it forget them.
func newConverter(t testing.TB) (*ingest, func()) {
	t.Helper()
	r, err := newRUM(receivertest.NewNopSettings(componentType), createDefaultConfig().(*Config))
	require.NoError(t, err)
	r.traces, r.logs = consumertest.NewNop(), consumertest.NewNop()
	r.now = func() time.Time { return testNow }
	return r.ingests.Get().(*ingest), func() {
		clear(r.seen.entries)
		r.seen.order, r.seen.head = r.seen.order[:0], 0
	}
}

// converter returns a function that converts body as if it came for the first time.
func converter(t testing.TB, body string) func() {
	t.Helper()
	in, forget := newConverter(t)
	from := &origin{received: pcommon.NewTimestampFromTime(testNow)}
	return func() {
		forget()
		if res := in.run(t.Context(), body, from); res.retry || in.w.spans != eventsPerBody || in.counts[typeResource][outConverted] != eventsPerBody {
			t.Fatal(res, in.counts)
		}
		in.counts = [typeCount][outcomes]int64{}
	}
}

// The promise of the README: what one request costs on the heap.
func TestAllocationsPerResourceEvent(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			allocs := testing.AllocsPerRun(20, converter(t, resourceBody(t, shape))) / eventsPerBody
			t.Logf("%.1f allocations per event", allocs)
			if !raceDetector {
				require.LessOrEqual(t, allocs, 40.0)
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
			report(b, cpuTime()-cpu, eventsPerBody)
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
			report(b, cpuTime()-cpu, eventsPerBody)
		})
	}
}

// BenchmarkReadEvent is reading alone: by what differs from the last event, and whole.
func BenchmarkReadEvent(b *testing.B) {
	for _, shape := range shapes {
		lines := strings.Split(resourceBody(b, shape), "\n")
		b.Run(shape+"/differences", func(b *testing.B) {
			var r jsonReader
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				r.reset()
				for _, line := range lines {
					if _, err := r.read(line); err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b, cpuTime()-cpu, eventsPerBody)
		})
		b.Run(shape+"/whole", func(b *testing.B) {
			var p jsonParser
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				for _, line := range lines {
					if err := p.parse(line); err != nil {
						b.Fatal(err)
					}
				}
			}
			report(b, cpuTime()-cpu, eventsPerBody)
		})
	}
}

// BenchmarkCapturedBody is what a browser sent in one request: views, clicks,
// requests with and without ids, long tasks; and each of its lines alone, which
// is what an event costs when there is nothing it is like in its body.
func BenchmarkCapturedBody(b *testing.B) {
	heap := make([]byte, 64<<20)
	defer runtime.KeepAlive(heap)
	body := readStory(b, filepath.Join("testdata", shapes[0])).Requests[0].Body
	lines := strings.Split(body, "\n")
	for name, bodies := range map[string][]string{"whole": {body}, "line_by_line": lines} {
		b.Run(name, func(b *testing.B) {
			in, forget := newConverter(b)
			from := &origin{received: pcommon.NewTimestampFromTime(testNow)}
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				forget()
				for _, body := range bodies {
					if in.run(b.Context(), body, from).retry {
						b.Fatal("refused")
					}
				}
			}
			report(b, cpuTime()-cpu, len(lines))
		})
	}
}

// report prints processor time, garbage collection included: it is the same on a
// busy machine and an idle one, or nearly.
func report(b *testing.B, cpu time.Duration, events int) {
	perEvent := float64(cpu.Nanoseconds()) / float64(b.N*events)
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
