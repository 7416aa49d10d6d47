package admission

import (
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThePoolsAreOneQuarterAndThreeQuarters(t *testing.T) {
	t.Parallel()
	p := New(Limits{MaxBytes: 64 * mib})
	require.EqualValues(t, 16*mib, p.Reception.Usage().Limit)
	require.EqualValues(t, 48*mib, p.Decoding.Usage().Limit)
	require.EqualValues(t, 48*mib, p.Decoding.Largest())
}

func TestASecondUserMayOnlyAskForTheSame(t *testing.T) {
	t.Parallel()
	p := New(Limits{})
	first, err := p.Configure(Limits{MaxBytes: 64 * mib})
	require.NoError(t, err)
	_, err = p.Configure(Limits{MaxBytes: 65 * mib})
	require.ErrorContains(t, err, "one for the whole process")
	second, err := p.Configure(Limits{MaxBytes: 64 * mib})
	require.NoError(t, err)
	first()
	first()
	_, err = p.Configure(Limits{MaxBytes: 65 * mib})
	require.Error(t, err)
	second()
	_, err = p.Configure(Limits{MaxBytes: 65 * mib})
	require.NoError(t, err)
}

func TestLimitsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	require.NoError(t, Limits{}.Validate())
	require.ErrorContains(t, Limits{MaxBytes: 1}.Validate(), "max_bytes must be 0 or at least 33554432, got 1")
	require.ErrorContains(t, Limits{MaxWait: -1}.Validate(), "max_wait must not be negative")
}

func TestOnlyTheObserverIsTold(t *testing.T) {
	t.Parallel()
	p := New(Limits{})
	p.Report(Event{})
	var got []Event
	done := p.Observe(func(e Event) { got = append(got, e) })
	p.Report(Event{Listener: "otlp/http"})
	done()
	p.Report(Event{})
	require.Equal(t, []Event{{Listener: "otlp/http"}}, got)
}

func TestConnectionsAreBoundedByNumberPriceAndAddress(t *testing.T) {
	t.Parallel()
	at := func(s string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", s)
		require.NoError(t, err)
		return a
	}
	c := New(Limits{MaxConnections: 5, MaxConnectionBytes: 50, MaxConnectionsPerAddress: 1}).Connections
	first, err := c.Enter(at("192.0.2.1:1"), 10)
	require.NoError(t, err)
	_, err = c.Enter(at("192.0.2.1:2"), 10)
	require.Equal(t, ReasonAddress, AsRefusal(err).Reason)
	_, err = c.Enter(at("[2001:db8::1]:1"), 10)
	require.NoError(t, err)
	_, err = c.Enter(at("[2001:db8::2]:1"), 10)
	require.Equal(t, ReasonAddress, AsRefusal(err).Reason, "the same /64")
	for range 2 {
		_, err = c.Enter(at("127.0.0.1:1"), 10)
		require.NoError(t, err)
	}
	_, err = c.Enter(&net.UnixAddr{Name: "@"}, 11)
	require.Equal(t, ReasonConnections, AsRefusal(err).Reason, "51 bytes")
	_, err = c.Enter(&net.UnixAddr{Name: "@"}, 1)
	require.NoError(t, err)
	_, err = c.Enter(at("127.0.0.1:1"), 0)
	require.Equal(t, ReasonConnections, AsRefusal(err).Reason, "a sixth")
	first.Leave()
	first.Leave()
	open, bytes := c.Open()
	require.Equal(t, 4, open)
	require.EqualValues(t, 31, bytes)
	_, err = c.Enter(at("192.0.2.1:1"), 0)
	require.NoError(t, err)
}

func TestAListenerClosesWhatIsTooMuchAndServesTheRest(t *testing.T) {
	t.Parallel()
	p := New(Limits{MaxConnections: 1})
	refused := make(chan Event, 1)
	p.Observe(func(e Event) { refused <- e })
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := p.Listener(inner, "fluent")
	defer l.Close()
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	first := <-accepted
	_, err = dial().Read(make([]byte, 1))
	require.Error(t, err)
	e := <-refused
	require.Equal(t, "fluent", e.Listener)
	require.Equal(t, ReasonConnections, e.Refusal.Reason)
	require.NoError(t, first.Close())
	dial()
	(<-accepted).Close()
	open, _ := p.Connections.Open()
	require.Zero(t, open)
}

func TestAnHTTPServerClosesWhatIsTooMuchAndServesTheRest(t *testing.T) {
	t.Parallel()
	p := New(Limits{MaxConnections: 1})
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	p.Watch(server, "datadog")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	idle, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	require.Eventually(t, func() bool { n, _ := p.Connections.Open(); return n == 1 }, time.Minute, time.Millisecond)
	_, err = http.Get("http://" + l.Addr().String())
	require.Error(t, err)
	idle.Close()
	require.Eventually(t, func() bool {
		r, err := http.Get("http://" + l.Addr().String())
		return err == nil && r.Body.Close() == nil
	}, time.Minute, time.Millisecond)
}

func TestTheSmallestControlGroupLimitIsFollowed(t *testing.T) {
	old := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(old) })
	for name, files := range map[string]map[string]string{
		"version 2, a parent's is smaller": {
			"proc/self/cgroup":               "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max":   "1000000000\n",
			"sys/fs/cgroup/a/memory.max":     "500000000\n",
			"sys/fs/cgroup/memory.max":       "max\n",
			"sys/fs/cgroup/memory.swap.max":  "1\n",
			"sys/fs/cgroup/a/b/memory.peak":  "1\n",
			"sys/fs/cgroup/a/b/memory.other": "1\n",
		},
		"version 1 beside an empty version 2": {
			"proc/self/cgroup": "4:cpu,memory:/x\n3:cpuset:/x\n0::/\n",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "500000000\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
		},
		"version 1 in a container, whose own path is not mounted": {
			"proc/self/cgroup":                           "4:memory:/docker/abc\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "500000000\n",
		},
		"memory.high is below memory.max": {
			"proc/self/cgroup":           "0::/\n",
			"sys/fs/cgroup/memory.max":   "900000000\n",
			"sys/fs/cgroup/memory.high":  "500000000\n",
			"sys/fs/cgroup/memory.event": "x\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			debug.SetMemoryLimit(math.MaxInt64)
			root := t.TempDir()
			for at, text := range files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, at)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(root, at), []byte(text), 0o644))
			}
			got := followMemoryLimit(root, "")
			require.EqualValues(t, 400_000_000, got.Bytes)
			require.NotEmpty(t, got.Source)
			require.EqualValues(t, 400_000_000, debug.SetMemoryLimit(-1))
			require.Equal(t, "GOMEMLIMIT", followMemoryLimit(root, "").Source, "what is set stays")
		})
	}
	debug.SetMemoryLimit(math.MaxInt64)
	require.Equal(t, MemoryLimit{Bytes: math.MaxInt64}, followMemoryLimit(t.TempDir(), ""), "no control group")
	require.Equal(t, "GOMEMLIMIT", followMemoryLimit(t.TempDir(), "off").Source, "off is somebody's word too")
}

func TestUnreadyReasonsStandUntilTheyAreTakenBack(t *testing.T) {
	t.Parallel()
	p := New(Limits{})
	require.Empty(t, p.UnreadyReasons())
	b, a := p.Unready("b"), p.Unready("a")
	require.Equal(t, []string{"a", "b"}, p.UnreadyReasons())
	b()
	b()
	require.Equal(t, []string{"a"}, p.UnreadyReasons())
	a()
	require.Empty(t, p.UnreadyReasons())
}
