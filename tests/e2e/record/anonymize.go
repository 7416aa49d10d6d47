package main

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// anonymizer replaces what names this machine by something of the same length,
// so that every length before a string stays true.
type anonymizer struct{ replacer *strings.Replacer }

func newAnonymizer(dir string) (*anonymizer, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, err
	}
	var pairs []string
	for _, p := range []struct{ real, stand string }{
		{root, "/srv/shop"}, {dir, "/var/shop"}, {me.HomeDir, "/opt"}, {host, "host"},
	} {
		if len(p.real) > 3 {
			pairs = append(pairs, p.real, sameLength(p.stand, len(p.real)))
			pairs = append(pairs, url.QueryEscape(p.real), sameLength(p.stand, len(url.QueryEscape(p.real))))
		}
	}
	return &anonymizer{strings.NewReplacer(pairs...)}, nil
}

func sameLength(s string, n int) string {
	if len(s) >= n {
		return s[:n]
	}
	return s + strings.Repeat("x", n-len(s))
}

func (a *anonymizer) apply(r *request) {
	r.Path = a.replacer.Replace(r.Path)
	for name, value := range r.Header {
		r.Header[name] = a.replacer.Replace(value)
	}
	// What came compressed is kept as it came unless it names this machine.
	plain, pack := unpacked(r)
	clean := a.replacer.Replace(string(plain))
	if clean != string(plain) {
		r.body = pack([]byte(clean))
	}
}

func unpacked(r *request) (plain []byte, pack func([]byte) []byte) {
	var zr io.Reader
	var err error
	var zw func(io.Writer) io.WriteCloser
	switch {
	case strings.Contains(r.Path, "dd-evp-encoding%3Ddeflate"):
		zr, err = zlib.NewReader(bytes.NewReader(r.body))
		zw = func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
	case r.Header["Content-Encoding"] == "gzip":
		zr, err = gzip.NewReader(bytes.NewReader(r.body))
		zw = func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	}
	if zr == nil || err != nil {
		return r.body, func(b []byte) []byte { return b }
	}
	// A page that is being left sends what it has, without the end of the stream.
	if plain, err = io.ReadAll(zr); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return r.body, func(b []byte) []byte { return b }
	}
	return plain, func(b []byte) []byte {
		var out bytes.Buffer
		w := zw(&out)
		_, _ = w.Write(b) // to memory
		_ = w.Close()
		return out.Bytes()
	}
}
