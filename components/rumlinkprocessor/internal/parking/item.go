package parking

import (
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
	number   uint64 // in the journal
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

const itemVersion = 1

// marshal writes a version byte, the length of the label, the label and the
// OTLP bytes.
func (it *Item) marshal() []byte {
	l, _ := json.Marshal(it.label) // plain data: it cannot fail
	out := make([]byte, 0, 1+binary.MaxVarintLen64+len(l)+len(it.otlp))
	out = binary.AppendUvarint(append(out, itemVersion), uint64(len(l)))
	return append(append(out, l...), it.otlp...)
}

// unmarshal reads what marshal wrote.
func (it *Item) unmarshal(raw []byte) error {
	if len(raw) == 0 || raw[0] != itemVersion {
		return errors.New("decode waiting item: unknown version")
	}
	n, used := binary.Uvarint(raw[1:])
	if used <= 0 || n > uint64(len(raw)-1-used) {
		return errors.New("decode waiting item: it is cut off")
	}
	body := raw[1+used:]
	if err := json.Unmarshal(body[:n], &it.label); err != nil {
		return fmt.Errorf("decode waiting item: %w", err)
	}
	it.otlp = append([]byte(nil), body[n:]...)
	if it.Metadata != nil {
		it.info.Metadata = client.NewMetadata(it.Metadata)
	}
	return nil
}
