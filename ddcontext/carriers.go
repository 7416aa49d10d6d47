package ddcontext

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// MessageHeader is a header of a message queue's record. The header types of franz-go, kafka-go and confluent-kafka-go have this shape.
type MessageHeader struct {
	Key   string
	Value []byte
}

// HeaderList carries trace context in a record's list of headers. Make one with NewHeaderList.
type HeaderList[H ~struct {
	Key   string
	Value []byte
}] struct {
	list  *[]H
	owned bool // the list's array is ours to change: records that were cloned share theirs
}

var (
	_ propagation.TextMapCarrier = (*HeaderList[MessageHeader])(nil)
	_ propagation.ValuesGetter   = (*HeaderList[MessageHeader])(nil)
)

// NewHeaderList returns a carrier over a list that it reads and changes in place:
//
//	propagator.Inject(ctx, ddcontext.NewHeaderList(&record.Headers))
func NewHeaderList[H ~struct {
	Key   string
	Value []byte
}](list *[]H) *HeaderList[H] {
	return &HeaderList[H]{list: list}
}

// Get returns the last value of the header in any case, empty if there is none: queues append, so the last writer is the nearest.
func (l *HeaderList[H]) Get(key string) string {
	for i := len(*l.list) - 1; i >= 0; i-- {
		if h := MessageHeader((*l.list)[i]); strings.EqualFold(h.Key, key) {
			return string(h.Value)
		}
	}
	return ""
}

// Values returns the values of the header in any case. Only tracestate may be spread over several headers; of others the last one counts.
func (l *HeaderList[H]) Values(key string) []string {
	if !strings.EqualFold(key, tracestateHeader.name) {
		if value := l.Get(key); value != "" {
			return []string{value}
		}
		return nil
	}
	var values []string
	for _, entry := range *l.list {
		if h := MessageHeader(entry); strings.EqualFold(h.Key, key) {
			values = append(values, string(h.Value))
		}
	}
	return values
}

// Set replaces the header, in whatever case and however often it is there.
func (l *HeaderList[H]) Set(key, value string) {
	l.Delete(key)
	*l.list = append(*l.list, H(MessageHeader{key, []byte(value)}))
}

// Delete removes the header, in whatever case and however often it is there.
func (l *HeaderList[H]) Delete(key string) {
	if !l.owned {
		*l.list, l.owned = append(make([]H, 0, len(*l.list)+8), *l.list...), true
	}
	*l.list = slices.DeleteFunc(*l.list, func(entry H) bool { return strings.EqualFold(MessageHeader(entry).Key, key) })
}

// Keys lists the names of the headers.
func (l *HeaderList[H]) Keys() []string {
	keys := make([]string, 0, len(*l.list))
	for _, entry := range *l.list {
		keys = append(keys, MessageHeader(entry).Key)
	}
	return keys
}
