package handshake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

func secure() Policy { return Policy{Hostname: "receiver.example", SharedKey: "invented-key"} }

func secureUsers() Policy {
	p := secure()
	p.Users = map[string]string{"edge": "invented-pass"}
	return p
}

// first cuts the first value off b.
func first(t *testing.T, b []byte) (value, rest []byte) {
	var s msgpack.Scanner
	n, done, err := s.Feed(b)
	require.NoError(t, err)
	require.True(t, done)
	return b[:n], b[n:]
}

// replay gives a session the nonces of a recorded HELO.
func replay(t *testing.T, helo []byte, p Policy) *Session {
	s := &Session{policy: p}
	r := msgpack.Reader{Buf: helo}
	_, err := r.ArrayLen()
	require.NoError(t, err)
	require.NoError(t, r.Skip())
	n, err := r.MapLen()
	require.NoError(t, err)
	for range n {
		key, err := r.Bytes()
		require.NoError(t, err)
		at := r.Pos
		switch string(key) {
		case "nonce":
			s.nonce, err = r.Bytes()
		case "auth":
			s.auth, err = r.Bytes()
		}
		require.NoError(t, err)
		r.Pos = at
		require.NoError(t, r.Skip())
	}
	return s
}

// What Fluent Bit 5.1.1 and Fluentd 1.14.6 wrote is accepted, and answered with the bytes they took for right.
func TestRealClientsAreRecognised(t *testing.T) {
	for name, policy := range map[string]Policy{
		"fluent-bit-5.1.1-key": secure(), "fluentd-14-key": secure(), "fluentd-14-hbkey-heartbeat": secure(),
		"fluent-bit-5.1.1-tlskeyuser": secureUsers(), "fluentd-14-tlskeyuser": secureUsers(),
	} {
		t.Run(name, func(t *testing.T) {
			sent, err := os.ReadFile(filepath.Join("testdata", name+".c2s"))
			require.NoError(t, err)
			answers, err := os.ReadFile(filepath.Join("testdata", name+".s2c"))
			require.NoError(t, err)
			helo, answers := first(t, answers)
			pong, _ := first(t, answers)
			ping, _ := first(t, sent)
			got, err := replay(t, helo, policy).Answer(ping)
			require.NoError(t, err)
			require.Equal(t, pong, got)
			wrong := policy
			wrong.SharedKey = "other"
			_, err = replay(t, helo, wrong).Answer(ping)
			require.ErrorIs(t, err, ErrSharedKey)
		})
	}
}

func ping(s *Session, key, user, password string) Raw {
	salt := []byte("0123456789abcdef")
	return Array("PING", "edge.example", salt, sum(salt, []byte("edge.example"), s.nonce, []byte(key)), user, sum(s.auth, []byte(user), []byte(password)))
}

func TestWhoDoesNotKnowIsRefusedAndNotToldWhy(t *testing.T) {
	for name, tc := range map[string]struct {
		policy Policy
		ping   func(s *Session) Raw
		err    error
	}{
		"other key":       {secure(), func(s *Session) Raw { return ping(s, "other", "", "") }, ErrSharedKey},
		"key of the user": {secureUsers(), func(s *Session) Raw { return ping(s, "invented-key", "edge", "wrong") }, ErrUser},
		"no user":         {secureUsers(), func(s *Session) Raw { return ping(s, "invented-key", "", "") }, ErrUser},
		"unknown user":    {secureUsers(), func(s *Session) Raw { return ping(s, "invented-key", "other", "") }, ErrUser},
		"replayed":        {secure(), func(*Session) Raw { other, _ := Begin(secure()); return ping(other, "invented-key", "", "") }, ErrSharedKey},
		"own name":        {Policy{Hostname: "edge.example", SharedKey: "invented-key"}, func(s *Session) Raw { return ping(s, "invented-key", "", "") }, ErrHostname},
		"data":            {secure(), func(*Session) Raw { return Array("tag", 1, Map("log", "a")) }, ErrNoPing},
		"nil":             {secure(), func(*Session) Raw { return Raw{0xc0} }, ErrNoPing},
		"wrong types":     {secure(), func(*Session) Raw { return Array("PING", 1, 2, 3, 4, 5) }, ErrMalformed},
		"too few":         {secure(), func(*Session) Raw { return Array("PING", "a", "b", "c") }, ErrMalformed},
		"empty":           {secure(), func(*Session) Raw { return Array("PING", "", "", "", "", "") }, ErrSharedKey},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := Begin(tc.policy)
			pong, err := s.Answer(tc.ping(s))
			require.ErrorIs(t, err, tc.err)
			if pong != nil {
				require.Equal(t, Array("PONG", false, "authentication failed", "", ""), Raw(pong))
			}
		})
	}
	s, helo := Begin(secureUsers())
	pong, err := s.Answer(ping(s, "invented-key", "edge", "invented-pass"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(pong), 511)
	require.LessOrEqual(t, len(helo), 511)
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(Array("PING", "a", "b", "c", "d", "e")))
	s, _ := Begin(secureUsers())
	f.Fuzz(func(t *testing.T, in []byte) {
		if _, err := s.Answer(in); err == nil {
			t.Fatalf("%x is let in", in)
		}
	})
}
