package decode

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Decoder decodes one payload after the other and reuses its working memory. It is not safe for concurrent use.
type Decoder struct {
	mode     Mode
	maxSpans int
	now      func() time.Time

	r       msgpack.Reader
	syms    symbols
	trail   trail
	dict    []sym  // v0.5: the dictionary; v1.0: the strings so far
	listed  []bool // v1.0: which syms are in dict
	twice   bool   // v1.0: dict has a sym twice
	sorted  sortedAttrs
	attrs   []attr
	linked  []attr // of the link or event being read
	values  []pcommon.Value
	stamp   uint32 // number of the span being filled
	span    span
	scratch ptrace.Span // links and events of the span being filled

	payload    payload
	chunk      chunk
	groups     []group
	groupIndex map[groupKey]int
	lastGroups [2]int
	numberKeys map[sym]sym
	builder    xpdata.MapBuilder
	repeats    repeats
	name       []byte
	made       madeNames
	json       []byte // a JSON text as MessagePack
	tags       jsonReader
	linksTape  jsonTape
	eventsTape jsonTape
	listItems  []attr // of the lists in it
	jsonBudget int
	streaming  bool // strings met while skipping get a number
	orphans    bool // spans of a chunk without trace id are in the result and must go

	td    ptrace.Traces
	stats Stats
}

// New makes a decoder.
func New(o Options) *Decoder {
	d := &Decoder{mode: o.Mode, maxSpans: o.MaxSpans, now: o.Now, syms: newSymbols()}
	if d.mode == "" {
		d.mode = Both
	}
	if d.now == nil {
		d.now = time.Now
	}
	d.groupIndex = make(map[groupKey]int)
	d.numberKeys = make(map[sym]sym)
	d.scratch = ptrace.NewSpan()
	return d
}

// Decode reads one payload. The result keeps no reference to body. Stats are valid with an error too.
// ErrTooManySpans and ErrTooManyResources say the payload is too large, any other error that it can't be read at all.
func (d *Decoder) Decode(format Format, body []byte, h Headers) (ptrace.Traces, Stats, error) {
	d.reset(body)
	d.payload = payload{Headers: h}
	if uint64(len(body)) > math.MaxUint32 {
		return ptrace.NewTraces(), d.stats, fmt.Errorf("payload has %d bytes, more than 4 GiB", len(body))
	}
	err := d.decode(format)
	if err == nil {
		d.endPayload()
		d.removeOrphans()
	}
	td := d.td
	d.td = ptrace.Traces{}
	d.r.Buf = nil
	return td, d.stats, err
}

func (d *Decoder) decode(format Format) error {
	if (format == V04 || format == V01) && IsJSON(d.r.Buf) {
		if err := d.fromJSON(); err != nil {
			return err
		}
	}
	switch format {
	case V01:
		return d.chunkV04()
	case V04:
		return d.tracesV04()
	case V05:
		return d.tracesV05()
	case V07:
		return d.payloadV07()
	case V10:
		return d.payloadV10()
	case AgentPayload:
		return d.agentPayload()
	}
	return fmt.Errorf("unknown format %d", format)
}

func (d *Decoder) reset(body []byte) {
	d.r = msgpack.Reader{Buf: body}
	d.syms.reset()
	d.dict = d.dict[:0]
	d.stats = Stats{}
	d.stamp = 0
	d.trail.reset()
	d.groups = d.groups[:0]
	d.lastGroups = [2]int{-1, -1}
	clear(d.groupIndex)
	clear(d.numberKeys)
	d.chunk.chunkFields = chunkFields{}
	d.orphans, d.streaming, d.twice = false, false, false
	clear(d.values)
	d.values = d.values[:0]
	d.linked = d.linked[:0]
	clear(d.listed)
	d.repeats.used = uint8(numKnown) - 1
	d.td = ptrace.NewTraces()
	// In v0.5 and v1.0 one JSON text can be referred to by any number of spans; what is read of them must stay in proportion.
	d.jsonBudget = 64<<10 + 2*len(body)
	if cap(d.attrs) > maxKeptAttrs {
		d.attrs = nil
	}
	if cap(d.chunk.spans) > maxKeptAttrs {
		d.chunk.spans = nil
	}
	if cap(d.dict) > maxKeptAttrs {
		d.dict = nil
	}
	if cap(d.json)+cap(d.tags.out) > maxKeptAttrs {
		d.json, d.tags.out = nil, nil
	}
	d.tags.in = ""
	d.made = madeNames{}
	d.linksTape.reset()
	d.eventsTape.reset()
	if cap(d.linked)+cap(d.listItems) > maxKeptAttrs {
		d.linked, d.listItems = nil, nil
	}
}

const maxKeptAttrs = 64 << 10

// beginSpan empties the scratch.
func (d *Decoder) beginSpan() {
	d.stamp++
	d.span = span{}
	d.attrs = d.attrs[:0]
	d.repeats.begin()
	if d.scratch.Links().Len() > 0 || d.scratch.Events().Len() > 0 {
		// A dropped span left them.
		d.scratch = ptrace.NewSpan()
	}
}

// skipBad skips a value of the wrong type and marks the span being filled.
func (d *Decoder) skipBad(err error) error {
	if err != msgpack.ErrType {
		return err
	}
	d.span.bad = true
	return d.skip()
}

// skip skips a value. In v1.0 the strings inside it get their numbers, or all that follow would be others.
func (d *Decoder) skip() error {
	if d.streaming {
		return d.r.Walk(d.harvest)
	}
	return d.r.Skip()
}

func (d *Decoder) drop(reason DropReason) { d.stats.Dropped[reason]++ }
