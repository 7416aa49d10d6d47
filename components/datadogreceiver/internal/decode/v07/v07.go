// Package v07 reads v0.7 of the protocol: a map of what the tracer's process is, and chunks.
package v07

import (
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v04"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Payload reads a payload.
func Payload(body []byte, to *sink.Sink) error {
	r := reader{Reader: msgpack.Reader{Buf: body}, to: to}
	return r.fields(func(name []byte) error {
		p := &to.Payload
		switch string(name) {
		case "container_id":
			return r.header(&p.ContainerID)
		case "language_name":
			return r.header(&p.Lang)
		case "language_version":
			return r.header(&p.LangVersion)
		case "tracer_version":
			return r.header(&p.TracerVersion)
		case "runtime_id":
			return r.textTo(&to.Process.RuntimeID)
		case "env":
			return r.textTo(&p.Env)
		case "hostname":
			return r.textTo(&p.Hostname)
		case "app_version":
			return r.textTo(&p.AppVersion)
		case "tags":
			return r.tags(to.PayloadAttr)
		case "chunks":
			return r.chunks()
		}
		return r.Skip()
	})
}

type reader struct {
	msgpack.Reader
	to *sink.Sink
}

// fields reads a map whose keys are strings. What field does not understand it leaves unread with msgpack.ErrType: it is skipped.
func (r *reader) fields(field func(name []byte) error) error {
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		name, err := r.Bytes()
		if msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		if err = field(name); msgpack.IsType(err) {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) chunks() error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		if err := r.chunk(); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) chunk() error {
	c := r.to.BeginChunk()
	err := r.fields(func(name []byte) error {
		switch string(name) {
		case "priority":
			priority, err := r.Int64()
			if err == nil && priority != sink.NoPriority {
				c.Priority, c.HasPriority = float64(priority), true
			}
			return err
		case "origin":
			return r.textTo(&c.Origin)
		case "tags":
			return r.tags(r.to.ChunkAttr)
		case "spans":
			return v04.Spans(&r.Reader, r.to)
		}
		return r.Skip()
	})
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a chunk is no map")
		return r.Skip()
	}
	if err != nil {
		return err
	}
	r.to.EndChunk()
	return nil
}

// tags reads a map of texts.
func (r *reader) tags(add func(translate.Attr)) error {
	return r.fields(func(name []byte) error {
		value, err := r.Bytes()
		if err == nil && len(name) > 0 {
			add(translate.StringAttr(r.to.Values.Bytes(name), r.to.Values.Bytes(value)))
		}
		return err
	})
}

func (r *reader) textTo(to *intern.Sym) error {
	b, err := r.Bytes()
	if err == nil {
		*to = r.to.Values.Bytes(b)
	}
	return err
}

// header reads what a request header says too.
func (r *reader) header(to *string) error {
	b, err := r.Bytes()
	if err == nil {
		r.to.Replace(to, r.to.Values.Bytes(b))
	}
	return err
}
