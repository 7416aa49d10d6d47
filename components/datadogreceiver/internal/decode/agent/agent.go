package agent

import (
	"math"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Payload reads an AgentPayload.
func Payload(body []byte, to *sink.Sink) error {
	r := reader{to: to}
	// Room for all of them, so that the payloads can follow each other in the same place.
	to.Payload.Attrs = make([]translate.Attr, 0, sink.MaxShared)
	err := fields(body, func(f field) error {
		switch f.number {
		case 1:
			to.Payload.Hostname = to.Values.Bytes(f.bytes)
		case 2:
			to.Payload.Env = to.Values.Bytes(f.bytes)
		case 6:
			return r.tag(f.bytes, to.PayloadAttr)
		}
		return nil
	})
	if err != nil {
		return err
	}
	shared, process := to.Payload, to.Process
	return fields(body, func(f field) error {
		var err error
		switch f.number {
		case 5:
			to.NextPayload(shared, process)
			err = r.tracerPayload(f.bytes)
		case 11:
			to.NextPayload(shared, process)
			err = r.indexedPayload(f.bytes)
		default:
			return nil
		}
		to.EndPayload()
		return err
	})
}

// reader reads the messages inside an AgentPayload.
type reader struct {
	to *sink.Sink
	// table are the strings of an indexed payload.
	table []intern.Sym
}

func (r *reader) text(b []byte) intern.Sym { return r.to.Values.Bytes(b) }

// tracerPayload reads pkg/proto/datadog/trace/tracer_payload.proto.
func (r *reader) tracerPayload(message []byte) error {
	p := &r.to.Payload
	return fields(message, func(f field) error {
		switch f.number {
		case 1:
			p.ContainerID = intern.Valid(f.bytes)
		case 2:
			p.Lang = intern.Valid(f.bytes)
		case 3:
			p.LangVersion = intern.Valid(f.bytes)
		case 4:
			p.TracerVersion = intern.Valid(f.bytes)
		case 5:
			r.to.Process.RuntimeID = r.text(f.bytes)
		case 6:
			return r.chunk(f.bytes)
		case 7:
			return r.tag(f.bytes, r.to.PayloadAttr)
		case 8:
			r.replace(&p.Env, f.bytes)
		case 9:
			r.replace(&p.Hostname, f.bytes)
		case 10:
			p.AppVersion = r.text(f.bytes)
		}
		return nil
	})
}

// replace sets what the agent said too, if the payload says it.
func (r *reader) replace(to *intern.Sym, b []byte) {
	if len(b) > 0 {
		*to = r.text(b)
	}
}

func (r *reader) chunk(message []byte) error {
	c := r.to.BeginChunk()
	// Proto leaves out zeroes: a chunk without a priority has priority 0.
	c.HasPriority = true
	err := fields(message, func(f field) error {
		switch f.number {
		case 1:
			c.Priority = float64(int32(f.bits))
			c.HasPriority = int32(f.bits) != sink.NoPriority
		case 2:
			c.Origin = r.text(f.bytes)
		case 3:
			return r.span(f.bytes)
		case 4:
			return r.tag(f.bytes, r.to.ChunkAttr)
		}
		return nil
	})
	if err == nil {
		r.to.EndChunk()
	}
	return err
}

// span reads pkg/proto/datadog/trace/span.proto.
func (r *reader) span(message []byte) error {
	r.to.BeginSpan()
	if err := fields(message, r.spanField); err != nil {
		return err
	}
	return r.to.EndSpan()
}

func (r *reader) spanField(f field) error {
	span := &r.to.Span
	switch f.number {
	case 1:
		span.Service = r.text(f.bytes)
	case 2:
		span.Name = r.text(f.bytes)
	case 3:
		span.Resource = r.text(f.bytes)
	case 4:
		span.TraceID = f.bits
	case 5:
		span.SpanID = f.bits
	case 6:
		span.ParentID = f.bits
	case 7:
		span.Start = uint64(max(0, int64(f.bits)))
	case 8:
		span.Duration = int64(f.bits)
	case 9:
		span.Failed = f.bits != 0
	case 10:
		return r.tag(f.bytes, r.to.Add)
	case 11:
		key, value, err := entry(f.bytes)
		r.to.Add(translate.FloatAttr(r.text(key), math.Float64frombits(value.bits)))
		return err
	case 12:
		span.Type = r.text(f.bytes)
	case 13:
		key, value, err := entry(f.bytes)
		r.to.Add(r.to.Values.BytesAttr(r.text(key), value.bytes))
		return err
	case 14:
		r.to.NativeLinks()
		return r.link(f.bytes)
	case 15:
		r.to.NativeEvents()
		return r.event(f.bytes)
	}
	return nil
}

// tag reads an entry of a map of texts.
func (r *reader) tag(message []byte, add func(translate.Attr)) error {
	key, value, err := entry(message)
	if err == nil && len(key) > 0 {
		add(translate.StringAttr(r.text(key), r.text(value.bytes)))
	}
	return err
}

func (r *reader) link(message []byte) error {
	var l translate.Link
	r.to.Related.Begin()
	err := fields(message, func(f field) error {
		switch f.number {
		case 1:
			l.Low = f.bits
		case 2:
			l.High = f.bits
		case 3:
			l.SpanID = f.bits
		case 4:
			return r.tag(f.bytes, r.to.Related.Attr)
		case 5:
			l.State = r.text(f.bytes)
		case 6:
			l.Flags = f.bits
		}
		return nil
	})
	if err == nil {
		r.to.Related.Link(l)
	}
	return err
}

func (r *reader) event(message []byte) error {
	var when uint64
	var name intern.Sym
	r.to.Related.Begin()
	err := fields(message, func(f field) error {
		switch f.number {
		case 1:
			when = f.bits
		case 2:
			name = r.text(f.bytes)
		case 3:
			return r.eventAttr(f.bytes)
		}
		return nil
	})
	if err == nil {
		r.to.Related.Event(when, name)
	}
	return err
}
