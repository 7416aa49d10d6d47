// Package jsonmode reads the JSON form of the Fluent forward protocol, which small clients write: it finds where a value ends and
// rewrites it as MessagePack, so that one decoder reads both.
package jsonmode

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/tinylib/msgp/msgp"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Begins reports whether a connection whose first byte is c speaks JSON: as MessagePack these are small integers, which begin no
// message.
func Begins(c byte) bool { return c == '[' || c == '{' }

// ErrSyntax says that the bytes are no JSON array or object.
var ErrSyntax = errors.New("not a JSON array or object")

// Scanner finds where an array or object ends while its bytes arrive. The zero value is ready.
type Scanner struct {
	depth   int
	text    bool
	escaped bool
	begun   bool
}

// Reset makes the scanner ready for the next value.
func (s *Scanner) Reset() { *s = Scanner{} }

// Feed takes the next bytes and returns how many of them belong to the value, blanks before it included, and whether it is complete.
func (s *Scanner) Feed(b []byte) (n int, done bool, err error) {
	for i, c := range b {
		switch {
		case s.escaped:
			s.escaped = false
		case s.text:
			s.escaped = c == '\\'
			s.text = c != '"'
		case c == '"':
			s.text = true
		case c == '[' || c == '{':
			if s.depth++; s.depth > msgpack.MaxDepth {
				return i, false, msgpack.ErrDepth
			}
			s.begun = true
		case c == ']' || c == '}':
			if s.depth--; s.depth == 0 {
				return i + 1, true, nil
			}
		}
		if !s.begun && c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return i, false, ErrSyntax
		}
	}
	return len(b), false, nil
}

// ToMessagePack rewrites one whole value.
func ToMessagePack(in []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	out, err := value(d, make([]byte, 0, len(in)))
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrSyntax
	}
	return out, nil
}

func value(d *json.Decoder, out []byte) ([]byte, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		return nested(d, out, t)
	case json.Number:
		return number(out, t.String()), nil
	case string:
		return msgp.AppendString(out, t), nil
	case bool:
		return msgp.AppendBool(out, t), nil
	}
	return msgp.AppendNil(out), nil
}

// nested writes an array or object. How long it is is known at its end only.
func nested(d *json.Decoder, out []byte, begin json.Delim) ([]byte, error) {
	at := len(out)
	out = append(out, 0, 0, 0, 0, 0)
	var n uint32
	for d.More() {
		var err error
		if out, err = value(d, out); err != nil {
			return nil, err
		}
		if n++; begin == '{' {
			if out, err = value(d, out); err != nil {
				return nil, err
			}
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	out[at] = 0xdd
	if begin == '{' {
		out[at] = 0xdf
	}
	out[at+1], out[at+2], out[at+3], out[at+4] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return out, nil
}

// number keeps every digit: what is neither an integer of 64 bits nor a double that says the same is a text.
func number(out []byte, s string) []byte {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return msgp.AppendInt64(out, n)
	}
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return msgp.AppendUint64(out, n)
	}
	if _, err := strconv.ParseFloat(s, 64); err != nil || !bytes.ContainsAny([]byte(s), ".eE") {
		return msgp.AppendString(out, s)
	}
	f, _ := strconv.ParseFloat(s, 64)
	return msgp.AppendFloat64(out, f)
}

// Ack writes the acknowledgement of a chunk, whose id is MessagePack.
func Ack(chunk []byte) []byte {
	r := msgpack.Reader{Buf: chunk}
	id, err := r.Bytes()
	if err != nil {
		n, _ := r.Int64()
		id = strconv.AppendInt(nil, n, 10)
	}
	// A string always encodes.
	text, _ := json.Marshal(string(id))
	return append(append([]byte(`{"ack":`), text...), '}', '\n')
}
