package decode

import (
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

var errProtobuf = errors.New("message is no valid protobuf")

// field is one field of a protobuf message: bytes for strings and messages, bits for everything else.
type field struct {
	number protowire.Number
	bytes  []byte
	bits   uint64
}

// eachField calls f for the fields of a message in the order of the wire. Groups are skipped.
func eachField(message []byte, f func(field) error) error {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errProtobuf
		}
		message = message[n:]
		fd := field{number: number}
		switch typ {
		case protowire.VarintType:
			fd.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			fd.bits, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			fd.bits = uint64(v)
		case protowire.BytesType:
			fd.bytes, n = protowire.ConsumeBytes(message)
		default:
			// A group is nothing these messages have.
			n = protowire.ConsumeFieldValue(number, typ, message)
			fd.number = 0
		}
		if n < 0 {
			return errProtobuf
		}
		message = message[n:]
		if err := f(fd); err != nil {
			return err
		}
	}
	return nil
}

// agentPayload reads an AgentPayload: payloads of several tracers, and what the agent knows about all of them.
// https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/agent_payload.proto
func (d *Decoder) agentPayload() error {
	message := d.r.Buf
	// Room for all of them, so that the payloads can follow each other in the same place.
	agent := payload{attrs: make([]attr, 0, maxSharedAttrs)}
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			agent.hostname = d.syms.intern(f.bytes)
		case 2:
			agent.env = d.syms.intern(f.bytes)
		case 6:
			d.payload = agent
			err := d.entry(f.bytes, d.payloadAttr)
			agent = d.payload
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	return eachField(message, func(f field) error {
		switch f.number {
		case 5:
			return d.nextPayload(agent, func() error { return d.tracerPayload(f.bytes) })
		case 11:
			return d.nextPayload(agent, func() error { return d.indexedPayload(f.bytes) })
		}
		return nil
	})
}

// nextPayload reads the payload of one tracer of several.
func (d *Decoder) nextPayload(agent payload, read func() error) error {
	d.payload = agent
	d.payload.firstGroup = len(d.groups)
	if err := read(); err != nil {
		return err
	}
	d.endPayload()
	d.payload = payload{firstGroup: len(d.groups)}
	return nil
}

// tracerPayload reads pkg/proto/datadog/trace/tracer_payload.proto.
func (d *Decoder) tracerPayload(message []byte) error {
	p := &d.payload
	return eachField(message, func(f field) error {
		switch f.number {
		case 1:
			p.ContainerID = validString(f.bytes)
		case 2:
			p.Lang = validString(f.bytes)
		case 3:
			p.LangVersion = validString(f.bytes)
		case 4:
			p.TracerVersion = validString(f.bytes)
		case 5:
			p.runtimeID = d.syms.intern(f.bytes)
		case 6:
			return d.protoChunk(f.bytes)
		case 7:
			return d.entry(f.bytes, d.payloadAttr)
		case 8:
			d.overwrite(&p.env, f.bytes)
		case 9:
			d.overwrite(&p.hostname, f.bytes)
		case 10:
			p.appVersion = d.syms.intern(f.bytes)
		}
		return nil
	})
}

func (d *Decoder) overwrite(to *sym, b []byte) {
	if len(b) > 0 {
		*to = d.syms.intern(b)
	}
}

func (d *Decoder) protoChunk(message []byte) error {
	d.beginChunk()
	c := &d.chunk
	// Proto leaves out zeroes: a chunk without a priority has priority 0.
	c.hasPriority = true
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			c.priority = float64(int32(f.bits))
			c.hasPriority = int32(f.bits) != noPriority
		case 2:
			c.origin = d.syms.intern(f.bytes)
		case 3:
			return d.protoSpan(f.bytes)
		case 4:
			return d.entry(f.bytes, d.chunkAttr)
		}
		return nil
	})
	if err == nil {
		d.endChunk()
	}
	return err
}

// protoSpan reads pkg/proto/datadog/trace/span.proto.
func (d *Decoder) protoSpan(message []byte) error {
	d.beginSpan()
	sp := &d.span
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			sp.service = d.syms.intern(f.bytes)
		case 2:
			sp.name = d.syms.intern(f.bytes)
		case 3:
			sp.resource = d.syms.intern(f.bytes)
		case 4:
			sp.traceID = f.bits
		case 5:
			sp.spanID = f.bits
		case 6:
			sp.parentID = f.bits
		case 7:
			sp.start = uint64(max(0, int64(f.bits)))
		case 8:
			sp.duration = int64(f.bits)
		case 9:
			sp.failed = f.bits != 0
		case 10:
			return d.entry(f.bytes, func(a attr) { d.addMeta(a.key, a.str()) })
		case 11:
			return d.protoMetric(f.bytes)
		case 12:
			sp.typ = d.syms.intern(f.bytes)
		case 13:
			return d.protoStruct(f.bytes)
		case 14:
			return d.protoLink(f.bytes)
		case 15:
			return d.protoEvent(f.bytes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.endSpan()
}

// entry reads an entry of a map of strings.
func (d *Decoder) entry(message []byte, add func(attr)) error {
	a := attr{kind: attrStr}
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			a.key = d.syms.intern(f.bytes)
		case 2:
			a.number = uint64(d.syms.intern(f.bytes))
		}
		return nil
	})
	if err == nil && a.key != kEmpty {
		add(a)
	}
	return err
}

func (d *Decoder) protoMetric(message []byte) error {
	var key sym
	var bits uint64
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			key = d.syms.intern(f.bytes)
		case 2:
			bits = f.bits
		}
		return nil
	})
	if err == nil {
		d.addFloat(key, math.Float64frombits(bits))
	}
	return err
}

func (d *Decoder) protoStruct(message []byte) error {
	var key sym
	var value []byte
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			key = d.syms.intern(f.bytes)
		case 2:
			value = f.bytes
		}
		return nil
	})
	if err == nil {
		d.addBytes(key, value)
	}
	return err
}

func (d *Decoder) protoLink(message []byte) error {
	var l link
	attrs := len(d.linked)
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			l.low = f.bits
		case 2:
			l.high = f.bits
		case 3:
			l.spanID = f.bits
		case 4:
			return d.entry(f.bytes, d.linkedAttr)
		case 5:
			l.state = d.syms.intern(f.bytes)
		case 6:
			l.flags = f.bits
		}
		return nil
	})
	if err == nil {
		d.addLink(d.scratch.Links(), l, attrs)
	}
	return err
}

func (d *Decoder) protoEvent(message []byte) error {
	var when uint64
	var name sym
	attrs := len(d.linked)
	err := eachField(message, func(f field) error {
		switch f.number {
		case 1:
			when = f.bits
		case 2:
			name = d.syms.intern(f.bytes)
		case 3:
			return d.protoEventAttr(f.bytes)
		}
		return nil
	})
	if err == nil {
		d.addEvent(d.scratch.Events(), when, name, attrs)
	}
	return err
}
