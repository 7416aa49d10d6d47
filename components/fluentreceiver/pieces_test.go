package fluentreceiver

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/journal/journaltest"
)

func stored(c *Config) { c.Storage = &journaltest.ID }

// dockerPiece is a piece as Docker's driver sends it: all values are texts.
func dockerPiece(ordinal int, last bool, text string) Raw {
	return Array("docker.c1", EventTime(sent, uint32(ordinal)), Map("container_id", "c1", "container_name", "/shop", "source", "stdout", "log", text,
		"partial_message", "true", "partial_id", "id", "partial_ordinal", fmt.Sprint(ordinal), "partial_last", fmt.Sprint(last)), Map("chunk", fmt.Sprint("c", ordinal)))
}

func lines(sink *consumertest.LogsSink) (out []string) {
	for _, ld := range sink.AllLogs() {
		for _, rl := range ld.ResourceLogs().All() {
			for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
				out = append(out, lr.Body().Str())
			}
		}
	}
	return out
}

func TestEachPieceIsAcknowledgedAndTheLineArrivesWhole(t *testing.T) {
	next := &scripted{}
	r := startOn(t, next, journaltest.NewDisk().Host(), stored)
	conn := r.dial(t)
	for i, text := range []string{"A", "B", "C"} {
		if i == 2 {
			next.mu.Lock()
			next.errs = []error{errors.New("queue is full")}
			next.mu.Unlock()
		}
		write(t, conn, dockerPiece(i+1, i == 2, text))
		requireAnswer(t, conn, fmt.Sprintf("\x81\xa3ack\xa2c%d", i+1))
	}
	require.Equal(t, []string{"ABC"}, lines(&next.LogsSink))
	require.EqualValues(t, 1, r.count(t, "otelcol_receiver_fluent_partial_lines", "joined"))
	res := next.AllLogs()[0].ResourceLogs().At(0).Resource().Attributes().AsRaw()
	require.Equal(t, map[string]any{"container.id": "c1", "container.name": "shop"}, res)
}

func TestAcknowledgedPiecesSurviveAKill(t *testing.T) {
	disk := journaltest.NewDisk()
	refusing := &scripted{only: func(plog.Logs) error { return errors.New("queue is full") }}
	r := startOn(t, refusing, disk.Host(), stored)
	conn := r.dial(t)
	write(t, conn, dockerPiece(1, false, "A"))
	requireAnswer(t, conn, "\x81\xa3ack\xa2c1")
	killed := disk.Crash()

	sink := new(consumertest.LogsSink)
	r = startOn(t, sink, killed.Host(), stored)
	conn = r.dial(t)
	write(t, conn, dockerPiece(2, true, "B"))
	requireAnswer(t, conn, "\x81\xa3ack\xa2c2")
	require.Equal(t, []string{"AB"}, lines(sink))
}

func TestWhatIsHeldIsHandedOnByItsAgeAndAtShutdown(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := startOn(t, sink, journaltest.NewDisk().Host(), func(c *Config) {
		stored(c)
		c.Multiline = []string{"java"}
	})
	conn := r.dial(t)
	write(t, conn, Array("t", Array(entry("java.lang.X: a"), entry("\tat a.B.c(B.java:1)")), Map("chunk", "c1")))
	requireAnswer(t, conn, "\x81\xa3ack\xa2c1")
	require.Eventually(t, func() bool { return len(lines(sink)) == 1 }, 20*time.Second, 5*time.Millisecond)
	require.Equal(t, []string{"java.lang.X: a\n\tat a.B.c(B.java:1)"}, lines(sink))
	write(t, conn, dockerPiece(1, false, "A"))
	requireAnswer(t, conn, "\x81\xa3ack\xa2c1")
	require.NoError(t, r.Shutdown(t.Context()))
	require.Equal(t, "A", lines(sink)[1])
}

func entry(line string) Raw { return Array(EventTime(sent, 0), Map("log", line)) }

func TestWithoutStoragePiecesPassAsTheyAre(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := start(t, sink, nil)
	conn := r.dial(t)
	write(t, conn, dockerPiece(1, false, "A"))
	requireAnswer(t, conn, "\x81\xa3ack\xa2c1")
	require.Equal(t, []string{"A"}, lines(sink))
}
