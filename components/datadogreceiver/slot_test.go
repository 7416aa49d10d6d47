package datadogreceiver

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

// net/http recovers a panic of a handler; the slot of its request must not be lost with it.
func TestASlotIsGivenBackWhateverHappens(t *testing.T) {
	r, err := newReceiver(receivertest.NewNopSettings(componentType), createDefaultConfig().(*Config))
	require.NoError(t, err)
	handle := r.handle(protocol{name: "v0.4"}, func(context.Context, *sender, []byte) (send, error) { panic("a bug") })
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v0.4/traces", strings.NewReader("x"))
	require.PanicsWithValue(t, "a bug", func() { handle(httptest.NewRecorder(), req) })
	require.Empty(t, r.slots)
}
