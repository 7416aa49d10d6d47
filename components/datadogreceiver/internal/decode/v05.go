package decode

import (
	"errors"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// spanFieldsV05 is how many elements a v0.5 span has, by datadog-agent's pkg/trace/api/version.go.
const spanFieldsV05 = 12

var errPayloadV05 = errors.New("payload must be an array of a dictionary and traces")

// tracesV05 reads `[dictionary, traces]`: a span is an array, its strings are indexes of the dictionary.
func (d *Decoder) tracesV05() error {
	parts, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	if parts != 2 {
		return errPayloadV05
	}
	if err := d.dictionary(); err != nil {
		return err
	}
	chunks, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	for range chunks {
		if err := d.chunkV05(); err != nil {
			return err
		}
	}
	return nil
}

// dictionary reads the strings. What is no string is an empty one, so that the indexes of the others hold.
func (d *Decoder) dictionary() error {
	n, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		y, err := d.string()
		if err == msgpack.ErrType {
			err = d.r.Skip()
		}
		if err != nil {
			return err
		}
		d.dict = append(grow(d.dict), y)
	}
	return nil
}

func (d *Decoder) chunkV05() error {
	d.beginChunk()
	spans, err := d.r.ArrayLen()
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	for range spans {
		if err := d.spanV05(); err != nil {
			return err
		}
	}
	d.endChunk()
	return nil
}

func (d *Decoder) spanV05() error {
	d.beginSpan()
	if d.r.Kind() == msgpack.Nil {
		d.drop(DropNil)
		return d.r.Skip()
	}
	fields, err := d.r.ArrayLen()
	if err == msgpack.ErrType {
		d.drop(DropMalformed)
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	if fields != spanFieldsV05 {
		d.drop(DropMalformed)
		for range fields {
			if err := d.r.Skip(); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range fields {
		if err := d.fieldV05(i); err != nil {
			return err
		}
	}
	return d.endSpan()
}

func (d *Decoder) fieldV05(i int) (err error) {
	sp := &d.span
	switch i {
	case 0:
		sp.service, err = d.index()
	case 1:
		sp.name, err = d.index()
	case 2:
		sp.resource, err = d.index()
	case 3:
		sp.traceID, err = d.r.Uint64()
	case 4:
		sp.spanID, err = d.r.Uint64()
	case 5:
		sp.parentID, err = d.r.Uint64()
	case 6:
		var start int64
		start, err = d.r.Int64()
		sp.start = uint64(max(0, start))
	case 7:
		sp.duration, err = d.r.Int64()
	case 8:
		sp.failed, err = d.r.Bool()
	case 9:
		err = d.metaV05()
	case 10:
		err = d.metricsV05()
	case 11:
		sp.typ, err = d.index()
	}
	if err != nil {
		return d.skipBad(err)
	}
	return nil
}

func (d *Decoder) metaV05() error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.index()
		if err != nil {
			if err = d.skipPair(err); err != nil {
				return err
			}
			continue
		}
		value, err := d.index()
		if err != nil {
			if err = d.skipBad(err); err != nil {
				return err
			}
			continue
		}
		d.addMeta(key, value)
	}
	return nil
}

func (d *Decoder) metricsV05() error {
	n, err := d.r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		key, err := d.index()
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

// index reads a string given by its place in the dictionary. One outside it is ErrType, unread.
func (d *Decoder) index() (sym, error) {
	if y, ok := d.shortIndex(); ok {
		return y, nil
	}
	at := d.r.Pos
	i, err := d.r.Uint64()
	if err != nil {
		return noSym, err
	}
	if i >= uint64(len(d.dict)) {
		d.r.Pos = at
		return noSym, msgpack.ErrType
	}
	return d.dict[i], nil
}

// shortIndex reads a string given by a place below 128, if that is what comes next.
func (d *Decoder) shortIndex() (sym, bool) {
	if d.r.Pos < len(d.r.Buf) {
		if i := int(d.r.Buf[d.r.Pos]); i < 0x80 && i < len(d.dict) {
			d.r.Pos++
			return d.dict[i], true
		}
	}
	return noSym, false
}
