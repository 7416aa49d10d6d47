package fluentreceiver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/metadata"
	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

const sent = 1795771200

// running is a receiver under test.
type running struct {
	*fluentReceiver
	logs *observer.ObservedLogs
	tel  *componenttest.Telemetry
}

func start(t testing.TB, next consumer.Logs, change func(*Config)) *running {
	t.Helper()
	return startOn(t, next, componenttest.NewNopHost(), change)
}

func startOn(t testing.TB, next consumer.Logs, host component.Host, change func(*Config)) *running {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Endpoint = "127.0.0.1:0"
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	core, logs := observer.New(zap.InfoLevel)
	tel := componenttest.NewTelemetry()
	set := receivertest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = tel.NewTelemetrySettings()
	set.Logger = zap.New(core)
	set.ID = component.NewID(metadata.Type) // the same after a restart
	r, err := newReceiver(set, cfg, next, admission.New(admission.Limits{MaxBytes: 256 << 20}))
	require.NoError(t, err)
	require.NoError(t, r.Start(context.Background(), host))
	t.Cleanup(func() {
		require.NoError(t, r.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
		require.Zero(t, r.pools.Reception.Usage().Held)
		require.Zero(t, r.pools.Decoding.Usage().Held)
	})
	return &running{r, logs, tel}
}

func (r *running) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial(r.bound.address.Network(), r.bound.address.String())
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func write(t testing.TB, conn net.Conn, b []byte) {
	t.Helper()
	_, err := conn.Write(b)
	require.NoError(t, err)
}

// requireAnswer reads want with one read, as Fluent Bit does.
func requireAnswer(t testing.TB, conn net.Conn, want string) {
	t.Helper()
	got := make([]byte, 512)
	n, err := conn.Read(got)
	require.NoError(t, err)
	require.Equal(t, want, string(got[:n]))
}

// requireClosed reads until the end and requires that nothing was there.
func requireClosed(t testing.TB, conn net.Conn) {
	t.Helper()
	b, err := io.ReadAll(conn)
	require.Empty(t, b)
	if err != nil {
		require.ErrorContains(t, err, "reset")
	}
}

// count is the sum of a counter over its attributes, or of those of one attribute's value.
func (r *running) count(t testing.TB, name string, value ...string) (sum int64) {
	t.Helper()
	m, err := r.tel.GetMetric(name)
	if err != nil {
		return 0
	}
	for _, p := range m.Data.(metricdata.Sum[int64]).DataPoints {
		for _, kv := range p.Attributes.ToSlice() {
			if len(value) == 0 || kv.Value.String() == value[0] {
				sum += p.Value
				break
			}
		}
	}
	return sum
}

func (r *running) requireWarning(t testing.TB, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, l := range r.logs.FilterLevelExact(zap.WarnLevel).All() {
			if err, ok := l.ContextMap()["error"]; ok && strings.Contains(err.(string), text) {
				return l.ContextMap()["peer"] != nil
			}
		}
		return false
	}, 20*time.Second, 5*time.Millisecond, "no warning says %q: %v", text, r.logs.All())
}

func message(chunk string) Raw {
	return Array("t", EventTime(sent, 0), Map("log", "line of "+chunk), Map("chunk", chunk))
}

// scripted is a consumer that answers as told, then takes everything.
type scripted struct {
	consumertest.LogsSink
	mu    sync.Mutex
	errs  []error
	calls int
	only  func(plog.Logs) error
}

func (s *scripted) ConsumeLogs(ctx context.Context, ld plog.Logs) error {
	s.mu.Lock()
	s.calls++
	var err error
	if len(s.errs) > 0 {
		err, s.errs = s.errs[0], s.errs[1:]
	} else if s.only != nil {
		err = s.only(ld)
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.LogsSink.ConsumeLogs(ctx, ld)
}

func TestRealSendersAreAcknowledgedWithTheBytesTheyExpect(t *testing.T) {
	for _, name := range []string{"fluent-bit-5.1.1-ack", "fluent-bit-5.1.1-gzip", "fluent-bit-5.1.1-otlp", "fluent-bit-5.1.1-otlp-metrics", "fluentd-14-ack", "fluentd-19-zstd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := os.ReadFile(filepath.Join("internal/decode/testdata/captures", name+".c2s"))
			require.NoError(t, err)
			want, err := os.ReadFile(filepath.Join("testdata/captures", name+".s2c"))
			require.NoError(t, err)
			sink := new(consumertest.LogsSink)
			r := start(t, sink, nil)
			conn := r.dial(t)
			write(t, conn, in)
			requireAnswer(t, conn, string(want))
			// Byte by byte, on the same connection.
			for i := range in {
				write(t, conn, in[i:i+1])
			}
			requireAnswer(t, conn, string(want))
			if !strings.Contains(name, "metrics") {
				require.NotZero(t, sink.LogRecordCount())
			}
			require.Eventually(t, func() bool { return r.count(t, "otelcol_receiver_fluent_acks") == 2 }, 20*time.Second, time.Millisecond)
		})
	}
}

func TestAMessageIsHeldWhileThePipelineRefusesItAndAcknowledgedAfter(t *testing.T) {
	next := &scripted{errs: []error{errors.New("queue is full"), errors.New("queue is full")}}
	r := start(t, next, nil)
	conn := r.dial(t)
	write(t, conn, message("a"))
	requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	require.Equal(t, 1, next.LogRecordCount())
	require.Equal(t, 3, next.calls)
}

func TestAMessageThatIsRefusedForTooLongIsNotAcknowledged(t *testing.T) {
	next := &scripted{only: func(plog.Logs) error { return errors.New("queue is full") }}
	r := start(t, next, func(c *Config) { c.MaxWait, c.UnackedWait = time.Second, time.Second })
	conn := r.dial(t)
	write(t, conn, message("a"))
	requireClosed(t, conn)
	r.requireWarning(t, "queue is full")
	require.EqualValues(t, 1, r.count(t, "otelcol_receiver_fluent_refused_messages", "pipeline"))
	// Who waits for nothing can't be told: it is counted, and the connection goes on.
	conn = r.dial(t)
	write(t, conn, Array("t", sent, Map("log", "a")))
	require.Eventually(t, func() bool { return r.count(t, "otelcol_receiver_fluent_refused_records", "pipeline") == 1 }, 20*time.Second, 5*time.Millisecond)
	next.mu.Lock()
	next.only = nil
	next.mu.Unlock()
	write(t, conn, message("b"))
	requireAnswer(t, conn, "\x81\xa3ack\xa1b")
}

func TestWhatThePipelineWillNeverTakeIsAcknowledgedAndCounted(t *testing.T) {
	next := &scripted{only: func(ld plog.Logs) error {
		for _, rl := range ld.ResourceLogs().All() {
			for _, lr := range rl.ScopeLogs().At(0).LogRecords().All() {
				if strings.Contains(lr.Body().Str(), "bad") {
					return consumererror.NewPermanent(errors.New("never"))
				}
			}
		}
		return nil
	}}
	r := start(t, next, nil)
	conn := r.dial(t)
	// What arrives together goes together, and the bad one takes none of the others along.
	write(t, conn, Values(Array("t", sent, Map("log", "good 1")), Array("t", sent, Map("log", "bad")), message("good 2")))
	requireAnswer(t, conn, "\x81\xa3ack\xa6good 2")
	require.Equal(t, 2, next.LogRecordCount())
	write(t, conn, message("bad"))
	requireAnswer(t, conn, "\x81\xa3ack\xa3bad")
	require.EqualValues(t, 2, r.count(t, "otelcol_receiver_fluent_refused_records", "permanent"))
	require.EqualValues(t, 2, next.LogRecordCount())
	r.requireWarning(t, "never")
}

// Every row is what a stranger may send, and for what reason the connection is closed. A good sender is served all the while.
func TestHostileInputClosesItsConnectionAndNoOther(t *testing.T) {
	for name, tc := range map[string]struct {
		in      []byte
		reason  string
		warning string
	}{
		"str32 tag of 4 GiB":      {Raw{0x93, 0xdb, 0xff, 0xff, 0xff, 0xff}, "too_large", "max_message_bytes"},
		"str32 tag of 1 GiB":      {Raw{0x93, 0xdb, 0x40, 0, 0, 0}, "too_large", "max_message_bytes"},
		"bin32 entries of 4 GiB":  {Raw{0x92, 0xa1, 't', 0xc6, 0xff, 0xff, 0xff, 0xff}, "too_large", "max_message_bytes"},
		"ext32 time of 1 GiB":     {Raw{0x93, 0xa1, 't', 0xc9, 0x40, 0, 0, 0, 0}, "too_large", "max_message_bytes"},
		"str32 value of 1 GiB":    {Raw{0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k', 0xdb, 0x40, 0, 0, 0}, "too_large", "max_message_bytes"},
		"2^31 entries":            {Raw{0x92, 0xa1, 't', 0xdd, 0x7f, 0xff, 0xff, 0xff}, "timeout", "read_timeout"},
		"a record of 2^31 pairs":  {Raw{0x93, 0xa1, 't', 1, 0xdf, 0x7f, 0xff, 0xff, 0xff}, "timeout", "read_timeout"},
		"options of 2^31 pairs":   {Raw{0x94, 0xa1, 't', 1, 0x80, 0xdf, 0x7f, 0xff, 0xff, 0xff}, "timeout", "read_timeout"},
		"half a message":          {message("a")[:9], "timeout", "read_timeout"},
		"nested arrays":           {append(Raw{0x93, 0xa1, 't', 1, 0x81, 0xa1, 'k'}, bytes.Repeat([]byte{0x91}, 1000)...), "malformed", "nested too deeply"},
		"nested maps":             {append(Raw{0x93, 0xa1, 't', 1}, bytes.Repeat([]byte{0x81, 0xa1, 'k'}, 1000)...), "malformed", "nested too deeply"},
		"0xc1":                    {Raw{0x93, 0xc1}, "malformed", "0xc1"},
		"a map":                   {Map("a", 1), "malformed", "must be an array"},
		"a tag of 5000 bytes":     {Array(strings.Repeat("t", 5000), sent, Map()), "malformed", "tag must have at most"},
		"a chunk id of 5000":      {Array("t", sent, Map(), Map("chunk", strings.Repeat("c", 5000))), "malformed", "chunk id must have at most"},
		"HTTP":                    {[]byte("GET / HTTP/1.1\r\n\r\n"), "malformed", "HTTP"},
		"TLS":                     {[]byte{0x16, 0x03, 0x01, 0x02, 0x00}, "tls", "speaks TLS, and this port does not"},
		"JSON that is none":       {[]byte("[\x00"), "", ""},
		"too many records":        {Array("t", bytes.Repeat(Array(0, Map()), 2000), Map("chunk", "c")), "too_large", "max_records_per_message"},
		"too much decompressed":   {Array("t", Gzip(bytes.Repeat(Array(0, Map("log", strings.Repeat("a", 3000))), 500)), Map("chunk", "c")), "too_large", "max_decompressed_bytes"},
		"JSON of another kind":    {[]byte(`{"not":"an array"}`), "malformed", "must be an array"},
		"an ended half message":   {nil, "aborted", "ended inside a message"},
		"too many bytes, forward": {append(Raw{0x92, 0xa1, 't', 0xdd, 0, 0xff, 0xff, 0xff}, bytes.Repeat([]byte{0xc0}, 2<<20)...), "too_large", "max_message_bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, new(consumertest.LogsSink), func(c *Config) {
				c.ReadTimeout = 200 * time.Millisecond
				c.MaxRecordsPerMessage, c.MaxDecompressedBytes, c.MaxMessageBytes = 1000, 1<<20, 1<<20
			})
			conn := r.dial(t)
			if tc.in == nil {
				write(t, conn, message("a")[:9])
				require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			} else {
				_, _ = conn.Write(tc.in)
			}
			good := r.dial(t)
			write(t, good, message("good"))
			requireAnswer(t, good, "\x81\xa3ack\xa4good")
			requireClosed(t, conn)
			if tc.reason != "" {
				r.requireWarning(t, tc.warning)
				counter := "otelcol_receiver_fluent_refused_messages"
				if tc.reason == "tls" {
					counter = "otelcol_receiver_fluent_connections_refused"
				}
				require.EqualValues(t, 1, r.count(t, counter, tc.reason))
			}
			write(t, good, message("good"))
			requireAnswer(t, good, "\x81\xa3ack\xa4good")
		})
	}
}

func TestOneConnectionTooManyIsClosedAndTheOthersGoOn(t *testing.T) {
	r := start(t, new(consumertest.LogsSink), func(c *Config) { c.MaxConnections = 2 })
	a, b := r.dial(t), r.dial(t)
	for _, conn := range []net.Conn{a, b} {
		write(t, conn, message("a"))
		requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	}
	requireClosed(t, r.dial(t))
	require.EqualValues(t, 1, r.count(t, "otelcol_receiver_fluent_connections_refused", "connections"))
	a.Close()
	require.Eventually(t, func() bool { return r.open() == 1 }, 20*time.Second, time.Millisecond)
	c := r.dial(t)
	write(t, c, message("a"))
	requireAnswer(t, c, "\x81\xa3ack\xa1a")
}

func TestAClientThatSpeaksJSONGetsJSON(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := start(t, sink, nil)
	conn := r.dial(t)
	for range 2 {
		write(t, conn, []byte(`["t",1795771200,{"log":"a","n":18446744073709551615},{"chunk":"c1"}]`))
		requireAnswer(t, conn, "{\"ack\":\"c1\"}\n")
	}
	require.Equal(t, 2, sink.LogRecordCount())
}

func TestAUnixSocketTakesThePlaceOfAStaleOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fluent.sock")
	for range 2 {
		sink := new(consumertest.LogsSink)
		r := start(t, sink, func(c *Config) { c.Endpoint = "unix://" + path })
		conn := r.dial(t)
		write(t, conn, message("a"))
		requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	cfg := createDefaultConfig().(*Config)
	cfg.Endpoint, cfg.Transport = file, confignet.TransportTypeUnix
	r, err := newReceiver(receivertest.NewNopSettings(metadata.Type), cfg, new(consumertest.LogsSink), admission.New(admission.Limits{}))
	require.NoError(t, err)
	require.ErrorContains(t, r.Start(t.Context(), componenttest.NewNopHost()), "no socket")
}

func TestSignsOfLifeAreCountedAndNotWarnedOf(t *testing.T) {
	r := start(t, new(consumertest.LogsSink), nil)
	r.dial(t).Close()
	conn := r.dial(t)
	write(t, conn, Values(nil, message("a")))
	requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	udp, err := net.Dial("udp", r.bound.address.String())
	require.NoError(t, err)
	defer udp.Close()
	require.NoError(t, udp.SetDeadline(time.Now().Add(time.Minute)))
	write(t, udp, []byte("\x00and more"))
	requireAnswer(t, udp, "\x00")
	for kind := range map[string]bool{"connection": true, "nil": true, "datagram": true} {
		require.Eventually(t, func() bool { return r.count(t, "otelcol_receiver_fluent_heartbeats", kind) == 1 }, 20*time.Second, time.Millisecond, kind)
	}
	require.Empty(t, r.logs.FilterLevelExact(zap.WarnLevel).All())
}

func TestShutdownFinishesWhatHasArrivedAndLeavesTheRest(t *testing.T) {
	entered, leave := make(chan struct{}, 1), make(chan struct{})
	next := &scripted{only: func(plog.Logs) error {
		entered <- struct{}{}
		<-leave
		return nil
	}}
	r := start(t, next, nil)
	idle, half, whole := r.dial(t), r.dial(t), r.dial(t)
	write(t, half, message("half")[:7])
	write(t, whole, message("a"))
	<-entered
	done := make(chan error, 1)
	go func() { done <- r.Shutdown(context.Background()) }()
	requireClosed(t, idle)
	requireClosed(t, half)
	close(leave)
	requireAnswer(t, whole, "\x81\xa3ack\xa1a")
	requireClosed(t, whole)
	require.NoError(t, <-done)
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	entered := make(chan struct{}, 1)
	r := start(t, consumerFunc(func(ctx context.Context, _ plog.Logs) error {
		entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}), nil)
	conn := r.dial(t)
	write(t, conn, message("a"))
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, r.Shutdown(ctx), context.DeadlineExceeded)
	requireClosed(t, conn)
}

type consumerFunc func(context.Context, plog.Logs) error

func (consumerFunc) Capabilities() consumer.Capabilities                   { return consumer.Capabilities{} }
func (f consumerFunc) ConsumeLogs(ctx context.Context, ld plog.Logs) error { return f(ctx, ld) }

func TestSendersOfOneRecordAreMerged(t *testing.T) {
	next := &scripted{}
	r := start(t, next, nil)
	const senders, each = 50, 20
	var running sync.WaitGroup
	for range senders {
		conn := r.dial(t)
		running.Go(func() {
			for range each {
				write(t, conn, message("a"))
				requireAnswer(t, conn, "\x81\xa3ack\xa1a")
			}
		})
	}
	running.Wait()
	require.Equal(t, senders*each, next.LogRecordCount())
	t.Logf("%d calls for %d records", next.calls, senders*each)
}

func TestAWarningIsWrittenOnceAMinuteForEachPeer(t *testing.T) {
	var w warnings
	now := time.Unix(1, 0)
	_, ok := w.allow("a", "busy", now)
	require.True(t, ok)
	for range 5 {
		_, ok = w.allow("a", "busy", now)
		require.False(t, ok)
	}
	_, ok = w.allow("b", "busy", now)
	require.True(t, ok)
	left, ok := w.allow("a", "busy", now.Add(warnEvery))
	require.True(t, ok)
	require.EqualValues(t, 5, left)
	for i := range 3 * maxWarned {
		w.allow(strings.Repeat("x", i), "busy", now.Add(warnEvery))
	}
	require.LessOrEqual(t, len(w.last), maxWarned+1)
}

func TestKeysStayOnTheRecordWhenNothingIsTakenFromThem(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := start(t, sink, func(c *Config) { c.ResourceFrom = nil })
	conn := r.dial(t)
	write(t, conn, Array("t", sent, Map("log", "a", "container_id", "c1", "kubernetes", Map("pod_name", "p")), Map("chunk", "a")))
	requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	rl := sink.AllLogs()[0].ResourceLogs().At(0)
	require.Zero(t, rl.Resource().Attributes().Len())
	require.Equal(t, map[string]any{"fluent.tag": "t", "container_id": "c1", "kubernetes": map[string]any{"pod_name": "p"}},
		rl.ScopeLogs().At(0).LogRecords().At(0).Attributes().AsRaw())
}

// A full pool of memory makes senders wait, and those who wait are served when it is free again.
func TestAMessageWaitsForMemory(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := start(t, sink, nil)
	taken, err := r.pools.Decoding.Reserve(t.Context(), r.pools.Decoding.Usage().Limit)
	require.NoError(t, err)
	conn := r.dial(t)
	write(t, conn, message("a"))
	require.Eventually(t, func() bool { return r.pools.Decoding.Usage().Waiting == 1 }, 20*time.Second, time.Millisecond)
	require.Zero(t, sink.LogRecordCount())
	taken.Release()
	requireAnswer(t, conn, "\x81\xa3ack\xa1a")
}
