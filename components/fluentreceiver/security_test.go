package fluentreceiver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"
	"go.opentelemetry.io/collector/consumer/consumertest"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// certificate makes a self-signed certificate that is good for servers and clients.
func certificate(t testing.TB) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "receiver.example"}, DNSNames: []string{"receiver.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// withTLS returns a change of the configuration, and that of a client.
func withTLS(t testing.TB, mutual bool) (func(*Config), *tls.Config) {
	t.Helper()
	certPEM, keyPEM := certificate(t)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certPEM))
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	require.NoError(t, err)
	client := &tls.Config{RootCAs: roots, ServerName: "receiver.example", MinVersion: tls.VersionTLS12}
	set := configtls.NewDefaultServerConfig()
	set.Config.CertPem, set.Config.KeyPem = asOpaque(certPEM), asOpaque(keyPEM)
	if mutual {
		set.ClientCAFile = file(t, certPEM)
		client.Certificates = []tls.Certificate{pair}
	}
	return func(c *Config) { c.TLS = configoptional.Some(set) }, client
}

func TestTLSAndMutualTLS(t *testing.T) {
	for name, mutual := range map[string]bool{"tls": false, "mutual": true} {
		t.Run(name, func(t *testing.T) {
			change, client := withTLS(t, mutual)
			r := start(t, new(consumertest.LogsSink), change)
			for _, most := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
				client.MaxVersion = most
				conn := tls.Client(r.dial(t), client)
				write(t, conn, message("a"))
				requireAnswer(t, conn, "\x81\xa3ack\xa1a")
				write(t, conn, message("b"))
				requireAnswer(t, conn, "\x81\xa3ack\xa1b")
			}
			if mutual {
				client.Certificates = nil
				conn := tls.Client(r.dial(t), client)
				_, err := conn.Write(message("a"))
				if err == nil {
					_, err = conn.Read(make([]byte, 1))
				}
				require.Error(t, err)
				r.requireWarning(t, "TLS handshake")
			}
		})
	}
}

func TestPlainTextOnATLSPortSaysSo(t *testing.T) {
	change, _ := withTLS(t, false)
	r := start(t, new(consumertest.LogsSink), change)
	r.dial(t).Close() // somebody looks whether the port is open
	conn := r.dial(t)
	write(t, conn, message("a"))
	_, err := conn.Read(make([]byte, 100))
	_ = err // an alert, or the end
	r.requireWarning(t, "speaks no TLS, and this port does")
	require.EqualValues(t, 1, r.count(t, "otelcol_receiver_fluent_connections_refused"))
}

// client is the client's side of the handshake.
type client struct{ hostname, key, user, password string }

func digest(parts ...string) string {
	h := sha512.New()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// greet reads HELO and sends PING, and returns the PONG that would be right.
func (c client) greet(t testing.TB, conn net.Conn) (pong Raw) {
	t.Helper()
	b := make([]byte, 1024)
	n, err := conn.Read(b)
	require.NoError(t, err)
	r := msgpack.Reader{Buf: b[:n]}
	_, err = r.ArrayLen()
	require.NoError(t, err)
	var fields []string
	require.NoError(t, r.Skip())
	pairs, err := r.MapLen()
	require.NoError(t, err)
	for range pairs {
		require.NoError(t, r.Skip())
		text, err := r.Bytes()
		if err != nil {
			require.NoError(t, r.Skip())
		}
		fields = append(fields, string(text))
	}
	require.Zero(t, r.Left(), "HELO in one piece")
	nonce, auth := fields[0], fields[1]
	write(t, conn, Array("PING", c.hostname, "salt", digest("salt", c.hostname, nonce, c.key), c.user, digest(auth, c.user, c.password)))
	return Array("PONG", true, "", "receiver.example", digest("salt", "receiver.example", nonce, c.key))
}

func secured(c *Config) {
	c.Security = configoptional.Some(SecurityConfig{
		SelfHostname: "receiver.example", SharedKey: "invented-key", AllowAnonymous: true,
		Users: []UserConfig{{"edge", "invented-pass"}, {"other", "other-pass"}},
	})
}

func TestOnlyWhoKnowsTheKeyAndAPasswordMaySend(t *testing.T) {
	sink := new(consumertest.LogsSink)
	r := start(t, sink, secured)
	good := client{"edge.example", "invented-key", "edge", "invented-pass"}
	conn := r.dial(t)
	requireAnswer(t, conn, string(good.greet(t, conn)))
	for range 2 {
		write(t, conn, message("a"))
		requireAnswer(t, conn, "\x81\xa3ack\xa1a")
	}
	for name, bad := range map[string]client{
		"key": {"edge.example", "wrong", "edge", "invented-pass"}, "password": {"edge.example", "invented-key", "edge", "wrong"},
		"user": {"edge.example", "invented-key", "nobody", "invented-pass"}, "name": {"receiver.example", "invented-key", "edge", "invented-pass"},
	} {
		t.Run(name, func(t *testing.T) {
			conn := r.dial(t)
			bad.greet(t, conn)
			requireAnswer(t, conn, string(Array("PONG", false, "authentication failed", "", "")))
			requireClosed(t, conn)
		})
	}
	t.Run("data in place of PING", func(t *testing.T) {
		conn := r.dial(t)
		requireHelo(t, conn)
		write(t, conn, message("a"))
		requireClosed(t, conn)
	})
	r.requireWarning(t, "the client")
	require.EqualValues(t, 5, r.count(t, "otelcol_receiver_fluent_connections_refused", "auth"))
	require.Equal(t, 2, sink.LogRecordCount())
	// A heartbeat shakes hands and goes.
	conn = r.dial(t)
	requireAnswer(t, conn, string(good.greet(t, conn)))
	conn.Close()
	require.Eventually(t, func() bool { return r.count(t, "otelcol_receiver_fluent_heartbeats", "connection") == 1 }, 20*time.Second, time.Millisecond)
}

func requireHelo(t testing.TB, conn net.Conn) {
	t.Helper()
	b := make([]byte, 1024)
	n, err := conn.Read(b)
	require.NoError(t, err)
	require.Contains(t, string(b[:n]), "HELO")
}

func TestNetworksHaveKeysAndUsersOfTheirOwn(t *testing.T) {
	r := start(t, new(consumertest.LogsSink), func(c *Config) {
		secured(c)
		c.Security.Get().Clients = []ClientConfig{{Network: "10.0.0.0/8"}, {Network: "127.0.0.1", SharedKey: "local-key", Users: []string{"other"}}}
	})
	conn := r.dial(t)
	pong := client{"edge.example", "local-key", "other", "other-pass"}.greet(t, conn)
	requireAnswer(t, conn, string(pong))
	conn = r.dial(t)
	client{"edge.example", "local-key", "edge", "invented-pass"}.greet(t, conn)
	requireAnswer(t, conn, string(Array("PONG", false, "authentication failed", "", "")))

	r = start(t, new(consumertest.LogsSink), func(c *Config) {
		secured(c)
		c.Security.Get().AllowAnonymous = false
		c.Security.Get().Clients = []ClientConfig{{Network: "10.0.0.0/8"}}
	})
	requireClosed(t, r.dial(t))
	r.requireWarning(t, "allow_anonymous")
}
