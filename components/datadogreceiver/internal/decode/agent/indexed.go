package agent

import (
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/sink"
	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/decode/v10"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
	"github.com/otelcol-obs/otelcol-obs/internal/translate/intern"
)

// indexedPayload reads pkg/proto/datadog/trace/idx/tracer_payload.proto: v1.0 in protobuf, its strings in one table.
func (r *reader) indexedPayload(message []byte) error {
	r.table = r.table[:0]
	err := fields(message, func(f field) error {
		if f.number == v10.PayloadStrings {
			r.table = intern.Append(r.table, r.text(f.bytes))
		}
		return nil
	})
	if err != nil {
		return err
	}
	to, p := r.to, &r.to.Payload
	return fields(message, func(f field) error {
		switch f.number {
		case v10.PayloadContainerID:
			to.Replace(&p.ContainerID, r.ref(f.bits))
		case v10.PayloadLanguageName:
			to.Replace(&p.Lang, r.ref(f.bits))
		case v10.PayloadLanguageVersion:
			to.Replace(&p.LangVersion, r.ref(f.bits))
		case v10.PayloadTracerVersion:
			to.Replace(&p.TracerVersion, r.ref(f.bits))
		case v10.PayloadRuntimeID:
			to.Process.RuntimeID = r.ref(f.bits)
		case v10.PayloadEnv:
			if env := r.ref(f.bits); env != intern.Empty {
				p.Env = env
			}
		case v10.PayloadHostname:
			if host := r.ref(f.bits); host != intern.Empty {
				p.Hostname = host
			}
		case v10.PayloadAppVersion:
			p.AppVersion = r.ref(f.bits)
		case v10.PayloadAttributes:
			return r.indexedAttr(f.bytes, to.PayloadAttr)
		case v10.PayloadChunks:
			return r.indexedChunk(f.bytes)
		}
		return nil
	})
}

func (r *reader) indexedChunk(message []byte) error {
	c := r.to.BeginChunk()
	c.OwnsTraceID = true
	// Proto leaves out zeroes: a chunk without a priority has priority 0.
	c.HasPriority = true
	err := fields(message, func(f field) error {
		switch f.number {
		case v10.ChunkPriority:
			c.Priority = float64(int32(f.bits))
			c.HasPriority = int32(f.bits) != sink.NoPriority
		case v10.ChunkOrigin:
			c.Origin = r.ref(f.bits)
		case v10.ChunkAttributes:
			return r.indexedAttr(f.bytes, r.to.ChunkAttr)
		case v10.ChunkSpans:
			return r.indexedSpan(f.bytes)
		case v10.ChunkTraceID:
			c.TraceHigh, c.TraceLow, _ = v10.BigEndian128(f.bytes)
		case v10.ChunkMechanism:
			c.Mechanism = f.bits
		}
		return nil
	})
	if err == nil {
		r.to.EndChunk()
	}
	return err
}

func (r *reader) indexedSpan(message []byte) error {
	r.to.BeginSpan()
	if err := fields(message, r.indexedField); err != nil {
		return err
	}
	return r.to.EndSpan()
}

func (r *reader) indexedField(f field) error {
	span := &r.to.Span
	switch f.number {
	case v10.SpanService:
		span.Service = r.ref(f.bits)
	case v10.SpanName:
		span.Name = r.ref(f.bits)
	case v10.SpanResource:
		span.Resource = r.ref(f.bits)
	case v10.SpanID:
		span.SpanID = f.bits
	case v10.SpanParentID:
		span.ParentID = f.bits
	case v10.SpanStart:
		span.Start = uint64(max(0, int64(f.bits)))
	case v10.SpanDuration:
		span.Duration = int64(f.bits)
	case v10.SpanError:
		span.Failed = f.bits != 0
	case v10.SpanAttributes:
		return r.indexedAttr(f.bytes, r.to.Add)
	case v10.SpanType:
		span.Type = r.ref(f.bits)
	case v10.SpanLinks:
		r.to.NativeLinks()
		return r.indexedLink(f.bytes)
	case v10.SpanEvents:
		r.to.NativeEvents()
		return r.indexedEvent(f.bytes)
	case v10.SpanEnv:
		span.Env = r.ref(f.bits)
	case v10.SpanVersion:
		span.Version = r.ref(f.bits)
	case v10.SpanComponent:
		if component := r.ref(f.bits); component != intern.Empty {
			r.to.Add(translate.StringAttr(translate.Component, component))
		}
	case v10.SpanKind:
		if f.bits <= uint64(ptrace.SpanKindConsumer) {
			span.Kind = ptrace.SpanKind(f.bits)
		}
	}
	return nil
}

func (r *reader) indexedLink(message []byte) error {
	var l translate.Link
	r.to.Related.Begin()
	err := fields(message, func(f field) error {
		switch f.number {
		case v10.LinkTraceID:
			l.High, l.Low, _ = v10.BigEndian128(f.bytes)
		case v10.LinkSpanID:
			l.SpanID = f.bits
		case v10.LinkAttributes:
			return r.indexedAttr(f.bytes, r.to.Related.Attr)
		case v10.LinkTracestate:
			l.State = r.ref(f.bits)
		case v10.LinkFlags:
			l.Flags = f.bits
		}
		return nil
	})
	if err == nil {
		r.to.Related.Link(l)
	}
	return err
}

func (r *reader) indexedEvent(message []byte) error {
	var when uint64
	var name intern.Sym
	r.to.Related.Begin()
	err := fields(message, func(f field) error {
		switch f.number {
		case v10.EventTime:
			when = f.bits
		case v10.EventName:
			name = r.ref(f.bits)
		case v10.EventAttributes:
			return r.indexedAttr(f.bytes, r.to.Related.Attr)
		}
		return nil
	})
	if err == nil {
		r.to.Related.Event(when, name)
	}
	return err
}
