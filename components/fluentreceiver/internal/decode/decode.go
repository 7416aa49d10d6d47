package decode

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/inflate"
	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/origin"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Unreadable is what of a message could not be read.
type Unreadable uint8

// What may be unreadable.
const (
	Record  Unreadable = iota // a record that is no map, or an entry that is no pair
	Time                      // a time that is none; the record has the time of receipt
	Entries                   // the rest of packed entries, from where they end too early or make no sense
	Signal                    // metrics or traces in a format of Fluent Bit
	Nested                    // a batch in place of an entry
	unreadables
)

// Unreadables are the names of all kinds.
var Unreadables = [unreadables]string{"record", "time", "entries", "signal", "nested_batch"}

// Result is what became of a message.
type Result struct {
	Records    int
	Unreadable [unreadables]int
	// Pieces reports that a record may be a piece of a line.
	Pieces bool
}

// Limits bound one message.
type Limits struct {
	Records      int
	Decompressed int64
	// Charge is called with the cost in bytes of what is about to be built, in steps of at least ChargeStep.
	Charge func(bytes int) error
}

// ChargeStep is the least that is charged at a time, but for the last.
const ChargeStep = 64 << 10

// What pdata takes, at most, for a record and for a value in it.
const (
	recordCost = 320
	valueCost  = 64
	pairCost   = 64 // of a record with many pairs, while it is looked at
)

// TooLarge is the error of a message over a limit, which its user may raise.
type TooLarge struct {
	Limit string
	Max   int64
}

func (e *TooLarge) Error() string { return fmt.Sprintf("more than %s (%d)", e.Limit, e.Max) }

// Decoder is used by one goroutine at a time, and again and again.
type Decoder struct {
	values
	sources origin.Source
	record  record
	target  target
	window  []byte // of decompressed entries
	scan    msgpack.Scanner
	state   state
}

// state is of one message.
type state struct {
	limits Limits
	result Result
	due    int // charged later
	now    pcommon.Timestamp
	tag    string
}

// New returns a decoder that takes the keys of sources as the records' origin.
func New(sources origin.Source) *Decoder { return &Decoder{sources: sources} }

// Decode appends the records of a message to out. After an error out holds a part of them and must not be used.
func (d *Decoder) Decode(h *Header, now time.Time, limits Limits, out plog.Logs) (Result, error) {
	if h.Foreign {
		var r Result
		r.Unreadable[Signal]++
		return r, nil
	}
	if h.Mode == Heartbeat {
		return Result{}, nil
	}
	d.Reader = msgpack.Reader{Buf: h.raw, Pos: h.body}
	d.text.begin(len(h.raw))
	d.state = state{limits: limits, now: pcommon.NewTimestampFromTime(now), tag: d.text.value(h.Tag)}
	d.target.begin(out)
	err := d.entries(h)
	if err == nil && d.state.due > 0 {
		err = limits.Charge(d.state.due)
	}
	result := d.state.result
	d.release()
	return result, err
}

// release lets go of what belongs to the message.
func (d *Decoder) release() {
	d.Reader, d.state = msgpack.Reader{}, state{}
	d.text.begin(0)
	d.target.release()
	d.record.release()
	if cap(d.window) > maxKeptWindow {
		d.window = nil
	}
}

func (d *Decoder) entries(h *Header) error {
	switch h.Mode {
	case Message:
		return d.message(h)
	case Forward:
		return d.forward()
	}
	packed, err := d.Bytes()
	if err != nil {
		return err
	}
	if h.Compression != inflate.None {
		return d.inflated(h.Compression, packed)
	}
	return d.packed(packed)
}

func (d *Decoder) message(h *Header) error {
	e := entry{time: d.Pos, metadata: h.metadata}
	if err := d.Skip(); err != nil {
		return err
	}
	e.record = d.Pos
	if d.Kind() != msgpack.Map {
		d.state.result.Unreadable[Record]++
		return nil
	}
	return d.add(e)
}

func (d *Decoder) forward() error {
	n, err := d.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		if err := d.next(); err != nil {
			return err
		}
	}
	return nil
}

// packed reads entries that stand one behind the other, as far as they can be read.
func (d *Decoder) packed(b []byte) error {
	d.Reader = msgpack.Reader{Buf: b}
	for d.Left() > 0 {
		d.scan.Reset()
		if _, done, _ := d.scan.Feed(b[d.Pos:]); !done {
			d.state.result.Unreadable[Entries]++
			return nil
		}
		if err := d.next(); err != nil {
			return err
		}
	}
	return nil
}

// next reads one whole entry and leaves Pos behind it. Its error ends the message.
func (d *Decoder) next() error {
	start := d.Pos
	e, what := d.entry()
	if what == 0 {
		return d.add(e)
	}
	d.state.result.Unreadable[what-1]++
	d.Pos = start
	return d.Skip()
}

// entry is where the parts of an entry begin; metadata is 0 without any. More is how many values follow the record.
type entry struct{ time, metadata, record, more int }

// entry finds the parts of an entry: [time, record] or [[time, metadata], record]. What is 1 + the kind of what can't be read.
func (d *Decoder) entry() (e entry, what Unreadable) {
	n, err := d.ArrayLen()
	if err != nil || n < 2 {
		return e, 1 + Record
	}
	e.time, e.more = d.Pos, n-2
	kind := d.Kind()
	if kind == msgpack.Array {
		parts, err := d.ArrayLen()
		if err != nil || parts == 0 {
			return e, 1 + Record
		}
		e.time = d.Pos
		for i := range parts {
			if i == 1 && d.Kind() == msgpack.Map {
				e.metadata = d.Pos
			}
			if d.Skip() != nil {
				return e, 1 + Record
			}
		}
	} else if d.Skip() != nil {
		return e, 1 + Record
	}
	e.record = d.Pos
	if d.Kind() == msgpack.Map {
		return e, 0
	}
	if d.Kind() == msgpack.Array && (kind == msgpack.Str || kind == msgpack.Bin) {
		return e, 1 + Nested
	}
	return e, 1 + Record
}

// charge pays for the record that comes next, of so many bytes and values.
func (d *Decoder) charge(bytes, values int) error {
	s := &d.state
	if s.result.Records == s.limits.Records {
		return &TooLarge{Limit: "max_records_per_message", Max: int64(s.limits.Records)}
	}
	s.result.Records++
	return d.pay(recordCost + values*valueCost + bytes)
}

// pay charges in steps.
func (d *Decoder) pay(cost int) error {
	s := &d.state
	if s.due += cost; s.due < ChargeStep {
		return nil
	}
	due := s.due
	s.due = 0
	return s.limits.Charge(due)
}

var errUnexpected = errors.New("a checked value can't be read")
