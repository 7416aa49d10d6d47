package decode

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// expensive are small bodies that become much.
func expensive() map[string]struct {
	format Format
	body   []byte
} {
	span := func(b []byte, fields uint32) []byte {
		b = msgp.AppendMapHeader(b, fields+2)
		b = msgp.AppendUint64(msgp.AppendString(b, "span_id"), 1)
		return msgp.AppendUint64(msgp.AppendString(b, "trace_id"), 1)
	}
	spans := msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), 99_000)
	for range 99_000 {
		spans = span(spans, 0)
	}
	tags := span(msgp.AppendArrayHeader(msgp.AppendArrayHeader(nil, 1), 1), 1)
	tags = msgp.AppendMapHeader(msgp.AppendString(tags, "meta"), 300_000)
	for i := range 300_000 {
		tags = msgp.AppendString(msgp.AppendString(tags, fmt.Sprintf("%x", i)), "")
	}
	// 65 000 tags on each of 20 spans, which share their names.
	shared := msgp.AppendArrayHeader(nil, 2)
	shared = msgp.AppendArrayHeader(shared, 65_001)
	shared = msgp.AppendString(shared, "")
	for i := range 65_000 {
		shared = msgp.AppendString(shared, fmt.Sprintf("%x", i))
	}
	shared = msgp.AppendArrayHeader(msgp.AppendArrayHeader(shared, 1), 20)
	for range 20 {
		shared = msgp.AppendArrayHeader(shared, 12)
		for range 3 {
			shared = msgp.AppendUint(shared, 1)
		}
		for range 6 {
			shared = msgp.AppendUint(shared, 1)
		}
		shared = msgp.AppendMapHeader(shared, 65_000)
		for i := range 65_000 {
			shared = msgp.AppendUint(msgp.AppendUint(shared, uint(i+1)), 1)
		}
		shared = msgp.AppendUint(msgp.AppendMapHeader(shared, 0), 1)
	}
	return map[string]struct {
		format Format
		body   []byte
	}{
		"99 000 spans of two fields":     {V04, spans},
		"300 000 tags on one span":       {V04, tags},
		"65 000 shared tags on 20 spans": {V05, shared},
	}
}

// Strings share their memory with nothing of the body, and what a decoder works with is not kept: what is left must be covered.
func TestWhatIsBuiltIsChargedFor(t *testing.T) {
	for name, e := range expensive() {
		t.Run(name, func(t *testing.T) {
			d := New(Options{Mode: Both, MaxSpans: 100_000})
			charged := 0
			d.ChargeTo(func(n int) error { charged += n; return nil })
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			td, stats, err := d.Decode(e.format, e.body, Headers{})
			require.NoError(t, err)
			require.Positive(t, stats.Spans)
			runtime.GC() // with the decoder's working memory still there
			runtime.ReadMemStats(&after)
			runtime.KeepAlive(d)
			runtime.KeepAlive(td)
			held := int(after.HeapAlloc) - int(before.HeapAlloc)
			t.Logf("%d bytes hold %d, charged %d", len(e.body), held, charged)
			require.LessOrEqual(t, held, charged+2*len(e.body)+1<<20)
		})
	}
}

func TestAChargeThatIsRefusedEndsTheDecodingSoon(t *testing.T) {
	no := errors.New("no memory")
	for name, e := range expensive() {
		t.Run(name, func(t *testing.T) {
			d := New(Options{Mode: Both, MaxSpans: 100_000})
			left := 1 << 20
			d.ChargeTo(func(n int) error {
				if left -= n; left < 0 {
					return no
				}
				return nil
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := d.Decode(e.format, e.body, Headers{})
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, no)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(48<<20), "with all the garbage of slices that grow")
			d.ChargeTo(nil)
			_, _, err = d.Decode(e.format, e.body, Headers{})
			require.NoError(t, err, "the decoder can be used again")
		})
	}
}
