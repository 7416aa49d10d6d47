package decode

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/components/datadogreceiver/internal/msgpack"
)

type eventKey struct {
	time pcommon.Timestamp
	name string
}

// events reads native span events: an array of maps.
func (d *Decoder) events() error { return d.appendEvents(&d.r, d.scratch.Events(), nil, true) }

// appendEvents adds the events in r to out, save those in skip. It returns msgpack.ErrType only with the value unread.
func (d *Decoder) appendEvents(r *msgpack.Reader, out ptrace.SpanEventSlice, skip map[eventKey]struct{}, typed bool) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		if err := d.appendEvent(r, out, skip, typed); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) appendEvent(r *msgpack.Reader, out ptrace.SpanEventSlice, skip map[eventKey]struct{}, typed bool) error {
	fields, err := r.MapLen()
	if err == msgpack.ErrType {
		d.stats.BadEvents++
		return r.Skip()
	}
	if err != nil {
		return err
	}
	var when uint64
	var name sym
	attributes := -1
	for range fields {
		field, err := r.Bytes()
		if err == msgpack.ErrType {
			if err = r.Skip(); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		switch string(field) {
		case "time_unix_nano":
			when, err = r.Uint64()
		case "name":
			var b []byte
			if b, err = r.Bytes(); err == nil {
				name = d.syms.intern(b)
			}
		case "attributes":
			// Read last: where they go is known when the name is.
			attributes = r.Pos
			err = r.Skip()
		default:
			err = r.Skip()
		}
		if err == msgpack.ErrType {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
	if name == noSym {
		d.stats.BadEvents++
		return nil
	}
	key := eventKey{time: pcommon.Timestamp(when), name: d.syms.text(name)}
	if _, ok := skip[key]; ok {
		return nil
	}
	event := out.AppendEmpty()
	event.SetName(key.name)
	event.SetTimestamp(key.time)
	if attributes < 0 {
		return nil
	}
	end := r.Pos
	r.Pos = attributes
	err = d.readMap(r, event.Attributes(), typed, 0)
	r.Pos = end
	return err
}

// eventsFromJSON adds the events of the tag `events`, unless the span has them natively. A text that is no list of events stays an
// attribute.
func (d *Decoder) eventsFromJSON(out ptrace.SpanEventSlice) {
	text := d.span.eventsJSON
	if text == noSym {
		return
	}
	var skip map[eventKey]struct{}
	if native := out.Len(); native > 0 {
		skip = make(map[eventKey]struct{}, native)
		for _, e := range out.All() {
			skip[eventKey{time: e.Timestamp(), name: e.Name()}] = struct{}{}
		}
	}
	r, ok := d.transcode(text)
	if !ok || d.appendEvents(&r, out, skip, false) != nil {
		d.stats.BadEvents++
		d.set(attr{key: kEventsJSON, str: text, kind: attrStr})
	}
}
