package otlpprice

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

var wide = Limits{Cost: math.MaxInt64 / 2, Depth: 90}

// heap measures what f keeps, and what it allocates.
func heap(f func() any) (kept, allocated int64) {
	var a, b, c runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&a)
	r := f()
	runtime.ReadMemStats(&b)
	runtime.GC()
	runtime.ReadMemStats(&c)
	runtime.KeepAlive(r)
	return int64(c.HeapAlloc) - int64(a.HeapAlloc), int64(b.TotalAlloc - a.TotalAlloc)
}

// It is the alarm for an update of pdata: an element that keeps more than its price would let a request in that the process
// does not survive.
func TestPrices(t *testing.T) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer out.Flush()
	if testing.Verbose() {
		fmt.Fprintln(out, "element\twire\tkept\tallocated\tdeep\tshallow\t")
	}
	for _, e := range elements(100_000) {
		var err error
		kept, allocated := heap(func() any { r, e := decode(e.body, e.root); err = e; return r })
		require.NoError(t, err, e.name)
		deep, err := Deep(e.body, e.root, wide)
		require.NoError(t, err, e.name)
		shallow, err := Shallow(e.body, e.root, wide)
		require.NoError(t, err, e.name)
		n := int64(e.n)
		if testing.Verbose() {
			fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%d\t%d\t\n", e.name, len(e.body)/e.n, kept/n, allocated/n, deep/n, shallow/n)
		}
		require.LessOrEqual(t, kept, deep, "%s: the price is below what pdata keeps", e.name)
		require.LessOrEqual(t, kept, shallow, "%s: the shallow price is below what pdata keeps", e.name)
	}
}

// A small item is taken by its length: whatever is in it, that must cover it.
func TestTheShallowPriceCoversTheDearestItems(t *testing.T) {
	const items = 1000
	for _, e := range elements(itemMax / 2) {
		if !strings.Contains("Event Link KeyValue Exemplar quantile counts buckets Sample", strings.Fields(e.name)[0]) {
			continue
		}
		// Cut to a whole number of elements that fits an item, and many of these items.
		body := e.body
		_ = body
		t.Run(e.name, func(t *testing.T) {
			one, path := itemOf(e)
			var many []byte
			for range items {
				many = append(many, field(path[len(path)-1], one)...)
			}
			req := within(many, path[:len(path)-1]...)
			var err error
			kept, _ := heap(func() any { r, e := decode(req, e.root); err = e; return r })
			require.NoError(t, err)
			cost, err := Shallow(req, e.root, wide)
			require.NoError(t, err)
			require.LessOrEqual(t, kept, cost)
		})
	}
}

// itemOf takes the first item out of e's body, with at most itemMax bytes, and the path of fields to it.
func itemOf(e element) (item []byte, path []int) {
	b, k := e.body, roots[e.root]
	for itemByte[k] == 0 {
		num := int(b[0] >> 3)
		_, i := varint(b, 1)
		b, k, path = b[i:], children[k][num], append(path, num)
	}
	per := len(b) / e.n
	return b[:min(len(b), itemMax)/per*per], path
}

func TestAPriceIsPaidForMixturesWhileTheyAreDecoded(t *testing.T) {
	// The collector's own garbage must not count: what lives at the peak must fit the price.
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	all := elements(5_000)
	for i := range 100 {
		e := all[random.IntN(len(all))]
		var body []byte
		for range 1 + random.IntN(3) {
			o := all[random.IntN(len(all))]
			if o.root == e.root {
				body = append(body, o.body...)
			}
		}
		body = append(body, e.body...)
		deep, err := Deep(body, e.root, wide)
		require.NoError(t, err)
		var before, peak runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r, err := decode(body, e.root)
		require.NoError(t, err)
		runtime.GC()
		runtime.ReadMemStats(&peak)
		runtime.KeepAlive(r)
		require.LessOrEqual(t, int64(peak.HeapAlloc)-int64(before.HeapAlloc), deep+2*int64(len(body))+1<<20, "seed %d, mixture %d", seed, i)
	}
}

// good is a batch as SDKs send it: 13 attributes and one event a span.
func good(spans int) ptrace.Traces {
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	for i := range 8 {
		rs.Resource().Attributes().PutStr(fmt.Sprintf("service.something.%d", i), "some value of a resource")
	}
	ss := rs.ScopeSpans().AppendEmpty()
	for i := range spans {
		s := ss.Spans().AppendEmpty()
		s.SetName(fmt.Sprintf("GET /orders/{id}/%d", i%17))
		s.SetTraceID([16]byte{1, byte(i), byte(i >> 8), 15: 1})
		s.SetSpanID([8]byte{1, byte(i), byte(i >> 8), 7: 1})
		s.SetStartTimestamp(1)
		s.SetEndTimestamp(2)
		for j := range 12 {
			s.Attributes().PutStr(fmt.Sprintf("http.attribute.%d", j), fmt.Sprintf("value-%d-%d", i, j))
		}
		s.Attributes().PutInt("http.response.status_code", 200)
		e := s.Events().AppendEmpty()
		e.SetName("exception")
		e.Attributes().PutStr("exception.message", "something went wrong, and this says what")
	}
	return td
}

func goodProto(t testing.TB, spans int) []byte {
	b, err := ptraceotlp.NewExportRequestFromTraces(good(spans)).MarshalProto()
	require.NoError(t, err)
	return b
}

func goodJSON(t testing.TB, spans int) []byte {
	b, err := ptraceotlp.NewExportRequestFromTraces(good(spans)).MarshalJSON()
	require.NoError(t, err)
	return b
}

func TestPricingAllocatesNothing(t *testing.T) {
	b, j := goodProto(t, 500), goodJSON(t, 500)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		_, _ = Shallow(b, Traces, wide)
		_, _ = Deep(b, Traces, wide)
		_, _ = JSON(j, wide)
	}))
}

func TestWhatIsTooDeepIsRefused(t *testing.T) {
	t.Parallel()
	l := Limits{Cost: wide.Cost, Depth: 64}
	for name, body := range map[string][]byte{
		"maps":        within(maps(400), 1, 2),
		"many levels": within(maps(9000), 1, 2),
	} {
		_, err := Deep(body, Logs, l)
		require.Equal(t, admission.ReasonDepth, admission.AsRefusal(err).Reason, name)
		_, err = Shallow(body, Logs, l)
		require.Equal(t, admission.ReasonDepth, admission.AsRefusal(err).Reason, name)
	}
	_, err := Deep(within(maps(20), 1, 2), Logs, l)
	require.NoError(t, err)
	_, err = JSON([]byte(strings.Repeat("[", 90_000)), l)
	require.Equal(t, admission.ReasonDepth, admission.AsRefusal(err).Reason)
	_, err = JSON([]byte(`{"a":"`+strings.Repeat(`[\"`, 1000)+`"}`), l)
	require.NoError(t, err, "brackets in a string are text")
}

func TestWhatCostsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	l := Limits{Cost: 128 << 20, Depth: 64}
	for _, e := range elements(4_000_000) {
		if strings.HasPrefix(e.name, "Sample's") || strings.HasPrefix(e.name, "Stack's") || strings.Contains(e.name, "buckets") || strings.Contains(e.name, "counts") || strings.Contains(e.name, "key") || strings.Contains(e.name, "table") {
			continue // 40 bytes each at most: 4 million fit
		}
		for _, price := range []func([]byte, Root, Limits) (int64, error){Shallow, Deep} {
			_, err := price(e.body, e.root, l)
			require.NotNil(t, admission.AsRefusal(err), e.name)
			require.Equal(t, admission.ReasonPrice, admission.AsRefusal(err).Reason, e.name)
		}
	}
	_, err := JSON([]byte(`{"resourceSpans":[`+strings.Repeat(`{},`, 2_000_000)+`{}]}`), l)
	require.Equal(t, admission.ReasonPrice, admission.AsRefusal(err).Reason)
}

func TestWhatIsNoOTLPIsMalformed(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"a child longer than its parent": {0x0a, 5, 1},
		"a tag that does not end":        {0xff, 0xff},
		"a varint of eleven bytes":       append([]byte{0x08}, repeat(11, 0xff)...),
		"a group":                        {0x0b, 0x0c},
		"field 0":                        {0x02, 0},
		"eight bytes cut":                {0x09, 1, 2},
		"four bytes cut":                 {0x0d, 1},
		"a length that is missing":       {0x0a},
	} {
		_, err := Deep(b, Traces, wide)
		require.NotNil(t, admission.AsRefusal(err), name)
		require.Equal(t, admission.ReasonMalformed, admission.AsRefusal(err).Reason, name)
	}
	_, err := JSON([]byte(`{"a`), wide)
	require.Equal(t, admission.ReasonMalformed, admission.AsRefusal(err).Reason)
}

// cpu is the process's, so that other processes do not count.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Printed, never asserted: on a busy machine times mean something only beside each other.
func TestTheShareOfPricingInDecoding(t *testing.T) {
	b, j := goodProto(t, 500), goodJSON(t, 500)
	rounds := 40
	if testing.Short() {
		rounds = 4
	}
	for name, c := range map[string]struct {
		body   []byte
		price  func()
		decode func() (any, error)
	}{
		"shallow": {b, func() { _, _ = Shallow(b, Traces, wide) }, func() (any, error) { return decode(b, Traces) }},
		"deep":    {b, func() { _, _ = Deep(b, Traces, wide) }, func() (any, error) { return decode(b, Traces) }},
		"JSON":    {j, func() { _, _ = JSON(j, wide) }, func() (any, error) { return decodeJSON(j, Traces) }},
	} {
		var pricing, decoding time.Duration
		for range rounds {
			t0 := cpu()
			for range 10 {
				c.price()
			}
			t1 := cpu()
			_, err := c.decode()
			require.NoError(t, err)
			decoding += cpu() - t1
			pricing += (t1 - t0) / 10
		}
		t.Logf("%s: %d bytes, %.0f MB/s, %.2f %% of decoding", name, len(c.body), float64(len(c.body)*rounds)/pricing.Seconds()/1e6, 100*float64(pricing)/float64(decoding))
	}
	shallow, _ := Shallow(b, Traces, wide)
	deep, _ := Deep(b, Traces, wide)
	text, _ := JSON(j, wide)
	t.Logf("a good batch of 500 spans is priced shallow %.1f x, deep %.1f x, JSON %.1f x its length", float64(shallow)/float64(len(b)), float64(deep)/float64(len(b)), float64(text)/float64(len(j)))
}
