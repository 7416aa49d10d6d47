package parking

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/client"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/index"
)

// Item is data that waits: the logs of one resource that lack the same span, or
// a batch of spans. It is kept as OTLP bytes, so that what it costs is known
// exactly, it can be written to a storage as it is, and a consumer that refuses
// it after having changed it has changed only a copy.
type Item struct {
	// Wants is what it waits for besides its deadline; any will do.
	Wants []index.EntryKey
	// Ready says that what it waited for came before it did.
	Ready bool
	// Since is when its wait began, by the queue's clock.
	Since int64
	// Reason is why it left.
	Reason Reason
	label
	info     client.Info
	otlp     []byte
	bundle   *bundle // in the journal, nil without
	due      int64
	refusals int // how often it was refused when it left alone
}

// label is what a storage keeps beside the OTLP bytes.
type label struct {
	// Seq is the order of arrival, and Call the Seq of the first item of the
	// same batch.
	Seq  uint64 `json:"seq"`
	Call uint64 `json:"call"`
	// Resource is the number of the resource in that batch, and Positions are
	// the numbers of scope (upper half) and record (lower half) of each record.
	Resource  int      `json:"resource"`
	Positions []uint64 `json:"positions,omitempty"`
	Records   int      `json:"records"`
	// Metadata is what the client sent along, for those who route by it.
	Metadata map[string][]string `json:"metadata,omitempty"`
}

// itemBytes is what an item costs besides its OTLP bytes, about: itself and its
// places in the lists of the queue.
const itemBytes = 512

// Size returns what the item costs of a queue's MaxBytes.
func (it *Item) Size() int64 { return itemBytes + int64(len(it.otlp)) }

// Count returns the number of records in items.
func Count(items []*Item) (n int64) {
	for _, it := range items {
		n += int64(it.Records)
	}
	return n
}

// mixes reports whether the item may leave together with others that mix: those
// of clients about whom nothing is known that anybody could route by.
func (it *Item) mixes() bool { return len(it.Metadata) == 0 && it.info.Auth == nil }

// ClientContext returns the context under which items that leave together leave.
func ClientContext(ctx context.Context, items []*Item) context.Context {
	if items[0].mixes() {
		return ctx
	}
	return client.NewContext(ctx, items[0].info)
}

func metadataOf(ctx context.Context) (client.Info, map[string][]string) {
	info := client.FromContext(ctx)
	var md map[string][]string
	for k := range info.Metadata.Keys() {
		if md == nil {
			md = make(map[string][]string)
		}
		md[k] = info.Metadata.Get(k)
	}
	return info, md
}

// appendTo writes the lengths of the label and of the OTLP bytes, and both.
func (it *Item) appendTo(out []byte) []byte {
	l, _ := json.Marshal(it.label) // plain data: it cannot fail
	out = append(binary.AppendUvarint(out, uint64(len(l))), l...)
	return append(binary.AppendUvarint(out, uint64(len(it.otlp))), it.otlp...)
}

// readFrom reads what appendTo wrote and returns what follows it.
func (it *Item) readFrom(raw []byte) (rest []byte, err error) {
	text, rest, err := cutField(raw)
	if err != nil {
		return nil, err
	}
	otlp, rest, err := cutField(rest)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &it.label); err != nil {
		return nil, fmt.Errorf("decode waiting item: %w", err)
	}
	it.otlp = bytes.Clone(otlp)
	if it.Metadata != nil {
		it.info.Metadata = client.NewMetadata(it.Metadata)
	}
	return rest, nil
}

func cutField(raw []byte) (field, rest []byte, err error) {
	n, used := binary.Uvarint(raw)
	if used <= 0 || n > uint64(len(raw)-used) {
		return nil, nil, errors.New("decode waiting item: it is cut off")
	}
	raw = raw[used:]
	return raw[:n], raw[n:], nil
}
