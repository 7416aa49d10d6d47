//go:build !race

package tagtruncate

// The race detector allocates too, so these hold without it.

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Every kind of attribute within its limits, on every scope, under every
// profile and with rules of every kind: nothing is allocated.
func TestWhatIsWithinLimitsPassesUnallocated(t *testing.T) {
	fill := func(m pcommon.Map) {
		m.PutStr("http.route", "/cart")
		m.PutStr("db.query.text", "select 1")
		m.PutStr("_dd.p.tid", "0123456789abcdef")
		m.PutStr("grüße", "日本語")
		m.PutInt("count", 7)
		m.PutEmpty("empty")
		m.PutEmptySlice("list").AppendEmpty().SetStr("a")
		m.PutEmptyMap("map").PutStr("inner", "b")
		m.PutEmptyBytes("raw").FromRaw([]byte("c"))
	}
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	fill(rs.Resource().Attributes())
	ss := rs.ScopeSpans().AppendEmpty()
	fill(ss.Scope().Attributes())
	for range 10 {
		span := ss.Spans().AppendEmpty()
		span.SetName("GET /cart")
		span.Status().SetMessage("no")
		fill(span.Attributes())
		fill(span.Events().AppendEmpty().Attributes())
		fill(span.Links().AppendEmpty().Attributes())
	}
	ld := plog.NewLogs()
	record := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	fill(record.Attributes())
	fill(record.Body().SetEmptyMap())
	md := pmetric.NewMetrics()
	fill(md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptySum().DataPoints().AppendEmpty().Attributes())

	changes := map[string]func(*Config){
		"rules": func(c *Config) {
			c.Rules["user.*"] = Rule{Action: actionHash}
			c.Rules["*.password"] = Rule{Action: actionDrop}
			c.Rules["http.*"] = Rule{StripQuery: true}
		},
		"repair_all": func(c *Config) { c.InvalidUTF8 = utf8RepairAll },
		"report":     func(c *Config) { c.Marker = "…"; c.Boundary = boundaryGrapheme },
	}
	for name := range profiles {
		changes[name] = func(c *Config) { *c = mustProfile(t, name) }
	}
	for name, change := range changes {
		p := newTestTruncator(t, change)
		require.Zero(t, testing.AllocsPerRun(20, func() {
			_, _ = p.processTraces(t.Context(), td)
			_, _ = p.processLogs(t.Context(), ld)
			_, _ = p.processMetrics(t.Context(), md)
		}), name)
	}
}

func TestAShortPieceOfALongStringIsCopiedOnce(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	c := cutter{reads: true, repair: true}
	require.EqualValues(t, 1, testing.AllocsPerRun(10, func() { c.cut(long, 1024) }))
	require.Zero(t, testing.AllocsPerRun(10, func() { c.cut(long[:2048], 1024) }), "a little longer is not worth a copy")
}
