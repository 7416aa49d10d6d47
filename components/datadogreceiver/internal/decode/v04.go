package decode

import "github.com/otelcol-obs/otelcol-obs/internal/msgpack"

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
	var room [32]sym
	for n > 0 {
		met := room[:d.strings(room[:min(len(room), 2*n)])]
		for ; len(met) > 1; met = met[2:] {
			d.addMeta(met[0], met[1])
			n--
		}
		if n == 0 {
			break
		}
		if err := d.pairV04(met); err != nil {
			return err
		}
		n--
	}
	return nil
}

// pairV04 reads an entry of meta, the key of which may have been met already.
func (d *Decoder) pairV04(met []sym) (err error) {
	var key, value sym
	if len(met) > 0 {
		key = met[0]
	} else if key, err = d.string(); err != nil {
		return d.skipPair(err)
	}
	if value, err = d.string(); err != nil {
		return d.skipBad(err)
	}
	d.addMeta(key, value)
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
