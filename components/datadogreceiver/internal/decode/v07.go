package decode

import "github.com/otelcol-obs/otelcol-obs/internal/msgpack"

// noPriority is what v0.7 and the agent write for a chunk without a sampling decision.
const noPriority = -128

// payloadV07 reads v0.7: a map of what the tracer's process is, and chunks.
func (d *Decoder) payloadV07() error {
	return d.fieldsV07(func(field sym) error {
		p := &d.payload
		switch field {
		case kContainerID:
			return d.textTo(&p.ContainerID)
		case kLanguageName:
			return d.textTo(&p.Lang)
		case kLanguageVersion:
			return d.textTo(&p.LangVersion)
		case kTracerVersion:
			return d.textTo(&p.TracerVersion)
		case kRuntimeIDField:
			return d.stringTo(&p.runtimeID)
		case kEnv:
			return d.stringTo(&p.env)
		case kPayloadHostname:
			return d.stringTo(&p.hostname)
		case kAppVersion:
			return d.stringTo(&p.appVersion)
		case kTags:
			return d.tagsV07(d.payloadAttr)
		case kChunks:
			return d.elements(d.chunkV07)
		}
		return d.r.Skip()
	})
}

// fieldsV07 reads a map whose keys are strings. What field does not understand it leaves unread with msgpack.ErrType: it is skipped.
func (d *Decoder) fieldsV07(field func(sym) error) error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.string()
		if err == msgpack.ErrType {
			if err = d.r.Skip(); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if err := field(key); err != nil {
			if err = d.skipBad(err); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Decoder) chunkV07() error {
	d.beginChunk()
	c := &d.chunk
	err := d.fieldsV07(func(field sym) error {
		switch field {
		case kChunkPriority:
			priority, err := d.r.Int64()
			if err == nil && priority != noPriority {
				c.priority, c.hasPriority = float64(priority), true
			}
			return err
		case kChunkOrigin:
			return d.stringTo(&c.origin)
		case kTags:
			return d.tagsV07(d.chunkAttr)
		case kSpans:
			return d.spansV04()
		}
		return d.r.Skip()
	})
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	d.endChunk()
	return nil
}

func (d *Decoder) tagsV07(add func(attr)) error {
	return d.fieldsV07(func(key sym) error {
		value, err := d.string()
		if err == nil && key != kEmpty {
			add(strAttr(key, value))
		}
		return err
	})
}

func (d *Decoder) stringTo(to *sym) error {
	y, err := d.string()
	if err == nil {
		*to = y
	}
	return err
}

// textTo reads what a request header says too; the payload knows better.
func (d *Decoder) textTo(to *string) error {
	y, err := d.string()
	if err == nil && y != noSym {
		*to = d.syms.text(y)
	}
	return err
}
