package datadogrumreceiver

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Bodies full of distinct actions fill the table of actions, and nothing else:
// what is held is bounded, and the sender comes again.
func TestBodiesFullOfActionsStayWithinTheirTable(t *testing.T) {
	g := newRig(t, func(cfg *Config) { cfg.Actions.MaxHeldBytes, cfg.Actions.MaxHeld = 4<<20, 1_000_000 }).start(nil)
	padding := strings.Repeat("x", 2000)
	codes := map[int]int{}
	for body := range 10 {
		var lines []string
		for i := range 500 {
			lines = append(lines, act(fmt.Sprintf("a%d-%d", body, i), "custom", padding, i))
		}
		codes[g.post(joinLines(lines...)).code]++
		require.LessOrEqual(t, g.sizes().ActionBytes, g.cfg.Actions.MaxHeldBytes+2<<20, "one body beyond the bound at most")
	}
	require.Positive(t, codes[http.StatusServiceUnavailable])
	require.Equal(t, 10, codes[http.StatusServiceUnavailable]+codes[http.StatusAccepted])
	g.flush(g.cfg.Actions.Remember)
	require.Zero(t, g.sizes().Actions)
}
