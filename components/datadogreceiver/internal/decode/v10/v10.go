package v10

import (
	"fmt"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// Payload reads a payload.
func Payload(body []byte, to *sink.Sink) error {
	r := reader{Reader: msgpack.Reader{Buf: body}, to: to, table: []intern.Sym{intern.Empty}}
	return r.fields(r.payloadField, ignore)
}

// ignore is for fields of the wrong type that cost nothing but themselves.
func ignore(uint64) {}

func (r *reader) payloadField(number uint64) error {
	p := &r.to.Payload
	switch number {
	case PayloadStrings:
		return r.preset()
	case PayloadContainerID:
		return r.header(&p.ContainerID)
	case PayloadLanguageName:
		return r.header(&p.Lang)
	case PayloadLanguageVersion:
		return r.header(&p.LangVersion)
	case PayloadTracerVersion:
		return r.header(&p.TracerVersion)
	case PayloadRuntimeID:
		return r.textTo(&r.to.Process.RuntimeID)
	case PayloadEnv:
		return r.textTo(&p.Env)
	case PayloadHostname:
		return r.textTo(&p.Hostname)
	case PayloadAppVersion:
		return r.textTo(&p.AppVersion)
	case PayloadAttributes:
		return r.attributes(r.to.PayloadAttr)
	case PayloadChunks:
		return r.each(r.chunk)
	}
	return r.skip()
}

func (r *reader) chunk() error {
	c := r.to.BeginChunk()
	c.OwnsTraceID = true
	err := r.fields(r.chunkField, ignore)
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a chunk is no map")
		return r.skip()
	}
	if err != nil {
		return err
	}
	r.to.EndChunk()
	return nil
}

func (r *reader) chunkField(number uint64) error {
	c := &r.to.Chunk
	switch number {
	case ChunkPriority:
		priority, err := r.Int64()
		if err == nil {
			c.Priority, c.HasPriority = float64(priority), true
		}
		return err
	case ChunkOrigin:
		return r.textTo(&c.Origin)
	case ChunkAttributes:
		return r.attributes(r.to.ChunkAttr)
	case ChunkSpans:
		return r.each(r.span)
	case ChunkTraceID:
		return r.traceID(&c.TraceHigh, &c.TraceLow)
	case ChunkMechanism:
		mechanism, err := r.Uint64()
		if err == nil {
			c.Mechanism = mechanism
		}
		return err
	}
	return r.skip()
}

func (r *reader) span() error {
	if r.Kind() == msgpack.Nil {
		r.to.Drop(sink.DropNil, "a span is nil")
		return r.Skip()
	}
	r.to.BeginSpan()
	err := r.fields(r.spanField, func(number uint64) {
		r.to.Bad(fmt.Sprintf("field %d of a span has a value of an unexpected type or no place in the table of strings", number))
	})
	if msgpack.IsType(err) {
		r.to.Drop(sink.DropMalformed, "a span is no map")
		return r.skip()
	}
	if err != nil {
		return err
	}
	return r.to.EndSpan()
}

func (r *reader) spanField(number uint64) (err error) {
	span := &r.to.Span
	switch number {
	case SpanService:
		return r.textTo(&span.Service)
	case SpanName:
		return r.textTo(&span.Name)
	case SpanResource:
		return r.textTo(&span.Resource)
	case SpanID:
		span.SpanID, err = r.Uint64()
	case SpanParentID:
		span.ParentID, err = r.Uint64()
	case SpanStart:
		// Tracers write it signed.
		var start int64
		start, err = r.Int64()
		span.Start = uint64(max(0, start))
	case SpanDuration:
		span.Duration, err = r.Int64()
	case SpanError:
		span.Failed, err = r.Bool()
	case SpanAttributes:
		return r.attributes(r.to.Add)
	case SpanType:
		return r.textTo(&span.Type)
	case SpanLinks:
		r.to.NativeLinks()
		return r.each(r.link)
	case SpanEvents:
		r.to.NativeEvents()
		return r.each(r.event)
	case SpanEnv:
		return r.textTo(&span.Env)
	case SpanVersion:
		return r.textTo(&span.Version)
	case SpanComponent:
		var component intern.Sym
		if err = r.textTo(&component); err == nil && component != intern.Empty {
			r.to.Add(translate.StringAttr(translate.Component, component))
		}
	case SpanKind:
		var kind uint64
		if kind, err = r.Uint64(); err == nil && kind <= uint64(ptrace.SpanKindConsumer) {
			span.Kind = ptrace.SpanKind(kind)
		}
	default:
		return r.skip()
	}
	return err
}

func (r *reader) link() error {
	var l translate.Link
	r.to.Related.Begin()
	err := r.fields(func(number uint64) (err error) {
		switch number {
		case LinkTraceID:
			return r.traceID(&l.High, &l.Low)
		case LinkSpanID:
			l.SpanID, err = r.Uint64()
		case LinkAttributes:
			return r.attributes(r.to.Related.Attr)
		case LinkTracestate:
			return r.textTo(&l.State)
		case LinkFlags:
			l.Flags, err = r.Uint64()
		default:
			return r.skip()
		}
		return err
	}, r.badRelated)
	if msgpack.IsType(err) {
		r.to.BadLinks++
		return r.skip()
	}
	if err != nil {
		return err
	}
	r.to.Related.Link(l)
	return nil
}

// badRelated is for fields of links and events that have the wrong type, which cost their span.
func (r *reader) badRelated(number uint64) {
	r.to.Bad(fmt.Sprintf("field %d of a link or event has a value of an unexpected type", number))
}

func (r *reader) event() error {
	var when uint64
	var name intern.Sym
	r.to.Related.Begin()
	err := r.fields(func(number uint64) (err error) {
		switch number {
		case EventTime:
			when, err = r.Uint64()
		case EventName:
			return r.textTo(&name)
		case EventAttributes:
			return r.attributes(r.to.Related.Attr)
		default:
			return r.skip()
		}
		return err
	}, r.badRelated)
	if msgpack.IsType(err) {
		r.to.BadEvents++
		return r.skip()
	}
	if err != nil {
		return err
	}
	r.to.Related.Event(when, name)
	return nil
}
