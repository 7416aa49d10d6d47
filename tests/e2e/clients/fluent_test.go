package clients

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fluent/fluent-logger-golang/fluent"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

const fluentRecords = 50

// fluentCollector is a gateway with three Fluent listeners: the shipped one, one with TLS, a key and a user, and a Unix socket.
type fluentCollector struct {
	*collector.Collector
	backend                 *sink.Sink
	secure, socket, caPEM   string
	key, username, password string
}

func startFluent(t *testing.T) *fluentCollector {
	t.Helper()
	dir := t.TempDir()
	cert, key := selfSigned(t, dir)
	f := &fluentCollector{
		backend: sink.Start(t), secure: collector.FreePorts(t, 1)[0], socket: filepath.Join(dir, "fluent.sock"),
		key: "invented-key", username: "edge", password: "invented-pass",
	}
	pemBytes, err := os.ReadFile(cert)
	require.NoError(t, err)
	f.caPEM = string(pemBytes)
	f.Collector = toSink(t, f.backend, fmt.Sprintf(`
receivers:
  fluent/secure:
    endpoint: %q
    heartbeat: false
    tls: {cert_file: %q, key_file: %q}
    security:
      self_hostname: receiver.example
      shared_key: %s
      users: [{username: %s, password: %s}]
  fluent/socket: {endpoint: "unix://%s"}
service:
  pipelines:
    logs: {receivers: [fluent, fluent/secure, fluent/socket]}
`, f.secure, cert, key, f.key, f.username, f.password, f.socket))
	return f
}

func selfSigned(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	require.NoError(t, os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), 0o600))
	return cert, key
}

// requireArrived waits until every record whose tag begins so has arrived, each once and with its line.
func (f *fluentCollector) requireArrived(t *testing.T, tag string) {
	t.Helper()
	var got map[int64]string
	f.backend.WaitFor(t, "the records of "+tag, func() bool {
		got = map[int64]string{}
		for _, record := range f.backend.Logs() {
			if strings.HasPrefix(sink.Str(record.Attributes(), "fluent.tag"), tag) {
				n, ok := record.Attributes().Get("n")
				require.True(t, ok)
				got[n.Int()] = record.Body().Str()
			}
		}
		return len(got) == fluentRecords
	})
	for i := range int64(fluentRecords) {
		require.Equal(t, fmt.Sprintf("line %d", i), got[i])
	}
}

// run waits for a client program to end well.
func (f *fluentCollector) run(t *testing.T, name string, args ...string) {
	t.Helper()
	p := start(t, nil, name, args...)
	select {
	case err := <-p.done:
		p.done <- err
		require.NoError(t, err, p.output())
	case <-time.After(2 * upWithin):
		t.Fatalf("%s has not ended", name)
	}
}

// Every client library sends with every mode and setting it has; what asks for acknowledgements ends only when it has them.
func TestFluentClientsDeliverInEveryMode(t *testing.T) {
	f := startFluent(t)
	host, port := hostPort(t, f.Fluent)
	_, securePort := hostPort(t, f.secure)

	t.Run("fluent-logger-golang", func(t *testing.T) {
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		for name, cfg := range map[string]fluent.Config{
			"acknowledged": {FluentHost: host, FluentPort: n, RequestAck: true, SubSecondPrecision: true},
			"plain":        {FluentHost: host, FluentPort: n},
			"JSON":         {FluentHost: host, FluentPort: n, MarshalAsJSON: true},
			"socket":       {FluentNetwork: "unix", FluentSocketPath: f.socket, RequestAck: true},
		} {
			t.Run(name, func(t *testing.T) {
				tag := "go." + name
				client, err := fluent.New(cfg)
				require.NoError(t, err)
				for i := range fluentRecords {
					require.NoError(t, client.PostWithTime(tag, time.Now(), map[string]any{"log": fmt.Sprintf("line %d", i), "n": i}))
				}
				require.NoError(t, client.Close())
				f.requireArrived(t, tag)
			})
		}
	})

	t.Run("fluent-logger for Python", func(t *testing.T) {
		python := installed(t, "python/.venv/bin/python",
			"python3 -m venv tests/e2e/clients/python/.venv && tests/e2e/clients/python/.venv/bin/pip install -r tests/e2e/clients/python/requirements.txt")
		f.run(t, python, "fluent/emit.py", "py", host, port, strconv.Itoa(fluentRecords))
		f.requireArrived(t, "py.python")
	})

	t.Run("@fluent-org/logger", func(t *testing.T) {
		node := nodeJS(t)
		installed(t, "fluent/node_modules/@fluent-org/logger/package.json", "cd tests/e2e/clients/fluent && npm ci")
		for _, mode := range []string{"Message", "Forward", "PackedForward", "CompressedPackedForward"} {
			for name, options := range map[string]map[string]any{
				"plain":        {"socket": map[string]any{"host": host, "port": atoi(t, port)}},
				"acknowledged": {"socket": map[string]any{"host": host, "port": atoi(t, port)}, "ack": map[string]any{}},
				"secure": {
					"socket": map[string]any{"host": "localhost", "port": atoi(t, securePort), "tls": map[string]any{"ca": f.caPEM}}, "ack": map[string]any{},
					"security": map[string]any{"clientHostname": "edge.example", "sharedKey": f.key, "username": f.username, "password": f.password},
				},
			} {
				t.Run(mode+" "+name, func(t *testing.T) {
					tag := "node." + mode + "." + name
					options["eventMode"] = mode
					raw, err := json.Marshal(options)
					require.NoError(t, err)
					f.run(t, node, "fluent/emit.js", tag, strconv.Itoa(fluentRecords), string(raw))
					f.requireArrived(t, tag)
				})
			}
		}
	})

	t.Run("Fluency for Java", func(t *testing.T) {
		java := program(t, "java", "apt-get install --no-install-recommends default-jdk-headless")
		jars := installed(t, "fluent/jars", "mvn --file tests/e2e/clients/fluent/pom.xml dependency:copy-dependencies")
		f.run(t, java, "-cp", jars+"/*", "fluent/Emit.java", "fluency", host, port, strconv.Itoa(fluentRecords))
		f.requireArrived(t, "fluency.java")
	})
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// A client without the key is refused, and the log says why.
func TestAFluentClientWithAnotherKeyIsRefused(t *testing.T) {
	f := startFluent(t)
	_, port := hostPort(t, f.secure)
	node := nodeJS(t)
	options, err := json.Marshal(map[string]any{
		"eventMode": "Message", "ack": map[string]any{"ackTimeout": 500}, "eventRetry": map[string]any{"attempts": 1},
		"socket":   map[string]any{"host": "localhost", "port": atoi(t, port), "tls": map[string]any{"ca": f.caPEM}, "reconnect": map[string]any{"backoff": 100}},
		"security": map[string]any{"clientHostname": "edge.example", "sharedKey": "another", "username": f.username, "password": f.password},
	})
	require.NoError(t, err)
	start(t, nil, node, "fluent/emit.js", "refused", "1", string(options))
	require.Eventually(t, func() bool { return strings.Contains(f.Log(), "the client has another shared key") }, upWithin, 50*time.Millisecond)
	require.Empty(t, f.backend.Logs())
}
