package decode

import "github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/msgpack"

// tracesV04 reads v0.3 and v0.4: an array of chunks, each an array of spans, each a map.
func (d *Decoder) tracesV04() error {
	chunks, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	for range chunks {
		if err := d.chunkV04(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) chunkV04() error {
	d.beginChunk()
	if err := d.spansV04(); err != nil {
		return err
	}
	d.endChunk()
	return nil
}

// spansV04 reads an array of span maps. What is no array counts as one bad span.
func (d *Decoder) spansV04() error {
	spans, err := d.r.ArrayLen()
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	for range spans {
		if err := d.spanV04(); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) spanV04() error {
	d.beginSpan()
	if d.r.Kind() == msgpack.Nil {
		d.drop(DropNil)
		return d.r.Skip()
	}
	fields, err := d.r.MapLen()
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	for range fields {
		field, err := d.string()
		if err == nil {
			err = d.fieldV04(field)
		} else if err == msgpack.ErrType {
			// The name of the field is no string: skip it and, as an unknown field, its value.
			d.span.bad = true
			if err = d.r.Skip(); err == nil {
				err = d.r.Skip()
			}
		}
		if err != nil {
			return err
		}
	}
	return d.endSpan()
}

// fieldV04 reads the value of one field. A value of the wrong type costs the span, not the payload.
func (d *Decoder) fieldV04(field sym) (err error) {
	sp := &d.span
	switch field {
	case kService:
		sp.service, err = d.string()
	case kName:
		sp.name, err = d.string()
	case kResource:
		sp.resource, err = d.string()
	case kType:
		sp.typ, err = d.string()
	case kTraceID:
		sp.traceID, err = d.r.Uint64()
	case kSpanID:
		sp.spanID, err = d.r.Uint64()
	case kParentID:
		sp.parentID, err = d.r.Uint64()
	case kStart:
		var start int64
		start, err = d.r.Int64()
		sp.start = uint64(max(0, start))
	case kDuration:
		sp.duration, err = d.r.Int64()
	case kError:
		sp.failed, err = d.r.Bool()
	case kMeta:
		err = d.metaV04()
	case kMetrics:
		err = d.metricsV04()
	case kMetaStruct:
		err = d.metaStruct()
	case kSpanLinks:
		err = d.links()
	case kSpanEvents:
		err = d.events()
	default:
		return d.r.Skip()
	}
	if err != nil {
		return d.skipBad(err)
	}
	return nil
}

func (d *Decoder) metaV04() error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.string()
		if err == nil {
			var value sym
			if value, err = d.string(); err == nil {
				d.addMeta(key, value)
				continue
			}
			if err = d.skipBad(err); err != nil {
				return err
			}
			continue
		}
		if err = d.skipPair(err); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) metricsV04() error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.string()
		if err != nil {
			if err = d.skipPair(err); err != nil {
				return err
			}
			continue
		}
		f, err := d.r.Float64()
		if err != nil {
			if err = d.skipBad(err); err != nil {
				return err
			}
			continue
		}
		d.addFloat(key, f)
	}
	return nil
}

// metaStruct reads values that are MessagePack themselves and stay bytes.
func (d *Decoder) metaStruct() error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.string()
		if err != nil {
			if err = d.skipPair(err); err != nil {
				return err
			}
			continue
		}
		b, err := d.r.Bytes()
		if err != nil {
			if err = d.skipBad(err); err != nil {
				return err
			}
			continue
		}
		d.addBytes(key, b)
	}
	return nil
}

// skipPair skips a key of the wrong type and its value.
func (d *Decoder) skipPair(err error) error {
	if err = d.skipBad(err); err != nil {
		return err
	}
	return d.r.Skip()
}

// string reads a string. Spans repeat each other, so what followed the same string before is tried first; it is most often right, and
// saves the hash.
func (d *Decoder) string() (sym, error) {
	t := &d.trail
	guess := t.guess()
	if s := &d.syms.all[guess]; d.r.Accept(s.wire) {
		t.at++
		s.met = t.note(guess)
		return guess, nil
	}
	start := d.r.Pos
	b, err := d.r.Bytes()
	if err != nil {
		return noSym, err
	}
	y := d.syms.intern(b)
	s := &d.syms.all[y]
	if y == guess {
		// This tracer has another way to write it.
		s.wire = string(d.r.Buf[start:d.r.Pos])
	}
	t.at = s.met + 1
	s.met = t.note(y)
	return y, nil
}

// trail is the strings read last, in their order. at is where they went on after the string that was read last was met before.
// Which guess it leads to does not matter to the result: a wrong one costs a comparison.
type trail struct {
	syms   [1 << 12]sym
	at, to uint32
}

func (t *trail) guess() sym { return t.syms[t.at%uint32(len(t.syms))] }

// note adds a string and returns where.
func (t *trail) note(y sym) uint32 {
	t.to++
	t.syms[t.to%uint32(len(t.syms))] = y
	return t.to
}

func (t *trail) reset() {
	clear(t.syms[:min(int(t.to)+1, len(t.syms))])
	t.at, t.to = 0, 0
}
