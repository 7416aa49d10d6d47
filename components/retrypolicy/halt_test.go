package retrypolicy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
)

// An exporter with a timeout of 30 s and a backend that does not answer.
func TestAttemptsThatHangEndWithTheGrace(t *testing.T) {
	for name, over := range map[string]func(testing.TB, *kit, *backend) exporter.Logs{
		"http": func(t testing.TB, k *kit, b *backend) exporter.Logs { return overHTTP(t, k, b, nil) },
		"grpc": func(t testing.TB, k *kit, b *backend) exporter.Logs { return overGRPC(t, k, b) },
	} {
		t.Run(name, func(t *testing.T) {
			k, b := newKit(t, func(c *Config) { c.ShutdownGrace = 20 * time.Millisecond }), &backend{}
			arrived, letGo := make(chan struct{}, 2), make(chan struct{})
			hang := func() { arrived <- struct{}{}; <-letGo }
			b.status = func(int, []string) int { hang(); return 200 }
			b.grpc = func([]string) error { hang(); return nil }
			exp := over(t, k, b)
			t.Cleanup(func() { close(letGo) }) // before the server is stopped, which waits
			done := make(chan error, 1)
			go func() { done <- exp.ConsumeLogs(t.Context(), someLogs(1)) }()
			<-arrived
			require.NoError(t, k.NotReady())
			select {
			case err := <-done:
				require.ErrorContains(t, err, errHalted.Error())
				require.False(t, consumererror.IsPermanent(err), "the request must stay in the queue")
			case <-time.After(10 * time.Second):
				t.Fatal("the attempt goes on after the grace")
			}
			err := exp.ConsumeLogs(t.Context(), someLogs(1))
			require.ErrorContains(t, err, errHalted.Error(), "and no other begins")
			require.False(t, consumererror.IsPermanent(err))
		})
	}
}

func TestWithoutASignalNothingIsCutShort(t *testing.T) {
	k, b := newKit(t, func(c *Config) { c.ShutdownGrace = 0 }), &backend{}
	require.NoError(t, k.Ready())
	require.NoError(t, overHTTP(t, k, b, nil).ConsumeLogs(t.Context(), someLogs(1)))
	require.NoError(t, overGRPC(t, k, b).ConsumeLogs(t.Context(), someLogs(1)))
	require.Len(t, b.taken(), 2)
}
