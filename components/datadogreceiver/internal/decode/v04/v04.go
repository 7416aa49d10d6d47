// Package v04 reads v0.3 and v0.4 of the protocol, an array of chunks, each an array of spans, each a map; and v0.1, a flat array of
// spans. The oldest versions may be JSON instead of MessagePack.
package v04

import (
	"strconv"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Traces reads an array of chunks.
func Traces(body []byte, to *sink.Sink) error {
	r := reader{Reader: msgpack.Reader{Buf: body}, to: to}
	chunks, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range chunks {
		to.BeginChunk()
		if err := r.spans(); err != nil {
			return err
		}
		to.EndChunk()
	}
	return nil
}

// Spans reads an array of spans at the position of from, which it moves, into the chunk that was begun.
func Spans(from *msgpack.Reader, to *sink.Sink) error {
	r := reader{Reader: *from, to: to}
	err := r.spans()
	from.Pos = r.Pos
	return err
}

// reader reads spans. The strings of from, its names and values, are the Sink's.
type reader struct {
	msgpack.Reader
	to *sink.Sink
}

// spans reads an array of spans. What is no array counts as one bad span.
func (r *reader) spans() error {
	n, err := r.ArrayLen()
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a chunk is no list of spans")
		return r.Skip()
	}
	if err != nil {
		return err
	}
	for range n {
		if err := r.span(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) span() error {
	if r.Kind() == msgpack.Nil {
		r.to.Drop(sink.DropNil, "a span is nil")
		return r.Skip()
	}
	fields, err := r.MapLen()
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a span is no map")
		return r.Skip()
	}
	if err != nil {
		return err
	}
	r.to.BeginSpan()
	for range fields {
		name, err := r.Bytes()
		if msgpack.IsType(err) {
			r.to.Bad("the name of a field is no text")
			if err = r.Skip(); err == nil {
				err = r.Skip()
			}
		} else if err == nil {
			err = r.field(name)
		}
		if err != nil {
			return err
		}
	}
	return r.to.EndSpan()
}

// field reads the value of one field. A value of the wrong type costs the span, not the payload.
func (r *reader) field(name []byte) (err error) {
	span := &r.to.Span
	switch string(name) {
	case "service":
		span.Service, err = r.text()
	case "name":
		span.Name, err = r.text()
	case "resource":
		span.Resource, err = r.text()
	case "type":
		span.Type, err = r.text()
	case "trace_id":
		span.TraceID, err = r.Uint64()
	case "span_id":
		span.SpanID, err = r.Uint64()
	case "parent_id":
		span.ParentID, err = r.Uint64()
	case "start":
		var start int64
		start, err = r.Int64()
		span.Start = uint64(max(0, start))
	case "duration":
		span.Duration, err = r.Int64()
	case "error":
		span.Failed, err = r.Bool()
	case "meta":
		err = r.tags(r.metaValue)
	case "metrics":
		err = r.tags(r.metricValue)
	case "meta_struct":
		err = r.tags(r.structValue)
	case "span_links":
		r.to.NativeLinks()
		err = r.links()
	case "span_events":
		r.to.NativeEvents()
		err = r.events()
	default:
		return r.Skip()
	}
	if msgpack.IsType(err) {
		r.to.Bad("field " + string(name) + " has a value of an unexpected type")
		return r.Skip()
	}
	return err
}

func (r *reader) text() (intern.Sym, error) {
	b, err := r.Bytes()
	if err != nil {
		return intern.Empty, err
	}
	return r.to.Values.Bytes(b), nil
}

// tags reads a map from texts to what value reads. A value that is something else costs the span.
func (r *reader) tags(value func(key intern.Sym) (translate.Attr, error)) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := r.text()
		if msgpack.IsType(err) {
			r.to.Bad("the name of a tag is no text")
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
		a, err := value(key)
		if msgpack.IsType(err) {
			r.to.Bad("a tag has a value of an unexpected type")
			err = r.Skip()
		} else if err == nil {
			r.to.Add(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// metaValue reads a text. A number or boolean becomes one: some tracers write them so.
func (r *reader) metaValue(key intern.Sym) (translate.Attr, error) {
	var buf [32]byte
	var text []byte
	switch r.Kind() {
	case msgpack.Int, msgpack.Uint:
		signed := r.Kind() == msgpack.Int
		n, err := r.Uint64()
		if err != nil {
			return translate.Attr{}, err
		}
		if text = strconv.AppendUint(buf[:0], n, 10); signed {
			text = strconv.AppendInt(buf[:0], int64(n), 10)
		}
	case msgpack.Float:
		f, err := r.Float64()
		if err != nil {
			return translate.Attr{}, err
		}
		text = strconv.AppendFloat(buf[:0], f, 'g', -1, 64)
	case msgpack.Bool:
		v, err := r.Bool()
		if err != nil {
			return translate.Attr{}, err
		}
		text = strconv.AppendBool(buf[:0], v)
	default:
		value, err := r.text()
		return translate.StringAttr(key, value), err
	}
	return translate.StringAttr(key, r.to.Values.Bytes(text)), nil
}

func (r *reader) metricValue(key intern.Sym) (translate.Attr, error) {
	f, err := r.Float64()
	return translate.FloatAttr(key, f), err
}

// structValue reads a value that is MessagePack itself and stays bytes.
func (r *reader) structValue(key intern.Sym) (translate.Attr, error) {
	b, err := r.Bytes()
	if err != nil {
		return translate.Attr{}, err
	}
	return r.to.Values.BytesAttr(key, b), nil
}
