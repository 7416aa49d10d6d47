// Package handshake is the server's side of the Fluent forward protocol's HELO, PING and PONG: it tells from bytes whether a
// client knows the shared key and, if users are configured, a user's password. It neither reads nor writes a connection.
//
// Every digest is SHA-512 in lower-case hex. See
// https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1#handshake-messages
package handshake

import (
	"crypto/rand"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"

	"github.com/tinylib/msgp/msgp"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// MaxPing bounds a PING.
const MaxPing = 4 << 10

const nonceBytes = 16

// Policy is what a client must know.
type Policy struct {
	Hostname  string
	SharedKey string
	// Users are passwords by name; empty: none is asked for.
	Users map[string]string
}

// Session is one handshake.
type Session struct {
	policy      Policy
	nonce, auth []byte
}

// The errors say for the log what was wrong. The client learns less.
var (
	ErrNoPing    = errors.New("the client sent something else than PING: it needs a shared key")
	ErrMalformed = errors.New("the client's PING is malformed")
	ErrHostname  = errors.New("the client has this server's own hostname: set another self_hostname")
	ErrSharedKey = errors.New("the client has another shared key")
	ErrUser      = errors.New("the client has no user that may send, or another password")
)

// Begin returns a handshake with a nonce of its own and the HELO to send.
func Begin(p Policy) (*Session, []byte) {
	s := &Session{policy: p, nonce: make([]byte, nonceBytes)}
	// It never fails: see crypto/rand.
	_, _ = rand.Read(s.nonce)
	if len(p.Users) > 0 {
		s.auth = make([]byte, nonceBytes)
		_, _ = rand.Read(s.auth)
	}
	return s, s.helo()
}

func (s *Session) helo() []byte {
	b := msgp.AppendArrayHeader(nil, 2)
	b = msgp.AppendString(b, "HELO")
	b = msgp.AppendMapHeader(b, 3)
	b = msgp.AppendBytes(msgp.AppendString(b, "nonce"), s.nonce)
	b = msgp.AppendString(b, "auth")
	if s.auth == nil {
		b = msgp.AppendString(b, "")
	} else {
		b = msgp.AppendBytes(b, s.auth)
	}
	return msgp.AppendBool(msgp.AppendString(b, "keepalive"), true)
}

// Answer checks a PING, which must be one whole value, and returns the PONG to send. After an error the connection must be closed: a
// client that fails may go on as if it had not. Pong is nil if the client can't be expecting any.
func (s *Session) Answer(ping []byte) (pong []byte, err error) {
	fields, err := read(ping)
	if err != nil {
		return nil, err
	}
	hostname, salt, digest, user, password := fields[0], fields[1], fields[2], fields[3], fields[4]
	err = s.check(hostname, salt, digest, user, password)
	b := msgp.AppendArrayHeader(nil, 5)
	b = msgp.AppendString(b, "PONG")
	b = msgp.AppendBool(b, err == nil)
	if err != nil {
		b = msgp.AppendString(b, "authentication failed")
		b = msgp.AppendString(msgp.AppendString(b, ""), "")
		return b, err
	}
	b = msgp.AppendString(b, "")
	b = msgp.AppendString(b, s.policy.Hostname)
	return msgp.AppendString(b, sum(salt, []byte(s.policy.Hostname), s.nonce, []byte(s.policy.SharedKey))), nil
}

func (s *Session) check(hostname, salt, digest, user, password []byte) error {
	if string(hostname) == s.policy.Hostname {
		return ErrHostname
	}
	if !equal(digest, sum(salt, hostname, s.nonce, []byte(s.policy.SharedKey))) {
		return ErrSharedKey
	}
	if len(s.policy.Users) == 0 {
		return nil
	}
	// An unknown user takes as long as a wrong password.
	known, ok := s.policy.Users[string(user)]
	if !equal(password, sum(s.auth, user, []byte(known))) || !ok {
		return ErrUser
	}
	return nil
}

// read returns the five fields of a PING.
func read(ping []byte) (fields [5][]byte, err error) {
	r := msgpack.Reader{Buf: ping}
	n, err := r.ArrayLen()
	if err != nil || n == 0 {
		return fields, ErrNoPing
	}
	if b, err := r.Bytes(); err != nil || string(b) != "PING" {
		return fields, ErrNoPing
	}
	if n != 6 {
		return fields, ErrMalformed
	}
	for i := range fields {
		if fields[i], err = r.Bytes(); err != nil {
			return fields, ErrMalformed
		}
	}
	return fields, nil
}

func sum(parts ...[]byte) string {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func equal(got []byte, want string) bool { return subtle.ConstantTimeCompare(got, []byte(want)) == 1 }
