package outage

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func newLog() (*Log, *observer.ObservedLogs, *time.Time) {
	core, logs := observer.New(zap.InfoLevel)
	l := New(zap.New(core))
	now := time.Unix(1_800_000_000, 0)
	l.now = func() time.Time { return now }
	return l, logs, &now
}

func TestAnOutageIsAWarningAMinuteAndALineAtItsEnd(t *testing.T) {
	l, logs, now := newLog()
	l.Taken("a.example") // nothing was wrong
	for range 150 {      // 150 s
		l.Refused("a.example", "403 Forbidden: api key revoked")
		*now = now.Add(time.Second)
	}
	require.Len(t, logs.FilterLevelExact(zap.WarnLevel).All(), 3)
	first := logs.All()[0].ContextMap()
	require.Equal(t, "a.example", first["backend"])
	require.Equal(t, "403 Forbidden: api key revoked", first["answer"])
	l.Taken("b.example")
	l.Taken("a.example")
	l.Taken("a.example")
	ends := logs.FilterLevelExact(zap.InfoLevel).All()
	require.Len(t, ends, 1)
	require.Equal(t, 150*time.Second, ends[0].ContextMap()["after"])
	require.EqualValues(t, 150, ends[0].ContextMap()["refused_requests"])
}

func TestBackendsAreBounded(t *testing.T) {
	l, logs, _ := newLog()
	for i := range 1000 {
		l.Refused(fmt.Sprint(i), "connection refused")
	}
	require.LessOrEqual(t, len(l.backends), maxBackends+1)
	require.Len(t, logs.All(), maxBackends+1)
}
