package httpbody

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

const mib = 1 << 20

// serve runs a server that answers with the body's length, or with the refusal's reason.
func serve(t *testing.T, pools *admission.Pools, l Limits) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := Open(w, req, pools, l)
		defer body.Close()
		if err == nil {
			again, err := Open(w, req, pools, l)
			if err != nil || again != body {
				t.Error("a second Open is not the same reader")
			}
			var b []byte
			if b, err = body.ReadAll(); err == nil {
				defer FreeBuffer(b)
				fmt.Fprint(w, len(b))
				return
			}
			if refusal := admission.AsRefusal(err); refusal == nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			body.Drain()
			http.Error(w, string(admission.AsRefusal(err).Reason), http.StatusTeapot)
			return
		}
		body.Drain()
		http.Error(w, string(admission.AsRefusal(err).Reason), http.StatusTeapot)
	}))
	t.Cleanup(func() {
		s.Close()
		for _, p := range []*admission.Pool{pools.Reception, pools.Decoding} {
			require.Zero(t, p.Usage().Held, p.Usage().Name)
		}
	})
	return s
}

func post(t *testing.T, s *httptest.Server, encoding string, body io.Reader) string {
	req, err := http.NewRequest(http.MethodPost, s.URL, body)
	require.NoError(t, err)
	req.Header.Set("Content-Encoding", encoding)
	res, err := s.Client().Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}

func zip(n int) *bytes.Buffer {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, n))
	_ = w.Close()
	return &b
}

func TestABodyIsReadWhole(t *testing.T) {
	t.Parallel()
	s := serve(t, admission.New(admission.Limits{}), Limits{MaxBytes: 8 * mib})
	for _, n := range []int{0, 1, 4095, 4096, 4097, 65535, 65536, 65537, 300_000, 8 * mib} {
		require.Equal(t, fmt.Sprint(n), post(t, s, "", bytes.NewReader(make([]byte, n))), "plain")
		require.Equal(t, fmt.Sprint(n), post(t, s, "", io.MultiReader(bytes.NewReader(make([]byte, n)))), "chunked")
		require.Equal(t, fmt.Sprint(n), post(t, s, "gzip", zip(n)), "gzip")
	}
}

func TestARefusalReachesTheSenderWithItsReason(t *testing.T) {
	t.Parallel()
	pools := admission.New(admission.Limits{MaxBytes: 64 * mib})
	s := serve(t, pools, Limits{MaxBytes: mib, MaxRatio: 100})
	require.Equal(t, "size", post(t, s, "", bytes.NewReader(make([]byte, 7*mib))), "by its own word")
	require.Equal(t, "size", post(t, s, "", io.MultiReader(bytes.NewReader(make([]byte, 7*mib)))), "by what came")
	require.Equal(t, "ratio", post(t, s, "gzip", zip(mib)))
	require.Equal(t, "encoding", post(t, s, "br", strings.NewReader("x")))
	require.Equal(t, "malformed", post(t, s, "gzip", strings.NewReader("not gzip at all, is it")))
	require.Equal(t, "malformed", post(t, s, "gzip", bytes.NewReader(zip(100_000).Bytes()[:50])))
	loose := serve(t, pools, Limits{MaxBytes: mib})
	require.Equal(t, "size", post(t, loose, "gzip", zip(100*mib)))
}

func TestABodyThatFitsNoPoolIsRefusedForItsSize(t *testing.T) {
	t.Parallel()
	s := serve(t, admission.New(admission.Limits{MaxBytes: 32 * mib}), Limits{MaxBytes: 100 * mib})
	require.Equal(t, "size", post(t, s, "", io.MultiReader(bytes.NewReader(make([]byte, 9*mib)))))
}

// trickle opens a request and returns its connection.
func trickle(t *testing.T, s *httptest.Server, declared int, sent int) net.Conn {
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", declared, strings.Repeat("x", sent))
	require.NoError(t, err)
	return c
}

func answer(t *testing.T, c net.Conn) string {
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return strings.TrimSpace(string(b))
}

func TestASilentSenderIsEndedAfterGrace(t *testing.T) {
	t.Parallel()
	s := serve(t, admission.New(admission.Limits{}), Limits{MaxBytes: mib, Grace: 50 * time.Millisecond})
	require.Equal(t, "pace", answer(t, trickle(t, s, 1000, 10)))
}

func TestASenderBelowThePaceIsEnded(t *testing.T) {
	t.Parallel()
	s := serve(t, admission.New(admission.Limits{}), Limits{MaxBytes: mib, Grace: 300 * time.Millisecond, MinBytesPerSecond: 1 << 20})
	c := trickle(t, s, 100_000, 10)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 10_000 { // never silent for as long as grace
			if _, err := c.Write([]byte("x")); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	require.Equal(t, "pace", answer(t, c))
	c.Close()
	wg.Wait()
}

func TestTheSlowestIsEndedWhenOthersWaitForMemory(t *testing.T) {
	t.Parallel()
	pools := admission.New(admission.Limits{MaxBytes: 32 * mib, MaxWait: time.Minute})
	s := serve(t, pools, Limits{MaxBytes: 4 * mib, Grace: time.Minute})
	slow := trickle(t, s, 3*mib, 3*mib-1) // it holds 6 MiB of the 8, with its copy
	require.Eventually(t, func() bool { return pools.Reception.Usage().Held > 6*mib-step }, 10*time.Second, time.Millisecond)
	require.Equal(t, fmt.Sprint(2*mib), post(t, s, "", bytes.NewReader(make([]byte, 2*mib))))
	require.Equal(t, "pace", answer(t, slow))
	require.EqualValues(t, 1, pools.Reception.Usage().Evicted)
}

func TestAConnectionServesTheNextRequestAfterABody(t *testing.T) {
	t.Parallel()
	// A deadline that stayed would end the second request.
	s := serve(t, admission.New(admission.Limits{}), Limits{MaxBytes: mib, Grace: 200 * time.Millisecond})
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	in := bufio.NewReader(c)
	for range 2 {
		_, err = fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
		require.NoError(t, err)
		res, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "3", string(b))
		time.Sleep(300 * time.Millisecond)
	}
}

func TestASenderThatGoesAwayIsNoRefusal(t *testing.T) {
	t.Parallel()
	pools := admission.New(admission.Limits{})
	got := make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := Open(w, req, pools, Limits{MaxBytes: mib})
		if err == nil {
			_, err = body.ReadAll()
		}
		_ = body.Close()
		got <- err
	}))
	defer s.Close()
	trickle(t, s, 1000, 10).Close()
	err := <-got
	require.Error(t, err)
	require.Nil(t, admission.AsRefusal(err))
	require.Zero(t, pools.Reception.Usage().Held)
}

func TestBuffersGoBackToTheirClass(t *testing.T) {
	for _, n := range []int64{1, 4096, 4097, mib, mib + 1} {
		b := GetBuffer(n)
		require.GreaterOrEqual(t, int64(cap(b)), n)
		FreeBuffer(b)
	}
}
