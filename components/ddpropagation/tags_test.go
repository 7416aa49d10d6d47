package ddpropagation

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// Two lines about one service and one conflict: it is counted each time and reported once.
func TestConflictsAreCountedAndReportedOnce(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	c := newCollector(t, createDefaultConfig().(*Config))
	c.set.Logger = zap.New(core)
	p := c.logs(t)
	for range 3 {
		ld := plog.NewLogs()
		rl := ld.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", "shop")
		rl.Resource().Attributes().PutStr("service.version", "1.10.0")
		record := rl.ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
		record.Attributes().PutStr("dd.version", "0.1.0")
		require.NoError(t, p.ConsumeLogs(t.Context(), ld))
		v, _ := rl.Resource().Attributes().Get("service.version")
		require.Equal(t, "1.10.0", v.Str())
		v, _ = record.Attributes().Get("dd.version")
		require.Equal(t, "0.1.0", v.Str(), "the other value stays on the record")
	}
	require.Len(t, logs.All(), 1)
	require.EqualValues(t, 3, c.value(t, "tag_conflicts", label("tag", "version"), label("winner", "resource"), label("loser", "item")))
}

// However many services a batch names, no record is lost, and the order within a service stays.
func TestEveryRecordFindsAResource(t *testing.T) {
	c := newCollector(t, createDefaultConfig().(*Config))
	p := c.logs(t)
	ld := plog.NewLogs()
	records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	const n = 1000
	for i := range n {
		record := records.AppendEmpty()
		record.Attributes().PutStr("dd.service", fmt.Sprint("s", i%300))
		record.Attributes().PutInt("i", int64(i))
	}
	require.NoError(t, p.ConsumeLogs(t.Context(), ld))
	require.Equal(t, n, ld.LogRecordCount())
	require.Equal(t, maxGroups+1, ld.ResourceLogs().Len())
	require.EqualValues(t, 132, c.value(t, "ungrouped"))
	for _, rl := range ld.ResourceLogs().All() {
		last := int64(-1)
		for _, record := range rl.ScopeLogs().At(0).LogRecords().All() {
			v, _ := record.Attributes().Get("i")
			require.Greater(t, v.Int(), last)
			last = v.Int()
		}
	}
}
