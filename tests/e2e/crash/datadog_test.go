package crash

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/ddintake"
)

// datadogMoods is the round that Datadog's intake goes, each endpoint a step
// behind the one before.
var datadogMoods = []func(size int) ddintake.Answer{
	func(int) ddintake.Answer { return ddintake.Answer{Status: 503} },
	func(int) ddintake.Answer { return ddintake.Answer{Hang: true} },
	func(int) ddintake.Answer { return ddintake.Answer{} },
	func(int) ddintake.Answer { return ddintake.Answer{Status: 403} },
	func(int) ddintake.Answer { return ddintake.Answer{Status: 408} },
	func(size int) ddintake.Answer {
		if size > 20_000 {
			return ddintake.Answer{Status: 413}
		}
		return ddintake.Answer{}
	},
	func(int) ddintake.Answer {
		return ddintake.Answer{Status: 429, Header: map[string]string{"Retry-After": "1"}}
	},
	func(int) ddintake.Answer { return ddintake.Answer{Reset: true} },
	func(int) ddintake.Answer { return ddintake.Answer{Status: 500} },
	func(int) ddintake.Answer { return ddintake.Answer{Delay: 300 * time.Millisecond} },
	func(int) ddintake.Answer { return ddintake.Answer{Status: 400} },
	func(int) ddintake.Answer { return ddintake.Answer{} },
}

// datadogRig is the shipped gateway with datadog.yaml and an intake.
type datadogRig struct {
	*rig
	intake  *ddintake.Intake
	arrived atomic.Int64
}

func newDatadogRig(t *testing.T) *datadogRig {
	t.Helper()
	ledger := NewLedger()
	d := &datadogRig{intake: ddintake.Start(t)}
	d.rig = &rig{t: t, ledger: ledger, Collector: collector.New(t, collector.Options{
		Configs: []string{"config/gateway.yaml", "config/export/datadog.yaml"},
		Env:     []string{"DD_API_KEY=" + ddintake.APIKey, "DD_SITE=datadoghq.eu", "DD_HOSTNAME=crash", "GOMEMLIMIT=983MiB"},
		Overlay: `
connectors: {dd_stats: {bucket_interval: 2s}}
exporters:
  datadog_intake:
    endpoint: "` + d.intake.URL + `"
    timeout: 2s
    host_metadata: {enabled: false}
    retry_on_failure: {initial_interval: 100ms, max_interval: 1s}
    sending_queue: {batch: {flush_timeout: 200ms}}
`})}
	uid := func(value any) []uint64 {
		n, err := strconv.ParseUint(fmt.Sprint(value), 10, 64)
		if err != nil {
			t.Errorf("an item without a number arrived: %v", value)
			return nil
		}
		return []uint64{n}
	}
	d.intake.HandOn(func(spans []ddintake.Span) {
		for _, span := range spans {
			ledger.Arrived(uid(span.Meta["uid"]))
			d.arrived.Add(1)
		}
	}, func(logs []map[string]any) {
		for _, entry := range logs {
			ledger.Arrived(uid(entry["uid"]))
			d.arrived.Add(1)
		}
	})
	return d
}

// drained waits until everything acknowledged has arrived or is in quarantine,
// or nothing has arrived for so long that nothing will.
func (d *datadogRig) drained(within time.Duration) {
	d.t.Helper()
	deadline := time.Now().Add(within)
	last, since := int64(-1), time.Now()
	for time.Now().Before(deadline) && d.ledger.Total().Lost > 0 {
		if n := d.arrived.Load(); n != last {
			last, since = n, time.Now()
		} else if time.Since(since) > 10*time.Second {
			return
		}
		time.Sleep(20 * time.Millisecond) // the bound is above
	}
}

func (d *datadogRig) fleet(rate int) *Fleet {
	d.t.Helper()
	const batch = 50
	every := time.Second * batch * 3 / time.Duration(rate)
	spans, err := newOTLPGRPC(d.OTLPGRPC, 100)
	require.NoError(d.t, err)
	client := func(name string, s sender) *Client {
		return &Client{Source: d.ledger.Source(name), Batch: batch, Every: every, sender: s}
	}
	return StartFleet(d.t.Context(),
		client("OTLP gRPC traces", spans), client("OTLP HTTP logs", newOTLPHTTP(d.OTLPHTTP, 100)), client("Datadog v0.4 traces", newDatadog04(d.Datadog, 100)))
}

// mood makes each endpoint answer in its own way.
func (d *datadogRig) mood(step int) {
	d.intake.Be(func(path string, size int) ddintake.Answer {
		a := datadogMoods[(step+len(path))%len(datadogMoods)](size)
		if a.Status == 400 && path == "/api/v0.2/stats" {
			return ddintake.Answer{} // what is in quarantine can't be counted in hits
		}
		return a
	})
}

// Spans, logs and statistics survive kill -9 at random while the intake goes
// through every answer it may give.
func TestTheDatadogIntakeGetsAllThroughKillsAndOutages(t *testing.T) {
	const rate = 3000
	d := newDatadogRig(t)
	d.Run()
	rng := rand.New(rand.NewPCG(1, 2))
	fleet := d.fleet(rate)
	kills, step := 0, 0
	for end := time.Now().Add(soak(20 * time.Second)); time.Now().Before(end); {
		d.mood(step)
		step++
		time.Sleep(time.Duration(1000+rng.IntN(1500)) * time.Millisecond) // the moment is the test
		if step%2 == 0 {
			d.Kill()
			kills++
			d.Run()
		}
	}
	d.intake.Be(nil)
	fleet.Stop(30 * time.Second)
	d.drained(3 * time.Minute)
	_, err := d.Terminate(exitWithin)
	require.NoError(t, err)
	d.Run() // what SIGTERM left in the queues
	d.drained(30 * time.Second)
	time.Sleep(3 * time.Second) // statistics come behind the spans; how many may be missing is asserted below
	_, err = d.Terminate(exitWithin)
	require.NoError(t, err)
	title := fmt.Sprintf("datadog_intake, %d kills", kills)
	if n := CountQuarantine(t, d.ledger, d.DataDir); n > 0 {
		title += fmt.Sprintf(" (%d requests in quarantine)", n)
	}
	total := d.ledger.Total()
	t.Logf("\n%s\nhits %v; the worst kill made %d items arrive again\n%s", d.ledger.Table(title), d.intake.Hits(), d.ledger.WorstKill(), fmt.Sprint(fleet.Errors()))
	require.Positive(t, total.Acked)
	require.Zero(t, total.Lost, "items that were acknowledged are lost")
	// A kill costs the statistics since the journal was written, every second; three are for a busy machine.
	require.GreaterOrEqual(t, int(d.hits())+kills*3*rate, int(d.spans()), "statistics")
}

// spans are those that were acknowledged.
func (d *datadogRig) spans() (n uint64) {
	for _, s := range d.ledger.sources {
		if s.Name != "OTLP HTTP logs" {
			n += uint64(s.sum().Acked)
		}
	}
	return n
}

// hits are the spans that statistics have counted.
func (d *datadogRig) hits() (n uint64) {
	for _, h := range d.intake.Hits() {
		n += h
	}
	return n
}

// Without a kill nothing arrives twice, whatever the intake answers, and every
// span is counted once.
func TestTheDatadogIntakeGetsEverythingOnceThroughOutages(t *testing.T) {
	d := newDatadogRig(t)
	d.Run()
	fleet := d.fleet(1500)
	step := 0
	for end := time.Now().Add(min(soak(12*time.Second), time.Minute)); time.Now().Before(end); step++ {
		d.mood(step)
		// A request that got no answer may have been taken: it may come twice.
		d.intake.Be(func(path string, size int) ddintake.Answer {
			a := datadogMoods[(step+len(path))%len(datadogMoods)](size)
			if a.Status == 400 {
				return ddintake.Answer{}
			}
			return a
		})
		time.Sleep(time.Second) // the length of an outage
	}
	d.intake.Be(nil)
	fleet.Stop(30 * time.Second)
	d.drained(time.Minute)
	_, err := d.Terminate(exitWithin)
	require.NoError(t, err)
	d.Run()
	spans := d.spans()
	d.eventually("the statistics have arrived", 30*time.Second, func() bool { return d.hits() >= spans })
	total := d.ledger.Total()
	t.Logf("\n%s\nhits %d of %d spans", d.ledger.Table("datadog_intake, outages"), d.hits(), spans)
	require.Zero(t, total.Lost)
	require.Zero(t, total.Duplicated)
	require.Equal(t, spans+uint64(total.Resent), d.hits(), "each span is counted once")
}
