// Package v05 reads v0.5 of the protocol, `[dictionary, chunks]`: a span is an array, its strings are places in the dictionary.
package v05

import (
	"errors"
	"fmt"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// spanFields is how many elements a span has, by datadog-agent's pkg/trace/api/version.go.
const spanFields = 12

var errPayload = errors.New("payload must be an array of a dictionary and traces")

// Traces reads a payload.
func Traces(body []byte, to *sink.Sink) error {
	r := reader{Reader: msgpack.Reader{Buf: body}, to: to}
	parts, err := r.ArrayLen()
	if err != nil {
		return err
	}
	if parts != 2 {
		return errPayload
	}
	if err := r.dictionary(); err != nil {
		return err
	}
	chunks, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range chunks {
		if err := r.chunk(); err != nil {
			return err
		}
	}
	return nil
}

type reader struct {
	msgpack.Reader
	to      *sink.Sink
	strings []intern.Sym
}

// dictionary reads the strings. What is no string is an empty one, so that the places of the others hold.
func (r *reader) dictionary() error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		b, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		r.strings = intern.Append(r.strings, r.to.Values.Bytes(b))
	}
	return nil
}

func (r *reader) chunk() error {
	r.to.BeginChunk()
	spans, err := r.ArrayLen()
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a chunk is no list of spans")
		return r.Skip()
	}
	if err != nil {
		return err
	}
	for range spans {
		if err := r.span(); err != nil {
			return err
		}
	}
	r.to.EndChunk()
	return nil
}

func (r *reader) span() error {
	if r.Kind() == msgpack.Nil {
		r.to.Drop(sink.DropNil, "a span is nil")
		return r.Skip()
	}
	fields, err := r.ArrayLen()
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a span is no list")
		return r.Skip()
	}
	if err != nil {
		return err
	}
	if fields != spanFields {
		r.to.Drop(sink.DropMalformed, fmt.Sprintf("a span has %d elements, not %d", fields, spanFields))
		for range fields {
			if err := r.Skip(); err != nil {
				return err
			}
		}
		return nil
	}
	r.to.BeginSpan()
	for i := range fields {
		err := r.field(i)
		if msgpack.IsType(err) {
			r.to.Bad(fmt.Sprintf("element %d of a span has an unexpected type or is no place in the dictionary of %d strings", i, len(r.strings)))
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	return r.to.EndSpan()
}

func (r *reader) field(i int) (err error) {
	span := &r.to.Span
	switch i {
	case 0:
		span.Service, err = r.text()
	case 1:
		span.Name, err = r.text()
	case 2:
		span.Resource, err = r.text()
	case 3:
		span.TraceID, err = r.Uint64()
	case 4:
		span.SpanID, err = r.Uint64()
	case 5:
		span.ParentID, err = r.Uint64()
	case 6:
		var start int64
		start, err = r.Int64()
		span.Start = uint64(max(0, start))
	case 7:
		span.Duration, err = r.Int64()
	case 8:
		span.Failed, err = r.Bool()
	case 9:
		err = r.tags(r.metaValue)
	case 10:
		err = r.tags(r.metricValue)
	case 11:
		span.Type, err = r.text()
	}
	return err
}

// text reads a string given by its place in the dictionary. One outside it is ErrType, unread.
func (r *reader) text() (intern.Sym, error) {
	at := r.Pos
	i, err := r.Uint64()
	if err != nil {
		return intern.Empty, err
	}
	if i >= uint64(len(r.strings)) {
		r.Pos = at
		return intern.Empty, msgpack.ErrType
	}
	return r.strings[i], nil
}

// tags reads a map from strings to what value reads. A key or value that is something else costs the span.
func (r *reader) tags(value func(key intern.Sym) (translate.Attr, error)) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		var a translate.Attr
		key, err := r.text()
		keyed := err == nil
		if keyed {
			a, err = value(key)
		}
		if err == nil {
			r.to.Add(a)
			continue
		}
		if msgpack.IsType(err) {
			r.to.Bad("a tag has an unexpected type or is no place in the dictionary")
			if err = r.Skip(); err == nil && !keyed {
				err = r.Skip()
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) metaValue(key intern.Sym) (translate.Attr, error) {
	value, err := r.text()
	return translate.StringAttr(key, value), err
}

func (r *reader) metricValue(key intern.Sym) (translate.Attr, error) {
	f, err := r.Float64()
	return translate.FloatAttr(key, f), err
}
