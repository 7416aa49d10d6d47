package event

// The members the receiver needs to know of an event.
const (
	atType = iota
	atDate
	atApp     // application.id
	atSession // session.id
	atView    // view.id
	atSource
	atAction // action.id
	atBody   // the member called like the type
	atID     // the event's own
	atDuration
	atInternal // _dd
	atTrace    // _dd.trace_id
	atSpan     // _dd.span_id
	atParent   // _dd.parent_span_id
	placeCount
)

// places are the nodes of those members, looked up once for all events of one
// shape. Any may be None.
type places struct {
	kind string // the event's type, "" when it has none
	at   [placeCount]int
}

func placesOf(doc Doc) (p places) {
	p.at = [placeCount]int{
		atType: doc.At("type"), atDate: doc.At("date"), atApp: doc.At("application", "id"), atSession: doc.At("session", "id"),
		atView: doc.At("view", "id"), atSource: doc.At("source"), atAction: doc.At("action", "id"), atInternal: doc.At("_dd"),
		atTrace: doc.At("_dd", "trace_id"), atSpan: doc.At("_dd", "span_id"), atParent: doc.At("_dd", "parent_span_id"),
		atDuration: None,
	}
	if dd := p.at[atInternal]; dd >= 0 && doc.values[dd].kind != Object {
		p.at[atInternal] = None
	}
	p.kind = doc.Text(p.at[atType])
	body := doc.At(p.kind)
	p.at[atBody], p.at[atID] = body, doc.Child(body, "id")
	switch p.kind {
	case TypeResource:
		p.at[atDuration] = doc.Child(body, "duration")
	case TypeAction:
		p.at[atDuration] = doc.Child(body, "loading_time")
	}
	return p
}
