package v10

import (
	"encoding/binary"
	"errors"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

var (
	errLateStrings = errors.New("the table of strings must come before any string")
	errNoString    = errors.New("the table of strings holds something else")
)

// reader reads MessagePack with streaming strings.
type reader struct {
	msgpack.Reader
	to *sink.Sink
	// table has the strings met so far in the order of their numbers, the empty one first.
	table []intern.Sym
	// listed tells which Syms are in table.
	listed []bool
}

// preset reads the table some senders begin with. Like the agent, it keeps repetitions and leaves out empty strings.
func (r *reader) preset() error {
	if len(r.table) > 1 {
		return errLateStrings
	}
	return r.each(func() error {
		b, err := r.Bytes()
		if msgpack.IsType(err) {
			return errNoString
		}
		if err != nil || len(b) == 0 {
			return err
		}
		r.list(r.to.Values.Unique(b))
		return nil
	})
}

// list gives a string the next number.
func (r *reader) list(y intern.Sym) {
	r.table = intern.Append(r.table, y)
	for len(r.listed) <= int(y) {
		r.listed = intern.Append(r.listed, false)
	}
	r.listed[y] = true
}

// met gives a string the next number if it has none.
func (r *reader) met(b []byte) intern.Sym {
	y := intern.Empty
	if len(b) > 0 {
		y = r.to.Values.Unique(b)
	}
	if y != intern.Empty && (int(y) >= len(r.listed) || !r.listed[y]) {
		r.list(y)
	}
	return y
}

// text reads a string or the number of one. A number nobody has is ErrType, unread.
func (r *reader) text() (intern.Sym, error) {
	if r.Kind() == msgpack.Str {
		b, err := r.Bytes()
		if err != nil {
			return intern.Empty, err
		}
		return r.met(b), nil
	}
	at := r.Pos
	i, err := r.Uint64()
	if err != nil {
		return intern.Empty, err
	}
	if i >= uint64(len(r.table)) {
		r.Pos = at
		return intern.Empty, msgpack.ErrType
	}
	return r.table[i], nil
}

func (r *reader) textTo(to *intern.Sym) error {
	y, err := r.text()
	if err == nil {
		*to = y
	}
	return err
}

// header reads what a request header says too.
func (r *reader) header(to *string) error {
	y, err := r.text()
	if err == nil {
		r.to.Replace(to, y)
	}
	return err
}

// skip skips a value. The strings inside it get their numbers, or all that follow would be others.
func (r *reader) skip() error {
	return r.Walk(func(b []byte) error {
		r.met(b)
		return nil
	})
}

// fields reads a map whose keys are numbers. What field does not understand it leaves unread with msgpack.ErrType: it is handed to
// bad and skipped, as is an entry whose key is no number.
func (r *reader) fields(field func(number uint64) error, bad func(number uint64)) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		number, err := r.Uint64()
		if msgpack.IsType(err) {
			number, err = 0, r.skip()
		}
		if err != nil {
			return err
		}
		if err = field(number); msgpack.IsType(err) {
			bad(number)
			err = r.skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// each reads an array.
func (r *reader) each(element func() error) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		if err := element(); err != nil {
			return err
		}
	}
	return nil
}

// traceID reads 16 bytes; fewer are the lower ones.
func (r *reader) traceID(high, low *uint64) error {
	at := r.Pos
	b, err := r.Bytes()
	if err != nil {
		return err
	}
	hi, lo, ok := BigEndian128(b)
	if !ok {
		r.Pos = at
		return msgpack.ErrType
	}
	*high, *low = hi, lo
	return nil
}

// BigEndian128 reads a number of at most 16 bytes.
func BigEndian128(b []byte) (high, low uint64, ok bool) {
	var id [16]byte
	if len(b) > len(id) {
		return 0, 0, false
	}
	copy(id[len(id)-len(b):], b)
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]), true
}
