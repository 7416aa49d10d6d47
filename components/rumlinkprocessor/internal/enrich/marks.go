package rumlinkprocessor

import (
	"unique"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// markLinked says that the log is linked and how. What an earlier hop said
// about how it did it stands.
func (p *logLinker) markLinked(attrs pcommon.Map, m method, by string) {
	if v, ok := attrs.Get(attrLinked); ok && v.Type() == pcommon.ValueTypeBool && v.Bool() {
		return
	}
	attrs.PutBool(attrLinked, true)
	attrs.PutStr(attrMethod, methodNames[m])
	if by != "" {
		attrs.PutStr(attrKey, by)
	}
	attrs.Remove(attrMissReason)
}

// markMissed says that the log is not linked and why, unless that was said.
func (p *logLinker) markMissed(attrs pcommon.Map, r result) {
	if r == resultNoID && !p.cfg.Logs.MarkNoID {
		return
	}
	if _, ok := attrs.Get(attrLinked); ok {
		return
	}
	attrs.PutBool(attrLinked, false)
	attrs.PutStr(attrMissReason, resultNames[r])
}

// copyContext gives the log what its span and trace know and it does not.
func (p *logLinker) copyContext(src source, attrs pcommon.Map, f *found) {
	if f.info != (unique.Handle[spanInfo]{}) {
		info := f.info.Value()
		if p.copies.service && !src.hasService && info.service != "" {
			putAbsent(attrs, attrService, info.service)
		}
		if p.copies.span && info.name != "" {
			putAbsent(attrs, attrSpan, info.name)
		}
	}
	if f.rum != (unique.Handle[rumContext]{}) {
		ctx := f.rum.Value()
		putRUM(attrs, &ctx, &p.copies.rum)
	}
}
