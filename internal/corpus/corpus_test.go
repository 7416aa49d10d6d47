package corpus

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

func TestEveryTracerSentTwoThousandSpansOfEachKind(t *testing.T) {
	t.Parallel()
	require.Len(t, Tracers(), 8)
	for _, s := range Tracers() {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			spans, all := 0, []byte(nil)
			for _, p := range Payloads(t, s.Client, s.Format) {
				require.Equal(t, "/"+s.Format+"/traces", p.Path)
				require.NotEmpty(t, p.Header["Datadog-Meta-Lang"])
				n, err := countSpans(s.Format, p.Body)
				require.NoError(t, err)
				spans += n
				all = append(all, p.Body...)
			}
			t.Logf("%d spans, %d bytes in %d requests", spans, len(all), len(Payloads(t, s.Client, s.Format)))
			require.GreaterOrEqual(t, spans, 2000)
			text := string(all)
			for _, kind := range []string{"SELECT ", "http.url", "GET", "kafka", "messaging.system", "redis", "error", "coupon applied", "link.kind"} {
				require.True(t, strings.Contains(text, kind), kind) // a failure of Contains would print it all
			}
		})
	}
}

// Nothing is twice the same, as in real traffic: a decoder that remembers what
// it read last gains no more here than it does there.
func TestNoTwoBodiesAreEqual(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, s := range All() {
		for _, p := range Payloads(t, s.Client, s.Format) {
			require.NotEmpty(t, p.Body)
			require.Empty(t, seen[string(p.Body)], "%s sent it too", s)
			seen[string(p.Body)] = s.String()
		}
	}
}

// Where it was recorded is nobody's business.
func TestTheCorpusNamesNoMachine(t *testing.T) {
	t.Parallel()
	folders := regexp.MustCompile(`/(root|home|work|Users|tmp)/[a-zA-Z.]|_dd\.hostname`)
	for _, s := range All() {
		for _, p := range Payloads(t, s.Client, s.Format) {
			require.Empty(t, folders.FindString(plain(t, p)), "%s %s", s, p.Path)
		}
	}
}

func TestTheBrowserAndTheLoggersSentWhatTheySend(t *testing.T) {
	t.Parallel()
	var rum, modes strings.Builder
	for _, p := range Payloads(t, "browser", "rum") {
		rum.WriteString(plain(t, p))
	}
	for _, kind := range []string{`"type":"view"`, `"type":"action"`, `"type":"resource"`, `"type":"error"`, `"type":"long_task"`, `"trace_id"`} {
		require.True(t, strings.Contains(rum.String(), kind), kind)
	}
	for _, p := range Payloads(t, "fluent", "forward") {
		modes.WriteString(p.Path + " ")
		rest := p.Body
		for len(rest) > 0 {
			var err error
			rest, err = msgp.Skip(rest)
			require.NoError(t, err)
		}
	}
	for _, mode := range []string{"node-Message", "node-PackedForward", "node-CompressedPackedForward", "python", "go-ack-true", "go-ack-false"} {
		require.Contains(t, modes.String(), mode)
	}
}

func TestTheCorpusIsSmall(t *testing.T) {
	t.Parallel()
	size := int64(0)
	entries, err := files.ReadDir("testdata")
	require.NoError(t, err)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		size += info.Size()
	}
	require.Less(t, size, int64(3<<20))
}

func plain(t *testing.T, p Payload) string {
	t.Helper()
	if !strings.Contains(p.Path, "dd-evp-encoding%3Ddeflate") {
		return string(p.Body)
	}
	zr, err := zlib.NewReader(bytes.NewReader(p.Body))
	require.NoError(t, err)
	out, err := io.ReadAll(zr)
	if !errors.Is(err, io.ErrUnexpectedEOF) { // a page that is being left sends what it has
		require.NoError(t, err)
	}
	return string(out)
}

// countSpans walks a body of Datadog's trace formats as far as its spans.
func countSpans(format string, body []byte) (spans int, err error) {
	if format == "v1.0" {
		return countV1(body)
	}
	if format == "v0.5" { // [strings, traces]
		if _, body, err = msgp.ReadArrayHeaderBytes(body); err != nil {
			return 0, err
		}
		if body, err = msgp.Skip(body); err != nil {
			return 0, err
		}
	}
	traces, body, err := msgp.ReadArrayHeaderBytes(body)
	for i := uint32(0); i < traces && err == nil; i++ {
		var n int
		n, body, err = countArray(body)
		spans += n
	}
	return spans, err
}

func countArray(body []byte) (int, []byte, error) {
	n, body, err := msgp.ReadArrayHeaderBytes(body)
	for i := uint32(0); i < n && err == nil; i++ {
		body, err = msgp.Skip(body)
	}
	return int(n), body, err
}

// Keys of v1.0: https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/idx/tracer_payload.proto
const (
	v1Chunks = 11
	v1Spans  = 4
)

func countV1(body []byte) (spans int, err error) {
	chunks, err := member(body, v1Chunks)
	if err != nil {
		return 0, err
	}
	n, chunks, err := msgp.ReadArrayHeaderBytes(chunks)
	for i := uint32(0); i < n && err == nil; i++ {
		list, err := member(chunks, v1Spans)
		if err != nil {
			return 0, err
		}
		count, _, err := countArray(list)
		if err != nil {
			return 0, err
		}
		spans += count
		if chunks, err = msgp.Skip(chunks); err != nil {
			return 0, err
		}
	}
	return spans, err
}

// member returns what begins with the value of key in the map that body begins with.
func member(body []byte, key uint) ([]byte, error) {
	n, body, err := msgp.ReadMapHeaderBytes(body)
	for i := uint32(0); i < n && err == nil; i++ {
		var k uint
		if k, body, err = msgp.ReadUintBytes(body); err != nil {
			return nil, err
		}
		if k == key {
			return body, nil
		}
		body, err = msgp.Skip(body)
	}
	return nil, err
}
