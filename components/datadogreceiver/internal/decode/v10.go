package decode

import (
	"encoding/binary"
	"errors"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Field numbers of v1.0, by datadog-agent's pkg/proto/pbgo/trace/idx. Its maps have numbers for keys, and its strings are
// streaming: text adds itself to a table the first time it is met, and is the number of its place from then on.
const (
	payloadStrings = 1 + iota
	payloadContainerID
	payloadLanguageName
	payloadLanguageVersion
	payloadTracerVersion
	payloadRuntimeID
	payloadEnv
	payloadHostname
	payloadAppVersion
	payloadAttributes
	payloadChunks
)

const (
	chunkPriority = 1 + iota
	chunkOrigin
	chunkAttributes
	chunkSpans
	chunkDropped
	chunkTraceID
	chunkMechanism
)

const (
	spanService = 1 + iota
	spanName
	spanResource
	spanSpanID
	spanParentID
	spanStart
	spanDuration
	spanError
	spanAttributes
	spanType
	spanLinks
	spanEvents
	spanEnv
	spanVersion
	spanComponent
	spanKindField
)

var errLateStrings = errors.New("the table of strings must come before any string")

// payloadV10 reads v1.0.
func (d *Decoder) payloadV10() error {
	d.streaming = true
	d.dict = append(d.dict, noSym)
	return d.fieldsV10(func(field uint64) error {
		p := &d.payload
		switch field {
		case payloadStrings:
			return d.stringsV10()
		case payloadContainerID:
			return d.header(&p.ContainerID)
		case payloadLanguageName:
			return d.header(&p.Lang)
		case payloadLanguageVersion:
			return d.header(&p.LangVersion)
		case payloadTracerVersion:
			return d.header(&p.TracerVersion)
		case payloadRuntimeID:
			return d.streamingTo(&p.runtimeID)
		case payloadEnv:
			return d.streamingTo(&p.env)
		case payloadHostname:
			return d.streamingTo(&p.hostname)
		case payloadAppVersion:
			return d.streamingTo(&p.appVersion)
		case payloadAttributes:
			return d.attributesV10(ofPayload)
		case payloadChunks:
			return d.elements(d.chunkV10)
		}
		return d.skip()
	})
}

// fieldsV10 reads a map whose keys are numbers. What field does not understand it leaves unread with msgpack.ErrType: it is
// skipped, as is an entry whose key is no number.
func (d *Decoder) fieldsV10(field func(number uint64) error) error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		small, ok := d.r.Small()
		number := uint64(small)
		if !ok {
			number, err = d.r.Uint64()
		}
		if err == msgpack.ErrType {
			if err = d.skip(); err != nil {
				return err
			}
			number = 0
		} else if err != nil {
			return err
		}
		if err := field(number); err != nil {
			if err = d.skipBad(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// elements reads an array.
func (d *Decoder) elements(element func() error) error {
	n, err := d.r.ArrayLen()
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

// stringsV10 reads the table some senders begin with. Like the agent, it keeps repetitions and leaves out empty strings.
func (d *Decoder) stringsV10() error {
	if len(d.dict) > 1 {
		return errLateStrings
	}
	return d.elements(func() error {
		b, err := d.r.Bytes()
		if err == msgpack.ErrType {
			return errors.New("the table of strings holds something else")
		}
		if err != nil || len(b) == 0 {
			return err
		}
		d.list(d.syms.internAny(b))
		return nil
	})
}

// list gives a string the next number.
func (d *Decoder) list(y sym) {
	d.dict = append(grow(d.dict), y)
	for len(d.listed) <= int(y) {
		d.listed = append(grow(d.listed), false)
	}
	d.twice = d.twice || d.listed[y]
	d.listed[y] = true
}

// harvest gives a string met for the first time the next number.
func (d *Decoder) harvest(b []byte) error {
	d.listNew(d.syms.internAny(b))
	return nil
}

func (d *Decoder) listNew(y sym) {
	if y != noSym && (int(y) >= len(d.listed) || !d.listed[y]) {
		d.list(y)
	}
}

// streamingString reads a string or the number of one. A number nobody has is ErrType, unread.
func (d *Decoder) streamingString() (sym, error) {
	if y, ok := d.shortIndex(); ok {
		return y, nil
	}
	if d.r.Kind() != msgpack.Str {
		return d.index()
	}
	b, err := d.r.Bytes()
	if err != nil {
		return noSym, err
	}
	y := d.syms.internAny(b)
	d.listNew(y)
	return y, nil
}

func (d *Decoder) streamingTo(to *sym) error {
	y, err := d.streamingString()
	if err == nil {
		*to = y
	}
	return err
}

// header reads what a request header says too; the payload knows better.
func (d *Decoder) header(to *string) error {
	y, err := d.streamingString()
	if err == nil && y != noSym {
		*to = d.syms.text(y)
	}
	return err
}

func (d *Decoder) chunkV10() error {
	d.beginChunk()
	c := &d.chunk
	c.ownsTraceID = true
	// A chunk that is no map, or has a field of the wrong type, is one bad span at most.
	d.span = span{}
	err := d.fieldsV10(func(field uint64) error {
		switch field {
		case chunkPriority:
			priority, err := d.r.Int64()
			if err == nil {
				c.priority, c.hasPriority = float64(priority), true
			}
			return err
		case chunkOrigin:
			return d.streamingTo(&c.origin)
		case chunkAttributes:
			return d.attributesV10(ofChunk)
		case chunkSpans:
			return d.elements(d.spanV10)
		case chunkTraceID:
			return d.traceIDV10(&c.traceHi, &c.traceLo)
		case chunkMechanism:
			mechanism, err := d.r.Uint64()
			if err == nil {
				c.mechanism, c.hasMechanism = mechanism, mechanism != 0
			}
			return err
		}
		return d.skip()
	})
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.skip()
	}
	if err != nil {
		return err
	}
	d.endChunk()
	return nil
}

// traceIDV10 reads 16 bytes; fewer are the lower ones.
func (d *Decoder) traceIDV10(high, low *uint64) error {
	at := d.r.Pos
	b, err := d.r.Bytes()
	if err != nil {
		return err
	}
	hi, lo, ok := bigEndian128(b)
	if !ok {
		d.r.Pos = at
		return msgpack.ErrType
	}
	*high, *low = hi, lo
	return nil
}

// bigEndian128 reads a number of at most 16 bytes.
func bigEndian128(b []byte) (high, low uint64, ok bool) {
	var id [16]byte
	if len(b) > len(id) {
		return 0, 0, false
	}
	copy(id[len(id)-len(b):], b)
	return binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]), true
}

func (d *Decoder) spanV10() error {
	d.beginSpan()
	if d.r.Kind() == msgpack.Nil {
		d.drop(DropNil)
		return d.r.Skip()
	}
	err := d.fieldsV10(d.fieldV10)
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.skip()
	}
	if err != nil {
		return err
	}
	return d.endSpan()
}

func (d *Decoder) fieldV10(field uint64) (err error) {
	sp := &d.span
	switch field {
	case spanService:
		return d.streamingTo(&sp.service)
	case spanName:
		return d.streamingTo(&sp.name)
	case spanResource:
		return d.streamingTo(&sp.resource)
	case spanSpanID:
		sp.spanID, err = d.r.Uint64()
	case spanParentID:
		sp.parentID, err = d.r.Uint64()
	case spanStart:
		// Tracers write it signed.
		var start int64
		start, err = d.r.Int64()
		sp.start = uint64(max(0, start))
	case spanDuration:
		sp.duration, err = d.r.Int64()
	case spanError:
		sp.failed, err = d.r.Bool()
	case spanAttributes:
		return d.attributesV10(ofSpan)
	case spanType:
		return d.streamingTo(&sp.typ)
	case spanLinks:
		return d.elements(d.linkV10)
	case spanEvents:
		return d.elements(d.eventV10)
	case spanEnv:
		return d.streamingTo(&sp.env)
	case spanVersion:
		return d.streamingTo(&sp.version)
	case spanComponent:
		var component sym
		if err = d.streamingTo(&component); err == nil && component != noSym {
			d.addMeta(kComponent, component)
		}
	case spanKindField:
		var kind uint64
		if kind, err = d.r.Uint64(); err == nil && kind <= uint64(kindConsumer) {
			sp.kind = spanKind(kind)
		}
	default:
		return d.skip()
	}
	return err
}
