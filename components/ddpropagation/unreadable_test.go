package ddpropagation

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestUnreadableIDsAreShownSparinglyAndCut(t *testing.T) {
	core, logged := observer.New(zap.DebugLevel)
	c := newCollector(t, createDefaultConfig().(*Config))
	c.set.Logger = zap.New(core)
	p, err := newLogProcessor(c.set, c.cfg, nil)
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	p.unreadable.now = func() time.Time { return now }
	say := func(value string) {
		ld, record := oneRecord()
		record.Attributes().PutStr("dd.trace_id", value)
		_, err := p.processLogs(t.Context(), ld)
		require.NoError(t, err)
	}

	say("1")
	say("0")
	require.Zero(t, logged.Len(), "what can be read is no news")
	long := strings.Repeat("é", 1000)
	say(long)
	say("again")
	require.Equal(t, 1, logged.Len())
	now = now.Add(unreadableEvery)
	say("later")
	require.Equal(t, 2, logged.Len())
	fields := logged.All()[0].ContextMap()
	require.Equal(t, map[string]any{"source": "dd.trace_id", "outcome": "invalid", "value": strings.Repeat("é", 32) + "…"}, fields)
	require.Equal(t, "later", logged.All()[1].ContextMap()["value"])
}
