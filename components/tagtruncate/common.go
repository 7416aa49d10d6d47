package tagtruncate

import "go.opentelemetry.io/collector/pdata/pcommon"

// What spans, logs and metrics have in common.

func (t *truncator) limitResource(r pcommon.Resource, done *tally) {
	if n := t.resource.limit(r.Attributes(), done, nil); n > 0 {
		r.SetDroppedAttributesCount(r.DroppedAttributesCount() + n)
	}
}

func (t *truncator) limitScope(s pcommon.InstrumentationScope, done *tally) {
	if n := t.scope.limit(s.Attributes(), done, nil); n > 0 {
		s.SetDroppedAttributesCount(s.DroppedAttributesCount() + n)
	}
}

// text cuts a name or a message that is no attribute.
func (t *truncator) text(s string, limit int, where scope, why reason, done *tally) (string, bool) {
	if len(s) <= limit && !t.cutter.checkAll {
		return s, false
	}
	out, short, repaired := t.cutter.cut(s, limit)
	if short {
		done.add(where, why, len(s)-len(out))
		if done.noted {
			t.notes.write(where, why, reasonNames[why])
		}
	}
	if repaired {
		done.add(where, invalidUTF8, 0)
		if done.noted {
			t.notes.write(where, invalidUTF8, reasonNames[why])
		}
	}
	return out, short || repaired
}
