package decode

import (
	"encoding/hex"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// metadata reads what Fluent Bit keeps beside a record. Under otlp it is the fields of the log record it came from; the rest, and what
// can't be read of those, becomes the attribute fluent.metadata. Timed tells that the record has a time of its own.
func (d *Decoder) metadata(lr plog.LogRecord, timed bool) error {
	start := d.Pos
	n, err := d.MapLen()
	if err != nil || n == 0 {
		return err
	}
	rest := n
	for range n {
		key, _, err := d.key()
		if err != nil {
			return err
		}
		at := d.Pos
		if key == "otlp" && d.Kind() == msgpack.Map {
			whole, err := d.otlp(lr, timed)
			if err != nil {
				return err
			}
			if whole {
				rest--
			}
		}
		d.Pos = at
		if err := d.Skip(); err != nil {
			return err
		}
	}
	if rest == 0 {
		return nil
	}
	d.Pos = start
	kept := lr.Attributes().PutEmptyMap(metadataKey)
	if err := d.mapping(kept); err != nil {
		return err
	}
	if rest < n {
		kept.RemoveIf(func(k string, _ pcommon.Value) bool { return k == "otlp" })
	}
	return nil
}

// otlp reads the fields of a log record and reports whether all could be.
func (d *Decoder) otlp(lr plog.LogRecord, timed bool) (whole bool, err error) {
	n, err := d.MapLen()
	if err != nil {
		return false, err
	}
	whole = true
	var timestamp, observed uint64
	for range n {
		key, _, err := d.key()
		if err != nil {
			return false, err
		}
		at := d.Pos
		var known bool
		switch key {
		case "timestamp":
			timestamp, known = d.uint()
		case "observed_timestamp":
			observed, known = d.uint()
		case "severity_number":
			var number uint64
			if number, known = d.uint(); known && number <= uint64(plog.SeverityNumberFatal4) {
				lr.SetSeverityNumber(plog.SeverityNumber(number))
			} else {
				known = false
			}
		case "severity_text":
			var text []byte
			if text, known = d.bytes(); known {
				lr.SetSeverityText(d.text.value(text))
			}
		case "trace_flags":
			var flags uint64
			flags, known = d.uint()
			lr.SetFlags(plog.LogRecordFlags(flags))
		case "trace_id":
			known = d.id(16, func(b []byte) { lr.SetTraceID(pcommon.TraceID(b)) })
		case "span_id":
			known = d.id(8, func(b []byte) { lr.SetSpanID(pcommon.SpanID(b)) })
		case "event_name":
			var name []byte
			if name, known = d.bytes(); known {
				lr.SetEventName(d.text.value(name))
			}
		case "attributes":
			known, err = d.attributes(lr)
		default:
			known = false
		}
		if err != nil {
			return false, err
		}
		whole = whole && known
		d.Pos = at
		if err := d.Skip(); err != nil {
			return false, err
		}
	}
	if observed != 0 {
		lr.SetObservedTimestamp(pcommon.Timestamp(observed))
	}
	switch {
	case timestamp != 0:
		lr.SetTimestamp(pcommon.Timestamp(timestamp))
	case !timed && observed != 0:
		lr.SetTimestamp(pcommon.Timestamp(observed))
	}
	return whole, nil
}

// maxJoined bounds attributes that are compared with each other, each with each.
const maxJoined = 256

// attributes adds those of the log record to the record's own keys, which stay.
func (d *Decoder) attributes(lr plog.LogRecord) (whole bool, err error) {
	if d.Kind() != msgpack.Map {
		return false, nil
	}
	read := pcommon.NewMap()
	if err := d.mapping(read); err != nil {
		return false, err
	}
	own := lr.Attributes()
	if own.Len()+read.Len() > maxJoined {
		return false, nil
	}
	own.EnsureCapacity(own.Len() + read.Len())
	whole = true
	for key, v := range read.All() {
		if dest, found := own.GetOrPutEmpty(key); !found {
			v.MoveTo(dest)
		} else if !dest.Equal(v) {
			whole = false
		}
	}
	return whole, nil
}

func (d *values) uint() (uint64, bool) {
	if kind := d.Kind(); kind != msgpack.Uint && kind != msgpack.Int {
		return 0, false
	}
	n, err := d.Int64()
	return uint64(n), err == nil && n >= 0
}

func (d *values) bytes() ([]byte, bool) {
	if kind := d.Kind(); kind != msgpack.Str && kind != msgpack.Bin {
		return nil, false
	}
	b, err := d.Bytes()
	return b, err == nil
}

// id reads an id of n bytes, as bytes or as hex digits.
func (d *values) id(n int, set func([]byte)) bool {
	b, ok := d.bytes()
	if !ok {
		return false
	}
	if len(b) == 2*n {
		decoded, err := hex.DecodeString(string(b))
		if err != nil {
			return false
		}
		b = decoded
	}
	if len(b) != n {
		return len(b) == 0
	}
	set(b)
	return true
}
