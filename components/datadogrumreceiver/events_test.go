package datadogrumreceiver

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/event"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/datadogrumreceiver/internal/session"
)

// goldenLines are the lines of every golden story.
func goldenLines(f testing.TB) (lines []string) {
	files, err := filepath.Glob("testdata/*/in.yaml")
	require.NoError(f, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(f, err)
		for line := range strings.SplitSeq(string(raw), "\n") {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "{") {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// What is kept for the next body does not hold on to the last one, which may be 10 MB.
func TestAnIngestLetsGoOfItsBody(t *testing.T) {
	in, _ := newConverter(t)
	bodies := [][]string{
		{clickLine, strings.Replace(fetchLine, `["ac`, `["ac000000-0000-4000-8000-000000000002","ac`, 1), request(1, "a2", 10), request(2, "", 20), request(3, "a3", 10), request(4, "a4", 10)},
		{viewLine, `{"type":"error","date":1795168790000,"application":{"id":"x"},"action":{"id":["a1","a2"]},"error":{"message":"no \"luck\""}}`, "no event"},
		{strings.Repeat(" ", 10) + viewLine + strings.Repeat(" ", 100<<10), fetchLine},
	}
	gone := make(chan struct{}, len(bodies))
	for _, lines := range bodies {
		b := []byte(joinLines(lines...))
		runtime.AddCleanup(&b[0], func(chan struct{}) { gone <- struct{}{} }, gone)
		require.False(t, in.run(t.Context(), unsafe.String(&b[0], len(b)), &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}).Retry)
		require.True(t, in.forget())
	}
	require.Eventually(t, func() bool {
		runtime.GC()
		return len(gone) == len(bodies)
	}, 10*time.Second, time.Millisecond)
	runtime.KeepAlive(in)
}

// Whatever a stranger sends: no panic, every line has an outcome, nothing but valid text leaves.
func FuzzEvents(f *testing.F) {
	for _, line := range goldenLines(f) {
		f.Add(line)
	}
	f.Add(joinLines(clickLine, fetchLine))
	f.Fuzz(func(t *testing.T, body string) {
		cfg := createDefaultConfig().(*Config)
		r, err := newRUM(receivertest.NewNopSettings(metadata.Type), cfg)
		require.NoError(t, err)
		sink := &checkingSink{t: t}
		r.out.traces, r.out.logs, r.out.metrics = sink, sink, sink
		from := &event.Origin{Received: pcommon.NewTimestampFromTime(testNow)}
		in := r.newIngest()
		in.batch.Now = testNow
		require.False(t, in.run(t.Context(), body, from).Retry)
		var lines, outcomes int64
		for line := range strings.SplitSeq(body, "\n") {
			if strings.Trim(strings.ToValidUTF8(line, "\uFFFD"), " \t\r") != "" {
				lines++
			}
		}
		for i := range in.counts {
			for _, n := range in.counts[i] {
				outcomes += n
			}
		}
		require.Equal(t, lines, outcomes)
		require.NoError(t, r.flusher.flush(t.Context(), testNow, session.All))
		sizes := r.sessions.Sizes()
		require.Zero(t, sizes.Actions+sizes.ActionBytes+sizes.Views+sizes.ViewBytes)
	})
}
