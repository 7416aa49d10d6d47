package decode

import (
	"go.opentelemetry.io/collector/pdata/xpdata"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// linkedAttr collects attributes of a link or event.
func (d *Decoder) linkedAttr(a attr) { d.linked = append(grow(d.linked), a) }

// addLink writes a link and the attributes collected since attrs, or counts it when it has no ids.
func (d *Decoder) addLink(out ptrace.SpanLinkSlice, l link, attrs int) {
	if l.spanID == 0 || l.high|l.low == 0 {
		d.stats.BadLinks++
		d.linked = d.linked[:attrs]
		return
	}
	dest := out.AppendEmpty()
	d.describe(dest, l)
	d.putLinked(dest.Attributes(), attrs)
}

// addEvent writes an event and the attributes collected since attrs, or counts it when it has no name.
func (d *Decoder) addEvent(out ptrace.SpanEventSlice, when uint64, name sym, attrs int) {
	if name == noSym {
		d.stats.BadEvents++
		d.linked = d.linked[:attrs]
		return
	}
	event := out.AppendEmpty()
	event.SetName(d.syms.text(name))
	event.SetTimestamp(pcommon.Timestamp(when))
	d.putLinked(event.Attributes(), attrs)
}

// putLinked writes the attributes collected since from, the last of each name.
func (d *Decoder) putLinked(to pcommon.Map, from int) {
	list := lastOfEach(d.linked[from:])
	var b xpdata.MapBuilder
	b.EnsureCapacity(len(list))
	d.appendAll(&b, list)
	b.UnsafeIntoMap(to)
	d.linked = d.linked[:from]
}

// lastOfEach removes all attributes of one key but the last, which takes the place of the first.
func lastOfEach(attrs []attr) []attr {
	if distinct(attrs) {
		return attrs
	}
	at := make(map[sym]int, len(attrs))
	kept := attrs[:0]
	for _, a := range attrs {
		if i, ok := at[a.key]; ok {
			kept[i] = a
			continue
		}
		at[a.key] = len(kept)
		kept = append(kept, a)
	}
	return kept
}

// distinct tells whether no two attributes have the same key, of so few that this is quickly done.
func distinct(attrs []attr) bool {
	if len(attrs) > 16 {
		return false
	}
	for i := range attrs {
		for j := range attrs[:i] {
			if attrs[i].key == attrs[j].key {
				return false
			}
		}
	}
	return true
}
