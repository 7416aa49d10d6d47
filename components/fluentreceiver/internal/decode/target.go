package decode

import (
	"bytes"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/origin"
)

// maxOrigins is how many origins of a message are remembered: a node-wide chunk interleaves those of its pods. One more, and all are
// forgotten; what comes of them later has a resource of its own.
const maxOrigins = 64

// target is where records go: to those of the same origin and the same group.
type target struct {
	out     plog.Logs
	origins map[string]plog.LogRecordSlice
	last    []byte // the origin of the record before, as it came
	records plog.LogRecordSlice

	group  uint32 // 0: none
	groups uint32
	common plog.ResourceLogs // the group's resource and scope
}

func (t *target) begin(out plog.Logs) {
	t.out, t.last = out, t.last[:0]
	t.group, t.groups = 0, 0
}

func (t *target) release() {
	t.out, t.records, t.common = plog.Logs{}, plog.LogRecordSlice{}, plog.ResourceLogs{}
	t.group = 0
	clear(t.origins)
	if cap(t.last) > maxKeptWindow {
		t.last = nil
	}
}

func (t *target) endGroup() { t.group = 0 }

// records returns where the surveyed record belongs.
func (d *Decoder) records() (plog.LogRecordSlice, error) {
	t := &d.target
	key := d.record.origin
	if len(t.last) > 0 && bytes.Equal(t.last, key) {
		return t.records, nil
	}
	records, found := t.origins[string(key)]
	if !found {
		var err error
		if records, err = d.resource(); err != nil {
			return records, err
		}
		if t.origins == nil {
			t.origins = make(map[string]plog.LogRecordSlice)
		}
		if len(t.origins) == maxOrigins {
			clear(t.origins)
		}
		t.origins[string(key)] = records
	}
	t.last, t.records = append(t.last[:0], key...), records
	return records, nil
}

// resource begins a resource for the origin of the surveyed record.
func (d *Decoder) resource() (plog.LogRecordSlice, error) {
	t := &d.target
	rl := t.out.ResourceLogs().AppendEmpty()
	sl := rl.ScopeLogs().AppendEmpty()
	if t.group != 0 {
		t.common.Resource().CopyTo(rl.Resource())
		rl.SetSchemaUrl(t.common.SchemaUrl())
		scope := t.common.ScopeLogs().At(0)
		scope.Scope().CopyTo(sl.Scope())
		sl.SetSchemaUrl(scope.SchemaUrl())
	}
	if d.record.named == 0 {
		return sl.LogRecords(), nil
	}
	b := d.open(d.record.named)
	fields := pcommon.NewMap()
	for _, p := range d.record.pairs {
		if p.role != ofOrigin {
			continue
		}
		d.Pos = p.at
		if err := d.value(b.put(p.key, p.slot)); err != nil {
			d.close(b, fields)
			return sl.LogRecords(), err
		}
	}
	d.close(b, fields)
	origin.Describe(fields, rl.Resource().Attributes())
	return sl.LogRecords(), nil
}

// beginGroup reads the record of a group marker: the resource and the scope of the records up to the end of the group.
func (d *Decoder) beginGroup() error {
	t := &d.target
	t.groups++
	t.group = t.groups
	t.common = plog.NewResourceLogs()
	start := d.Pos
	d.scan.Reset()
	length, done, err := d.scan.Feed(d.Buf[start:])
	if !done || err != nil {
		return errUnexpected
	}
	if err := d.charge(length, d.scan.Values); err != nil {
		return err
	}
	d.state.result.Records--
	record := pcommon.NewMap()
	if err := d.mapping(record); err != nil {
		return err
	}
	describeGroup(record, t.common)
	return nil
}

func describeGroup(record pcommon.Map, rl plog.ResourceLogs) {
	sl := rl.ScopeLogs().AppendEmpty()
	rest := pcommon.NewMap()
	for key, v := range record.All() {
		switch {
		case key == "resource" && v.Type() == pcommon.ValueTypeMap:
			for k, v := range v.Map().All() {
				switch {
				case k == "attributes" && v.Type() == pcommon.ValueTypeMap:
					v.Map().MoveTo(rl.Resource().Attributes())
				case k == "schema_url" && v.Type() == pcommon.ValueTypeStr:
					rl.SetSchemaUrl(v.Str())
				case k == "dropped_attributes_count" && v.Type() == pcommon.ValueTypeInt:
					rl.Resource().SetDroppedAttributesCount(uint32(v.Int()))
				default:
					v.MoveTo(rest.PutEmpty("resource." + k))
				}
			}
		case key == "scope" && v.Type() == pcommon.ValueTypeMap:
			describeScope(v.Map(), sl, rest)
		default:
			v.MoveTo(rest.PutEmpty(key))
		}
	}
	if rest.Len() > 0 {
		rest.MoveTo(rl.Resource().Attributes().PutEmptyMap("fluent.group"))
	}
}

func describeScope(m pcommon.Map, sl plog.ScopeLogs, rest pcommon.Map) {
	for k, v := range m.All() {
		switch {
		case k == "name" && v.Type() == pcommon.ValueTypeStr:
			sl.Scope().SetName(v.Str())
		case k == "version" && v.Type() == pcommon.ValueTypeStr:
			sl.Scope().SetVersion(v.Str())
		case k == "schema_url" && v.Type() == pcommon.ValueTypeStr:
			sl.SetSchemaUrl(v.Str())
		case k == "attributes" && v.Type() == pcommon.ValueTypeMap:
			v.Map().MoveTo(sl.Scope().Attributes())
		case k == "dropped_attributes_count" && v.Type() == pcommon.ValueTypeInt:
			sl.Scope().SetDroppedAttributesCount(uint32(v.Int()))
		default:
			v.MoveTo(rest.PutEmpty("scope." + k))
		}
	}
}
