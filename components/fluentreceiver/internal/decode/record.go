package decode

import (
	"bytes"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/eventtime"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/origin"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// TagKey is the attribute that holds the tag, and what a record's own key of that name becomes.
const (
	TagKey      = "fluent.tag"
	ownTagKey   = "record." + TagKey
	ioStreamKey = "log.iostream"
	metadataKey = "fluent.metadata"
)

// Attributes that tell that a record is a piece of a line, as Docker and CRI write them.
const (
	DockerPiece = "partial_message"
	CRIPiece    = "logtag"
)

// bodyKeys may hold the line; the first that says something is the body.
const bodyKeys = 3

func bodyRank(key string) int {
	switch key {
	case "log":
		return 0
	case "message":
		return 1
	case "msg":
		return 2
	}
	return bodyKeys
}

// pair is a pair of a record, before it is decoded.
type pair struct {
	key  string
	slot int
	at   int // where the value begins
	role role
}

// role is what becomes of a pair.
type role uint8

const (
	attribute role = iota
	ofOrigin       // says where the record comes from
	ioStream       // says whether it was written to stdout or stderr
	replaced       // the key stands there again, further on
)

// record is what is known of a record before its values are decoded.
type record struct {
	pairs  []pair
	origin []byte // the pairs that name the origin, as they came
	body   [bodyKeys]int
	stream int
	piece  bool
	kept   int // attributes
	named  int // pairs that name the origin

	repeat repeat
}

// repeat is the nested pair that named the origin of the record before, as it came. A chunk is mostly of one pod, so that the same
// bytes mostly come again and need not be looked at.
type repeat struct {
	raw  []byte
	pair pair
	at   int // where in raw the value begins
}

const maxKeptPairs = 1024

func (r *record) reset(group uint32) {
	r.pairs = r.pairs[:0]
	r.origin = append(r.origin[:0], byte(group), byte(group>>8), byte(group>>16), byte(group>>24))
	r.body = [bodyKeys]int{-1, -1, -1}
	r.stream, r.kept, r.named, r.piece = -1, 0, 0, false
}

func (r *record) release() {
	if cap(r.pairs) > maxKeptPairs {
		r.pairs = nil
	}
	if cap(r.origin) > maxKeptWindow {
		r.origin = nil
	}
	if r.repeat.raw = r.repeat.raw[:0]; cap(r.repeat.raw) > maxKeptWindow {
		r.repeat.raw = nil
	}
	clear(r.pairs[:cap(r.pairs)])
}

// add decodes a record, which is a map, and leaves Pos behind the entry.
func (d *Decoder) add(e entry) error {
	d.Pos = e.time
	t, m, ok := eventtime.Read(&d.Reader)
	d.Pos = e.record
	var err error
	switch m {
	case eventtime.GroupBegin:
		err = d.beginGroup()
	case eventtime.GroupEnd:
		d.target.endGroup()
		err = d.Skip()
	default:
		if !ok {
			d.state.result.Unreadable[Time]++
		}
		err = d.addRecord(e, t)
	}
	for range e.more {
		if err == nil {
			err = d.Skip()
		}
	}
	return err
}

func (d *Decoder) addRecord(e entry, t pcommon.Timestamp) error {
	values, err := d.survey()
	if err != nil {
		return err
	}
	end := d.Pos
	defer func() { d.Pos = end }()
	if d.foreign() {
		d.state.result.Unreadable[Signal]++
		return nil
	}
	if err := d.charge(end-e.time, values); err != nil {
		return err
	}
	records, err := d.records()
	if err != nil {
		return err
	}
	lr := records.AppendEmpty()
	timed := t != 0
	if !timed {
		t = d.state.now
	}
	lr.SetTimestamp(t)
	lr.SetObservedTimestamp(d.state.now)
	if err := d.fill(lr, e.metadata != 0); err != nil || e.metadata == 0 {
		return err
	}
	d.Pos = e.metadata
	return d.metadata(lr, timed)
}

// survey looks at the keys of a record: which are its line, which name its origin. It returns how many values there are.
func (d *Decoder) survey() (values int, err error) {
	r := &d.record
	r.reset(d.target.group)
	n, err := d.MapLen()
	if err != nil {
		return 0, err
	}
	if n > maxKeptPairs {
		if err := d.pay(n * pairCost); err != nil {
			return 0, err
		}
	}
	r.pairs = slices.Grow(r.pairs, n)
	for range n {
		start := d.Pos
		if again := &r.repeat; len(again.raw) > 0 && bytes.HasPrefix(d.Buf[start:], again.raw) {
			p := again.pair
			p.at = start + again.at
			d.Pos = start + len(again.raw)
			r.origin = append(r.origin, again.raw...)
			r.named++
			r.pairs = append(r.pairs, p)
			continue
		}
		key, slot, err := d.key()
		if err != nil {
			return 0, err
		}
		p := pair{key: key, slot: slot, at: d.Pos}
		kind := d.Kind()
		if kind == msgpack.Map || kind == msgpack.Array {
			d.scan.Reset()
			length, done, err := d.scan.Feed(d.Buf[d.Pos:])
			if !done || err != nil {
				return 0, errUnexpected
			}
			d.Pos += length
			values += d.scan.Values
		} else {
			if err := d.Skip(); err != nil {
				return 0, err
			}
			values++
		}
		d.classify(&p, d.Buf[start:d.Pos], len(r.pairs))
		if p.role == ofOrigin && kind == msgpack.Map {
			r.repeat.raw = append(r.repeat.raw[:0], d.Buf[start:d.Pos]...)
			r.repeat.pair, r.repeat.at = p, p.at-start
		}
		r.pairs = append(r.pairs, p)
	}
	return values, nil
}

func (d *Decoder) classify(p *pair, raw []byte, i int) {
	r := &d.record
	if source := origin.Of(p.key); source&d.sources != 0 {
		p.role = ofOrigin
		r.origin = append(r.origin, raw...)
		r.named++
		return
	}
	switch p.key {
	case "source", "stream":
		if text := d.peek(p.at); r.stream < 0 && (text == "stdout" || text == "stderr") {
			p.role = ioStream
			r.stream = i
		}
	case TagKey:
		p.key, p.slot = ownTagKey, slotOf([]byte(ownTagKey))
	case DockerPiece, CRIPiece:
		r.piece = true
	default:
		if rank := bodyRank(p.key); rank < bodyKeys {
			if before := r.body[rank]; before >= 0 {
				r.pairs[before].role = replaced
				r.kept--
			}
			r.body[rank] = i
		}
	}
	if p.role == attribute {
		r.kept++
	}
}

// peek returns the text at a place, if it is a short one.
func (d *Decoder) peek(at int) string {
	r := msgpack.Reader{Buf: d.Buf, Pos: at}
	if kind := r.Kind(); kind != msgpack.Str && kind != msgpack.Bin {
		return ""
	}
	b, err := r.Bytes()
	if err != nil {
		return ""
	}
	switch string(b) {
	case "stdout":
		return "stdout"
	case "stderr":
		return "stderr"
	}
	return ""
}

// foreign reports whether the record is what old Fluent Bits wrap their metrics and traces in.
func (d *Decoder) foreign() bool {
	if len(d.record.pairs) != 1 {
		return false
	}
	p := d.record.pairs[0]
	switch p.key {
	case "cmetrics", "ctraces", "metrics", "traces":
	default:
		return false
	}
	r := msgpack.Reader{Buf: d.Buf, Pos: p.at}
	return r.Kind() == msgpack.Bin
}

// line is the index of the pair that is the body, -1 for none.
func (d *Decoder) line() int {
	first := -1
	for _, i := range d.record.body {
		if i < 0 {
			continue
		}
		if first < 0 {
			first = i
		}
		r := msgpack.Reader{Buf: d.Buf, Pos: d.record.pairs[i].at}
		switch r.Kind() {
		case msgpack.Nil:
			continue
		case msgpack.Str, msgpack.Bin:
			if b, err := r.Bytes(); err == nil && len(b) == 0 {
				continue
			}
		}
		return i
	}
	return first
}

// fill decodes the surveyed record into lr.
func (d *Decoder) fill(lr plog.LogRecord, metadata bool) error {
	r := &d.record
	line := d.line()
	spare := 1 // the tag
	if r.stream >= 0 {
		spare++
	}
	if metadata {
		spare++
	}
	b := d.open(r.kept + spare)
	b.put(TagKey, slotOf([]byte(TagKey))).SetStr(d.state.tag)
	var err error
	for i := range r.pairs {
		p := &r.pairs[i]
		d.Pos = p.at
		switch {
		case i == line:
			err = d.body(lr.Body())
		case i == r.stream:
			err = d.value(b.put(ioStreamKey, slotOf([]byte(ioStreamKey))))
		case p.role == attribute:
			err = d.value(b.put(p.key, p.slot))
		}
		if err != nil {
			break
		}
	}
	d.close(b, lr.Attributes())
	d.state.result.Pieces = d.state.result.Pieces || r.piece
	return err
}

// body reads the line. Docker and CRI leave the end of the line on it.
func (d *Decoder) body(v pcommon.Value) error {
	if kind := d.Kind(); kind != msgpack.Str && kind != msgpack.Bin {
		return d.value(v)
	}
	b, err := d.Bytes()
	if err != nil {
		return err
	}
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
		if n > 1 && b[n-2] == '\r' {
			b = b[:n-2]
		}
	}
	v.SetStr(d.text.value(b))
	return nil
}
