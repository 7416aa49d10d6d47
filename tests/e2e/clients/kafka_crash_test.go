package clients

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/crash"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// fullSoon is a gateway whose queues are small, and that does not give a backend
// much time to recover.
const fullSoon = `
exporters:
  otlp_http:
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
    sending_queue: {queue_size: 4194304, batch: {flush_timeout: 100ms}}
`

// While data flows through Kafka, agent, gateways and broker are killed, agent
// and gateway start while there is no broker, the backend refuses until the
// gateways' queues are full, and messages are there that nobody can read. What
// the agent acknowledged arrives.
func TestKafkaKeepsWhatWasAcknowledged(t *testing.T) {
	b := startBroker(t)
	ledger := crash.NewLedger()
	backend := crash.StartBackend(t, ledger)
	agent := toKafka(t, b, "")
	gateways := []*collector.Collector{
		fromKafka(t, b, "gateway-0", "config/export/otlphttp.yaml", backend.URL, fullSoon),
		fromKafka(t, b, "gateway-1", "config/export/otlphttp.yaml", backend.URL, fullSoon),
	}
	again := func(c *collector.Collector) {
		c.Kill()
		ledger.Killed()
		c.Run()
	}

	b.garble(t, "otlp_spans")
	require.Eventually(t, func() bool {
		return metric(gateways[0], "otelcol_kafka_receiver_unmarshal_failed_spans")+
			metric(gateways[1], "otelcol_kafka_receiver_unmarshal_failed_spans") == partitions
	}, upWithin, 50*time.Millisecond, "what nobody can read is counted, once each")

	f := newFlow(t, ledger, agent.OTLPGRPC)
	f.spans("spans", 50, 25*time.Millisecond)
	f.logs("logs", 50, 100, 25*time.Millisecond)
	// What has no id would be one message of a batch, larger than Kafka takes.
	f.logs("1.25 MB of logs", 50, 25_000, 500*time.Millisecond)
	f.logs("one log of 2 MB", 1, 2_000_000, 5*time.Second)
	// Lost so far is also what is on its way.
	caughtUp := func(after string) {
		t.Helper()
		from := backend.Items()
		require.Eventually(t, func() bool { return backend.Items() > from+1000 && ledger.Total().Lost < 5000 },
			upWithin, 20*time.Millisecond, "data flows "+after)
	}

	caughtUp("at first")
	again(agent)
	again(gateways[0])
	caughtUp("after the kills of agent and gateway")

	backend.Be("503")
	const full = "Backing off due to error from the next consumer"
	require.Eventually(t, func() bool {
		return strings.Contains(gateways[0].Log(), full) && strings.Contains(gateways[1].Log(), full)
	}, upWithin, 50*time.Millisecond, "the gateways' queues are full")
	again(gateways[1])
	backend.Be(crash.OK)
	caughtUp("after the backend refused")

	b.kill()
	// An agent that was writing waits for a broker, longer than Kubernetes waits
	// for it: the end is a kill.
	_, _ = agent.Terminate(2 * time.Second)
	ledger.Killed()
	agent.Run()
	took, err := gateways[0].Terminate(10 * time.Second)
	require.NoError(t, err, "SIGTERM without a broker")
	gateways[0].Run()
	again(gateways[1])
	time.Sleep(2 * time.Second) // the outage
	b.start(t)
	caughtUp("after the broker's kill")

	rng := rand.New(rand.NewPCG(6, 8))
	for range 6 {
		time.Sleep(time.Duration(rng.IntN(500)) * time.Millisecond) // the moment is the test
		again([]*collector.Collector{agent, gateways[0], gateways[1]}[rng.IntN(3)])
		caughtUp("after a kill")
	}
	f.stop()
	for deadline := time.Now().Add(upWithin); ledger.Total().Lost > 0 && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("a gateway without a broker took %s to end\n%s", took.Round(time.Millisecond), ledger.Table("through Kafka"))
	require.Zero(t, ledger.Total().Lost, "items that were acknowledged are lost")
	require.GreaterOrEqual(t, ledger.Total().AckedShare(), 90.0, "void: too little was acknowledged")
}

// garble writes a message that is no OTLP to every partition.
func (b *broker) garble(t *testing.T, topic string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DisableClientMetrics())
	require.NoError(t, err)
	defer client.Close()
	for i := range int32(partitions) {
		_, err := client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: i, Value: []byte("no OTLP")}).First()
		require.NoError(t, err)
	}
}

// metric is the sum of all series of one of a collector's counters.
func metric(c *collector.Collector, name string) (sum int) {
	for line := range strings.Lines(c.Scrape()) {
		if strings.HasPrefix(line, name+"{") {
			var n float64
			_, _ = fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &n)
			sum += int(n)
		}
	}
	return sum
}

// flow offers items to an agent until they are taken, each kind at its pace.
type flow struct {
	ledger  *crash.Ledger
	client  *otlp
	ctx     context.Context
	ended   chan struct{}
	offers  sync.WaitGroup
	stopped sync.Once
}

func newFlow(t *testing.T, ledger *crash.Ledger, addr string) *flow {
	f := &flow{ledger: ledger, client: newOTLP(t, addr), ctx: t.Context(), ended: make(chan struct{})}
	t.Cleanup(f.stop)
	return f
}

func (f *flow) spans(name string, n int, every time.Duration) {
	f.offer(name, n, every, func(uids []uint64) error {
		_, err := f.client.traces.Export(f.ctx, ptraceotlp.NewExportRequestFromTraces(crash.Traces(uids, 100)))
		return err
	})
}

func (f *flow) logs(name string, n, size int, every time.Duration) {
	f.offer(name, n, every, func(uids []uint64) error {
		_, err := f.client.logs.Export(f.ctx, plogotlp.NewExportRequestFromLogs(crash.Logs(uids, size)))
		return err
	})
}

func (f *flow) offer(name string, n int, every time.Duration, send func([]uint64) error) {
	source := f.ledger.Source(name)
	f.offers.Go(func() {
		for {
			uids := source.Offer(n)
			for {
				err := send(uids)
				if err == nil {
					source.Acked(uids)
					break
				}
				source.Uncertain(uids)
				select {
				case <-f.ctx.Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
				f.client.conn.ResetConnectBackoff()
			}
			select {
			case <-f.ended:
				return
			case <-f.ctx.Done():
				return
			case <-time.After(every):
			}
		}
	})
}

// stop ends offering when what was offered is taken.
func (f *flow) stop() {
	f.stopped.Do(func() { close(f.ended) })
	f.offers.Wait()
}
