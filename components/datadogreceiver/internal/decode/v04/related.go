package v04

import (
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// links reads native span links: an array of maps.
func (r *reader) links() error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		fields, err := r.MapLen()
		if msgpack.IsType(err) {
			r.to.BadLinks++
			err = r.Skip()
		} else if err == nil {
			err = r.link(fields)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) link(fields int) error {
	var l translate.Link
	bad := false
	r.to.Related.Begin()
	for range fields {
		name, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		err = r.linkField(name, &l)
		if msgpack.IsType(err) {
			bad = true
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	if bad {
		l = translate.Link{}
	}
	r.to.Related.Link(l)
	return nil
}

func (r *reader) linkField(name []byte, l *translate.Link) (err error) {
	switch string(name) {
	case "trace_id":
		var high uint64
		if high, l.Low, err = r.id(); high != 0 {
			l.High = high
		}
	case "trace_id_high":
		l.High, err = r.Uint64()
	case "span_id":
		_, l.SpanID, err = r.id()
	case "tracestate":
		l.State, err = r.text()
	case "flags":
		l.Flags, err = r.Uint64()
	case "attributes":
		return r.attributes(r.value)
	default:
		return r.Skip()
	}
	return err
}

// id reads an id as an integer or as text. What is neither is ErrType, unread.
func (r *reader) id() (high, low uint64, err error) {
	if r.Kind() != msgpack.Str {
		low, err = r.Uint64()
		return 0, low, err
	}
	at := r.Pos
	b, err := r.Bytes()
	if err != nil {
		return 0, 0, err
	}
	const longest = 33 // one more than an id may have
	high, low, ok := translate.ParseID(string(b[:min(len(b), longest)]))
	if !ok {
		r.Pos = at
		return 0, 0, msgpack.ErrType
	}
	return high, low, nil
}

// events reads native span events: an array of maps.
func (r *reader) events() error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		fields, err := r.MapLen()
		if msgpack.IsType(err) {
			r.to.BadEvents++
			err = r.Skip()
		} else if err == nil {
			err = r.event(fields)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) event(fields int) error {
	var when uint64
	var name intern.Sym
	r.to.Related.Begin()
	for range fields {
		field, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		switch string(field) {
		case "time_unix_nano":
			when, err = r.Uint64()
		case "name":
			name, err = r.text()
		case "attributes":
			err = r.attributes(r.typedValue)
		default:
			err = r.Skip()
		}
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	r.to.Related.Event(when, name)
	return nil
}

// attributes reads a map of attributes of a link or event. What is no map is skipped.
func (r *reader) attributes(value func() (translate.Attr, error)) error {
	n, err := r.MapLen()
	if msgpack.IsType(err) {
		return r.Skip()
	}
	if err != nil {
		return err
	}
	for range n {
		key, err := r.text()
		if msgpack.IsType(err) {
			if err = r.Skip(); err == nil {
				err = r.Skip()
			}
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		a, err := value()
		if err != nil {
			return err
		}
		a.Key = key
		r.to.Related.Attr(a)
	}
	return nil
}
