package decode

import "github.com/otelcol-obs/otelcol-obs/internal/msgpack"

// linkV10 reads one span link. Attributes may come before the ids: they wait in d.linked.
func (d *Decoder) linkV10() error {
	const (
		linkTraceID = 1 + iota
		linkSpanID
		linkAttributes
		linkTracestate
		linkFlags
	)
	var l link
	attrs := len(d.linked)
	err := d.fieldsV10(func(field uint64) (err error) {
		switch field {
		case linkTraceID:
			return d.traceIDV10(&l.high, &l.low)
		case linkSpanID:
			l.spanID, err = d.r.Uint64()
		case linkAttributes:
			return d.attributesV10(ofLinked)
		case linkTracestate:
			return d.streamingTo(&l.state)
		case linkFlags:
			l.flags, err = d.r.Uint64()
		default:
			return d.skip()
		}
		return err
	})
	if err == msgpack.ErrType {
		d.stats.BadLinks++
		return d.skip()
	}
	if err != nil {
		return err
	}
	d.addLink(d.scratch.Links(), l, attrs)
	return nil
}

// eventV10 reads one span event.
func (d *Decoder) eventV10() error {
	const (
		eventTime = 1 + iota
		eventName
		eventAttributes
	)
	var when uint64
	var name sym
	attrs := len(d.linked)
	err := d.fieldsV10(func(field uint64) (err error) {
		switch field {
		case eventTime:
			when, err = d.r.Uint64()
		case eventName:
			return d.streamingTo(&name)
		case eventAttributes:
			return d.attributesV10(ofLinked)
		default:
			return d.skip()
		}
		return err
	})
	if err == msgpack.ErrType {
		d.stats.BadEvents++
		return d.skip()
	}
	if err != nil {
		return err
	}
	d.addEvent(d.scratch.Events(), when, name, attrs)
	return nil
}
