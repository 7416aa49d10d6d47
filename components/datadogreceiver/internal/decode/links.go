package decode

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// link is one span link, however it was written.
type link struct {
	high, low, spanID uint64
	state             sym
	flags             uint64
	bad               bool
}

type linkKey struct {
	traceID pcommon.TraceID
	spanID  pcommon.SpanID
}

// links reads native span links: an array of maps.
func (d *Decoder) links() error {
	r, out := &d.r, d.scratch.Links()
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
			d.stats.BadLinks++
			if err == nil {
				continue
			}
			if err := r.Skip(); err != nil {
				return err
			}
			continue
		}
		dest := out.AppendEmpty()
		l, err := d.linkFields(r, dest, fields)
		if err != nil {
			return err
		}
		if l.bad || l.spanID == 0 || l.high|l.low == 0 {
			d.stats.BadLinks++
			bad = true
			continue
		}
		d.describe(dest, l)
	}
	if bad {
		out.RemoveIf(func(l ptrace.SpanLink) bool { return l.SpanID().IsEmpty() })
	}
	return nil
}

func (d *Decoder) linkFields(r *msgpack.Reader, dest ptrace.SpanLink, fields int) (l link, err error) {
	for range fields {
		name, err := r.Bytes()
		if err == msgpack.ErrType {
			err = r.Skip()
		}
		if err != nil {
			return l, err
		}
		if string(name) != "attributes" {
			err = d.linkField(r, &l, name)
		} else if err = proven(r); err == nil {
			err = d.readMap(r, dest.Attributes(), false, 0)
		}
		if err != nil {
			return l, err
		}
	}
	return l, nil
}

func (d *Decoder) describe(dest ptrace.SpanLink, l link) {
	dest.SetTraceID(ddcontext.JoinTraceID(l.high, l.low))
	dest.SetSpanID(ddcontext.SpanID(l.spanID))
	dest.TraceState().FromRaw(d.syms.text(l.state))
	// Bit 31 says that flags were set at all. https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/span.proto
	dest.SetFlags(uint32(l.flags) &^ (1 << 31))
}

func (d *Decoder) linkField(r *msgpack.Reader, l *link, name []byte) (err error) {
	switch string(name) {
	case "trace_id":
		var high uint64
		if high, l.low, err = id(r); high != 0 {
			l.high = high
		}
	case "trace_id_high":
		l.high, err = r.Uint64()
	case "span_id":
		_, l.spanID, err = id(r)
	case "tracestate":
		var b []byte
		if b, err = r.Bytes(); err == nil {
			l.state = d.syms.intern(b)
		}
	case "flags":
		l.flags, err = r.Uint64()
	default:
		return r.Skip()
	}
	if err == msgpack.ErrType {
		l.bad = true
		return r.Skip()
	}
	return err
}

// id reads an id as an integer, as 16 or 32 hex digits, or as decimal digits. What is none of these is ErrType, unread.
func id(r *msgpack.Reader) (high, low uint64, err error) {
	if r.Kind() != msgpack.Str {
		low, err = r.Uint64()
		return 0, low, err
	}
	at := r.Pos
	b, err := r.Bytes()
	if err != nil {
		return 0, 0, err
	}
	text := string(b[:min(len(b), 33)])
	var ok bool
	switch len(text) {
	case 32:
		high, low, ok = ddcontext.ParseHex128(text)
	case 16:
		low, ok = ddcontext.ParseHex64(text)
	default:
		low, ok = ddcontext.ParseUint64(text)
	}
	if !ok {
		r.Pos = at
		return 0, 0, msgpack.ErrType
	}
	return high, low, nil
}
