package datadogrumreceiver

import (
	"compress/zlib"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
	"github.com/otelcol-obs/otelcol-obs/internal/corpus"
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
func resourceBody(t testing.TB, shape string, seed uint64) string {
	t.Helper()
	s := readStory(t, filepath.Join("testdata", shape))
	for line := range strings.SplitSeq(s.Requests[0].Body, "\n") {
		if !strings.Contains(line, `"type":"resource"`) || !strings.Contains(line, `"span_id"`) {
			continue
		}
		random := rand.New(rand.NewPCG(seed, 2))
		lines := make([]string, eventsPerBody)
		for i := range lines {
			one := varying.ReplaceAllStringFunc(line, func(part string) string {
				return vary(part, variesFrom(part), random)
			})
			lines[i] = namedActions.ReplaceAllStringFunc(one, func(part string) string {
				return vary(part, strings.LastIndexByte(part, '-'), rand.New(rand.NewPCG(seed, uint64(i/eventsPerAction))))
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
	r, err := newRUM(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config))
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Shutdown(context.Background()) })
	r.out.traces, r.out.logs = consumertest.NewNop(), consumertest.NewNop()
	in := r.newIngest()
	forget := func() {
		// What is inferred and what was seen depend on what came before, by design.
		in.sessions, err = session.New(r.sessionConfig())
		require.NoError(t, err)
		in.batch.Now = testNow
	}
	forget()
	return in, forget
}

// converter returns a function that converts one body after the other, each with events of its own.
func converter(t testing.TB, shape string) func() {
	t.Helper()
	in, forget := newConverter(t)
	from := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
	bodies := make([]string, 50)
	for i := range bodies {
		bodies[i] = resourceBody(t, shape, uint64(i)+1)
	}
	n := 0
	return func() {
		if n%len(bodies) == 0 {
			forget()
		}
		body := bodies[n%len(bodies)]
		n++
		if res := in.run(t.Context(), body, from); res.Retry || in.writer.Spans() != eventsPerBody || in.counts[typeResource][session.Converted] != eventsPerBody {
			t.Fatal(res, in.counts)
		}
		in.counts = eventCounts{}
	}
}

// The promise of the README: what one request costs on the heap.
func TestAllocationsPerResourceEvent(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape, func(t *testing.T) {
			allocs := testing.AllocsPerRun(20, converter(t, shape)) / eventsPerBody
			t.Logf("%.1f allocations per event", allocs)
			if !raceDetector {
				require.LessOrEqual(t, allocs, 28.0)
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
		body := resourceBody(b, shape, 1)
		b.Run(shape+"/convert", func(b *testing.B) {
			convert := converter(b, shape)
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
			from := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				forget()
				for _, body := range bodies {
					if in.run(b.Context(), body, from).Retry {
						b.Fatal("refused")
					}
				}
			}
			report(b, cpuTime()-cpu, len(lines))
		})
	}
}

// BenchmarkVariedBodies is events of every kind that was ever captured, shuffled
// into bodies, each with ids, times and sizes of its own.
func BenchmarkVariedBodies(b *testing.B) {
	heap := make([]byte, 64<<20)
	defer runtime.KeepAlive(heap)
	lines := map[string][]string{}
	for _, line := range goldenLines(b) {
		lines["all"] = append(lines["all"], line)
		if strings.Contains(line, `"source":"browser"`) {
			lines["browser"] = append(lines["browser"], line)
		}
	}
	for _, from := range []string{"browser", "all"} {
		bodies := variedBodies(lines[from])
		b.Run(from, func(b *testing.B) {
			in, forget := newConverter(b)
			origin := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
			b.ReportAllocs()
			cpu := cpuTime()
			for b.Loop() {
				forget()
				for _, body := range bodies {
					if in.run(b.Context(), body, origin).Retry {
						b.Fatal("refused")
					}
				}
			}
			report(b, cpuTime()-cpu, len(bodies)*eventsPerBody)
		})
	}
}

// BenchmarkCorpus is what Chromium sent in a recorded session, body by body.
func BenchmarkCorpus(b *testing.B) {
	heap := make([]byte, 64<<20)
	defer runtime.KeepAlive(heap)
	bodies, events := corpusBodies(b)
	in, forget := newConverter(b)
	origin := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		forget()
		for _, body := range bodies {
			if in.run(b.Context(), body, origin).Retry {
				b.Fatal("refused")
			}
		}
	}
	report(b, cpuTime()-cpu, events)
}

// BenchmarkCorpusBaseline is what reading the same JSON into maps costs, and nothing else.
func BenchmarkCorpusBaseline(b *testing.B) {
	bodies, events := corpusBodies(b)
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		for _, body := range bodies {
			for line := range strings.SplitSeq(body, "\n") {
				var doc map[string]any
				if err := json.Unmarshal([]byte(line), &doc); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	report(b, cpuTime()-cpu, events)
}

// corpusBodies are the recorded bodies of RUM events, and the number of their lines.
func corpusBodies(t testing.TB) (bodies []string, events int) {
	t.Helper()
	for _, p := range corpus.Payloads(t, "browser", "rum") {
		if !strings.Contains(p.Path, "rum") {
			continue
		}
		body := string(p.Body)
		if zr, err := zlib.NewReader(strings.NewReader(body)); err == nil {
			raw, err := io.ReadAll(zr)
			require.NoError(t, err)
			body = string(raw)
		}
		lines := slices.DeleteFunc(strings.Split(body, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
		if len(lines) > 0 {
			bodies, events = append(bodies, strings.Join(lines, "\n")), events+len(lines)
		}
	}
	require.NotEmpty(t, bodies)
	return bodies, events
}

// numbers are the parts of an event that are its own.
var numbers = regexp.MustCompile(`"(?:trace_id|span_id|id)":"[0-9a-f-]{10,}|"date":\d+|"(?:duration|start|document_version|time_spent|count|(?:\w+_)?size|\w+_time|\w+_paint|dom_\w+|first_byte)":\d+`)

func variedBodies(lines []string) []string {
	random := rand.New(rand.NewPCG(1, 2))
	bodies := make([]string, 20)
	for i := range bodies {
		body := make([]string, eventsPerBody)
		for j := range body {
			body[j] = numbers.ReplaceAllStringFunc(lines[random.IntN(len(lines))], func(part string) string {
				return vary(part, variesFrom(part), random)
			})
		}
		bodies[i] = strings.Join(body, "\n")
	}
	return bodies
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
