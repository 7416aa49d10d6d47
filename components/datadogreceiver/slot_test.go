package datadogreceiver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// The more memory a process has, the larger one request and the more of them at once.
func TestLimitsFollowTheMemoryOfTheProcess(t *testing.T) {
	for limit, want := range map[int64][2]int{ // of both pools: requests at once, spans of one
		32 << 20:   {16, 17_975},
		164 << 20:  {16, 92_124},
		4096 << 20: {384, 100_000},
	} {
		pools := admission.New(admission.Limits{})
		r, err := newReceiver(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), pools)
		require.NoError(t, err)
		done, err := pools.Configure(admission.Limits{MaxBytes: limit}) // as the extension does, before receivers start
		require.NoError(t, err)
		r.cfg.NetAddr.Endpoint = "127.0.0.1:0"
		require.NoError(t, r.Start(t.Context(), componenttest.NewNopHost()))
		require.Equal(t, want, [2]int{cap(r.intake.slots), r.intake.maxSpans}, "%d", limit)
		require.NoError(t, r.Shutdown(t.Context()))
		done()

		cfg := createDefaultConfig().(*Config)
		cfg.MaxConcurrentRequests, cfg.MaxSpansPerRequest = 3, 200_000
		i := newIntake(cfg, pools)
		require.Equal(t, [2]int{3, 200_000}, [2]int{cap(i.slots), i.maxSpans}, "what is configured counts")
	}
}

// net/http recovers a panic of a handler; the slot and the memory of its request must not be lost with it.
func TestASlotIsGivenBackWhateverHappens(t *testing.T) {
	r, err := newReceiver(receivertest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), admission.New(admission.Limits{}))
	require.NoError(t, err)
	handle := r.handle(protocol{name: "v0.4"}, func(context.Context, *sender, []byte, func(int) error) (send, error) { panic("a bug") })
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v0.4/traces", strings.NewReader("x"))
	require.PanicsWithValue(t, "a bug", func() { handle(httptest.NewRecorder(), req) })
	require.Empty(t, r.intake.slots)
	requireMemory(t, r)
}

// requireMemory requires that nobody holds any memory.
func requireMemory(t *testing.T, r *datadogReceiver) {
	t.Helper()
	require.Eventually(t, func() bool {
		return r.intake.pools.Reception.Usage().Held == 0 && r.intake.pools.Decoding.Usage().Held == 0
	}, 30*time.Second, time.Millisecond)
}

func TestABodyThatTricklesInKeepsNobodyOut(t *testing.T) {
	r := run(t, new(consumertest.TracesSink), func(c *Config) { c.MaxConcurrentRequests = 1 })
	var slow sync.WaitGroup
	var ends []*io.PipeWriter
	for range 5 {
		body, end := io.Pipe()
		ends = append(ends, end)
		slow.Go(func() {
			resp, err := http.Post(r.url+"/v0.4/traces", "application/msgpack", body)
			if err != nil || resp.StatusCode != http.StatusBadRequest || resp.Body.Close() != nil {
				t.Errorf("a cut payload was answered %v, %v", resp, err)
			}
		})
		_, err := end.Write([]byte{0xdd, 0, 0})
		require.NoError(t, err, "the request has begun")
	}
	resp, _ := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	for _, end := range ends {
		require.NoError(t, end.Close())
	}
	slow.Wait()
	requireMemory(t, r.datadogReceiver)
}

func TestBodiesTogetherAreBounded(t *testing.T) {
	r := run(t, new(consumertest.TracesSink), func(c *Config) { c.MaxConcurrentRequests, c.MaxWait = 1, 50*time.Millisecond })
	whole, err := r.intake.pools.Reception.Reserve(t.Context(), r.intake.pools.Reception.Largest())
	require.NoError(t, err)
	resp, body := r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode)
	require.Contains(t, body, "too many requests")
	whole.Release()
	resp, _ = r.send(t, http.MethodPost, "/v0.4/traces", capture(t, "js-v0.4.bin"))
	require.Equal(t, http.StatusOK, resp.StatusCode)
	requireMemory(t, r.datadogReceiver)
}
