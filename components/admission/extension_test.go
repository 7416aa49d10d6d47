package admission

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// host has the extension, as the service's has.
type host struct {
	component.Host
	extensions map[component.ID]component.Component
}

func (h host) GetExtensions() map[component.ID]component.Component { return h.extensions }

// intake is the upstream otlp receiver behind an extension.
type intake struct {
	*admissionExtension
	grpc, http string
	sink       *consumertest.TracesSink
	events     chan admission.Event
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// run starts an otlp receiver whose configuration has the sections added to the middlewares.
func run(t *testing.T, change func(*Config), grpcSection, httpSection string) *intake {
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	i := &intake{grpc: freePort(t), http: freePort(t), sink: new(consumertest.TracesSink), events: make(chan admission.Event, 100)}
	cfg := NewFactory().CreateDefaultConfig().(*Config)
	cfg.MaxOpenFiles = -1
	if change != nil {
		change(cfg)
	}
	require.NoError(t, cfg.Validate())
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = component.MustNewID("admission")
	pools := admission.New(admission.Limits{})
	var err error
	i.admissionExtension, err = newExtension(set, cfg, pools)
	require.NoError(t, err)
	require.NoError(t, i.Start(t.Context(), componenttest.NewNopHost()))
	t.Cleanup(func() { require.NoError(t, i.Shutdown(context.Background())) })
	pools.Observe(func(e admission.Event) { i.events <- e })
	retrieved, err := confmap.NewRetrievedFromYAML([]byte(fmt.Sprintf(`
receivers:
  otlp:
    protocols:
      grpc: {endpoint: %q, middlewares: [id: admission]%s}
      http: {endpoint: %q, middlewares: [id: admission], compression_algorithms: []%s}
service: {pipelines: {traces: {receivers: [otlp]}}}
`, i.grpc, grpcSection, i.http, httpSection)))
	require.NoError(t, err)
	conf, err := retrieved.AsConf()
	require.NoError(t, err)
	require.NoError(t, i.NotifyConfigSnapshot(t.Context(), extensioncapabilities.NewConfigSnapshot(conf, conf)))
	factory := otlpreceiver.NewFactory()
	receiverCfg := factory.CreateDefaultConfig()
	sub, err := conf.Sub("receivers::otlp")
	require.NoError(t, err)
	require.NoError(t, sub.Unmarshal(receiverCfg))
	r, err := factory.CreateTraces(t.Context(), receivertest.NewNopSettings(factory.Type()), receiverCfg, i.sink)
	require.NoError(t, err)
	require.NoError(t, r.Start(t.Context(), host{componenttest.NewNopHost(), map[component.ID]component.Component{set.ID: i.admissionExtension}}))
	t.Cleanup(func() {
		require.NoError(t, r.Shutdown(context.Background()))
		require.Eventually(t, func() bool { return pools.Reception.Usage().Held == 0 && pools.Decoding.Usage().Held == 0 }, 30*time.Second, time.Millisecond)
	})
	return i
}

func request(spans int) ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range spans {
		ss.AppendEmpty().SetName("a span")
	}
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func proto(t *testing.T, spans int) []byte {
	b, err := request(spans).MarshalProto()
	require.NoError(t, err)
	return b
}

func zip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func (i *intake) post(t *testing.T, contentType, encoding string, body []byte) (int, string) {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+i.http+"/v1/traces", bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("Content-Encoding", encoding)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

const protobuf = "application/x-protobuf"

// The middleware stands before decompression only while an empty list of algorithms leaves bodies alone, and behind a receiver
// that reads its body to the end before it decodes. This fails when upstream changes either.
func TestTheOTLPReceiverBehindIt(t *testing.T) {
	i := run(t, nil, "", "")
	good := proto(t, 500)
	text, err := request(500).MarshalJSON()
	require.NoError(t, err)
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
	}{{"plain", protobuf, "", good}, {"gzip", protobuf, "gzip", zip(good)}, {"JSON", "application/json; charset=utf-8", "", text}, {"nothing", protobuf, "", nil}} {
		status, answer := i.post(t, c.contentType, c.encoding, c.body)
		require.Equal(t, 200, status, "%s: %s", c.name, answer)
	}
	require.Equal(t, 1500, i.sink.SpanCount())
	require.Positive(t, i.pools.Decoding.Usage().Peak)
	empty := append([]byte{0x0a, 0x85, 0x92, 0xf4, 0x01, 0x12, 0x80, 0x92, 0xf4, 0x01}, bytes.Repeat([]byte{0x12, 0}, 2_000_000)...)
	for _, c := range []struct {
		name, contentType, encoding string
		body                        []byte
		status                      int
		reason                      admission.Reason
	}{
		{"too dear", protobuf, "gzip", zip(empty), 413, admission.ReasonPrice},
		{"too long", protobuf, "", make([]byte, 9<<20), 413, admission.ReasonSize},
		{"malformed", protobuf, "", []byte{0x0a, 0xff}, 400, admission.ReasonMalformed},
		{"an id of three bytes, which only the decoder sees", protobuf, "", []byte{0x0a, 9, 0x12, 7, 0x12, 5, 0x0a, 3, 'a', 'b', 'c'}, 400, admission.ReasonMalformed},
		{"unknown encoding", protobuf, "br", good, 415, admission.ReasonEncoding},
		{"no gzip", protobuf, "gzip", good, 400, admission.ReasonMalformed},
		{"JSON, deep", "application/json", "", []byte(strings.Repeat(`{"a":`, 10_000)), 400, admission.ReasonDepth},
	} {
		status, answer := i.post(t, c.contentType, c.encoding, c.body)
		require.Equal(t, c.status, status, "%s: %s", c.name, answer)
		e := <-i.events
		require.Equal(t, c.reason, e.Refusal.Reason, c.name)
		require.Equal(t, "otlp/http", e.Listener)
		require.Equal(t, "127.0.0.1", e.Peer)
	}
	require.Equal(t, 1500, i.sink.SpanCount())
}

func TestABusyServerAnswers503WithRetryAfter(t *testing.T) {
	i := run(t, func(c *Config) { c.MaxWait = 10 * time.Millisecond }, "", "")
	all, err := i.pools.Decoding.Reserve(t.Context(), i.pools.Decoding.Largest())
	require.NoError(t, err)
	resp, err := http.Post("http://"+i.http+"/v1/traces", protobuf, bytes.NewReader(proto(t, 500)))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, 503, resp.StatusCode)
	require.Equal(t, "1", resp.Header.Get("Retry-After"))
	all.Release()
}

func certificate(t *testing.T) (certFile, keyFile string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	k, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: k}), 0o600))
	return certFile, keyFile
}

func export(t *testing.T, addr string, c credentials.TransportCredentials) error {
	cc, err := grpc.NewClient(addr, grpc.WithTransportCredentials(c))
	require.NoError(t, err)
	defer cc.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, err = ptraceotlp.NewGRPCClient(cc).Export(ctx, request(1))
	return err
}

// Credentials of a middleware replace the receiver's: without care a TLS listener serves plain text in silence.
func TestATLSListenerStaysATLSListener(t *testing.T) {
	cert, key := certificate(t)
	section := fmt.Sprintf(", tls: {cert_file: %q, key_file: %q}", cert, key)
	i := run(t, nil, section, section)
	require.NoError(t, export(t, i.grpc, credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})))
	require.Error(t, export(t, i.grpc, insecure.NewCredentials()), "plain text")
	resp, err := http.Post("http://"+i.http+"/v1/traces", protobuf, bytes.NewReader(proto(t, 1)))
	if err == nil {
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 1, i.sink.SpanCount(), "HTTP in plain text is answered with an error")
	}
}

func TestAPlainListenerStaysPlain(t *testing.T) {
	i := run(t, nil, "", "")
	require.NoError(t, export(t, i.grpc, insecure.NewCredentials()))
	require.Equal(t, 1, i.sink.SpanCount())
}

func TestWithoutTheConfigurationAGRPCServerIsAnError(t *testing.T) {
	e, err := newExtension(extensiontest.NewNopSettings(metadata.Type), createDefaultConfig().(*Config), admission.New(admission.Limits{}))
	require.NoError(t, err)
	_, err = e.GetGRPCServerOptions(t.Context())
	require.ErrorContains(t, err, "does not know the configuration")
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"max_bytes must be 0 or at least 33554432, got 1": func(c *Config) { c.MaxBytes = 1 },
		"one body of max_body_bytes 8388608 needs":        func(c *Config) { c.MaxBytes = 40 << 20 },
		"max_depth must be 8 to 90, got 7":                func(c *Config) { c.MaxDepth = 7 },
		"min_bytes_per_second must be at least 1024":      func(c *Config) { c.MinBytesPerSecond = 1 },
		"max_wait must be positive, got 0s":               func(c *Config) { c.MaxWait = 0 },
		"max_open_files must be -1, 0 or positive":        func(c *Config) { c.MaxOpenFiles = -2 },
	} {
		c := createDefaultConfig().(*Config)
		change(c)
		require.ErrorContains(t, c.Validate(), want)
	}
	require.NoError(t, createDefaultConfig().(*Config).Validate())
}

func TestReadinessSaysNotReadyUnderPressureAndReadyAfterACalm(t *testing.T) {
	var p pressure
	busy := admission.Usage{Waiting: 1, ShortFor: pressureFor}
	require.False(t, p.look(admission.Usage{}))
	require.True(t, p.look(busy))
	for range int(calmFor/lookEvery) - 1 {
		require.True(t, p.look(admission.Usage{}))
	}
	require.False(t, p.look(admission.Usage{}))
	p = pressure{}
	for n := range int64(20) { // more are refused than let in
		p.look(admission.Usage{Refused: 2 * n, Granted: n})
	}
	require.True(t, p.is)
}

func TestReadinessHasItsOwnPortAndNamesReasons(t *testing.T) {
	addr := freePort(t)
	i := run(t, func(c *Config) { c.Readiness.Endpoint = addr }, "", "")
	get := func() (int, string) {
		resp, err := http.Get("http://" + addr + "/")
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	status, _ := get()
	require.Equal(t, 200, status)
	done := i.pools.Unready("a component is not done")
	status, text := get()
	require.Equal(t, 503, status)
	require.Contains(t, text, "a component is not done")
	done()
	status, _ = get()
	require.Equal(t, 200, status)
}

func TestTheREADMEHasEveryKey(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("config.go")
	require.NoError(t, err)
	keys := regexp.MustCompile("`mapstructure:\"([a-z_]+)\"`").FindAllStringSubmatch(string(source), -1)
	require.Len(t, keys, 16)
	for _, m := range keys {
		if m[1] != "readiness" && m[1] != "endpoint" {
			require.Contains(t, string(text), "| `"+m[1]+"` |")
		}
	}
	require.Contains(t, string(text), "| `readiness::endpoint` |")
}
