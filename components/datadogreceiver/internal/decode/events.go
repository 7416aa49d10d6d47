package decode

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

type eventKey struct {
	time pcommon.Timestamp
	name string
}

// events reads native span events: an array of maps.
func (d *Decoder) events() error {
	r, out := &d.r, d.scratch.Events()
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
		if err := d.eventFields(r, event, fields); err != nil {
			return err
		}
		if event.Name() == "" {
			d.stats.BadEvents++
			bad = true
		}
	}
	if bad {
		out.RemoveIf(func(event ptrace.SpanEvent) bool { return event.Name() == "" })
	}
	return nil
}

func (d *Decoder) eventFields(r *msgpack.Reader, event ptrace.SpanEvent, fields int) error {
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
			if err = proven(r); err == nil {
				err = d.readMap(r, event.Attributes(), true, 0)
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

// proven walks the next value once: then all lengths inside are known to be true, and space can be made for them.
func proven(r *msgpack.Reader) error {
	at := r.Pos
	err := r.Skip()
	r.Pos = at
	return err
}
