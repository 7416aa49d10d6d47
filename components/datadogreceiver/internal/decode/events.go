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

// appendEvents adds the events in r to out, save those in skip. Native ones have typed attributes, and lengths not to be believed.
// It returns msgpack.ErrType only with the value unread.
func (d *Decoder) appendEvents(r *msgpack.Reader, out ptrace.SpanEventSlice, skip map[eventKey]struct{}, native bool) error {
	n, err := r.ArrayLen()
	if err != nil {
		return err
	}
	bad := false
	for range n {
		fields, err := r.MapLen()
		if err != nil && err != msgpack.ErrType {
			return err
		}
		if fields == 0 {
			d.stats.BadEvents++
			if err == nil {
				continue
			}
			if err := r.Skip(); err != nil {
				return err
			}
			continue
		}
		event := out.AppendEmpty()
		if err := d.eventFields(r, event, fields, native); err != nil {
			return err
		}
		if event.Name() == "" {
			d.stats.BadEvents++
			bad = true
		} else if _, ok := skip[eventKey{time: event.Timestamp(), name: event.Name()}]; ok {
			event.SetName("")
			bad = true
		}
	}
	if bad {
		out.RemoveIf(func(event ptrace.SpanEvent) bool { return event.Name() == "" })
	}
	return nil
}

func (d *Decoder) eventFields(r *msgpack.Reader, event ptrace.SpanEvent, fields int, native bool) error {
	for range fields {
		name, err := r.Bytes()
		if err == msgpack.ErrType {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		switch string(name) {
		case "time_unix_nano":
			var when uint64
			when, err = r.Uint64()
			event.SetTimestamp(pcommon.Timestamp(when))
		case "name":
			var b []byte
			b, err = r.Bytes()
			event.SetName(d.syms.text(d.syms.intern(b)))
		case "attributes":
			if err = proven(r, native); err == nil {
				err = d.readMap(r, event.Attributes(), native, 0)
			}
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
	return nil
}

// proven walks the next value once, if it is from the wire: then all lengths inside are known to be true, and space can be made
// for them.
func proven(r *msgpack.Reader, wire bool) error {
	if !wire {
		return nil
	}
	at := r.Pos
	err := r.Skip()
	r.Pos = at
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
