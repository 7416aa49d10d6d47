package rumlinkprocessor

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"go.opentelemetry.io/collector/client"

	"github.com/otelcol-obs/otelcol-obs/components/rumlinkprocessor/internal/store"
)

// parcel is data that waits: the logs of one resource that lack the same span,
// or a batch of spans. It is kept as OTLP bytes, so that what it costs is known
// exactly, it can be written to a storage as it is, and a consumer that refuses
// it after having changed it has changed only a copy.
type parcel struct {
	id    uint64 // order of arrival, and name in the storage
	info  client.Info
	wants []store.Key // what it waits for besides its deadline; any will do
	ready bool        // what it waited for came before it did
	otlp  []byte
	label
	since, due int64 // by the join's clock
	reason     releaseReason
	refusals   int // how often it was refused when it left alone
}

// label is what a storage keeps beside the OTLP bytes.
type label struct {
	// Call is the id of the first parcel of the same batch.
	Call uint64 `json:"call"`
	// Resource is the number of the resource in that batch, and Positions are
	// the numbers of scope (upper half) and record (lower half) of each record.
	Resource  int      `json:"resource"`
	Positions []uint64 `json:"positions,omitempty"`
	Records   int      `json:"records"`
	// Metadata is what the client sent along, for those who route by it.
	Metadata map[string][]string `json:"metadata,omitempty"`
}

// parcelBytes is what a parcel costs besides its OTLP bytes, about: itself and
// its places in the lists of the room.
const parcelBytes = 512

func (p *parcel) size() int64 { return parcelBytes + int64(len(p.otlp)) }

// mixes says whether the parcel may leave together with others that mix: those
// of clients about whom nothing is known that anybody could route by.
func (p *parcel) mixes() bool { return len(p.Metadata) == 0 && p.info.Auth == nil }

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

const parcelVersion = 1

// MarshalBinary writes a version byte, the length of the label, the label and
// the OTLP bytes.
func (p *parcel) MarshalBinary() ([]byte, error) {
	l, err := json.Marshal(p.label)
	if err != nil {
		return nil, fmt.Errorf("encode parcel: %w", err)
	}
	out := make([]byte, 0, 1+binary.MaxVarintLen64+len(l)+len(p.otlp))
	out = binary.AppendUvarint(append(out, parcelVersion), uint64(len(l)))
	return append(append(out, l...), p.otlp...), nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (p *parcel) UnmarshalBinary(raw []byte) error {
	if len(raw) == 0 || raw[0] != parcelVersion {
		return errors.New("decode parcel: unknown version")
	}
	n, used := binary.Uvarint(raw[1:])
	if used <= 0 || n > uint64(len(raw)-1-used) {
		return errors.New("decode parcel: it is cut off")
	}
	body := raw[1+used:]
	if err := json.Unmarshal(body[:n], &p.label); err != nil {
		return fmt.Errorf("decode parcel: %w", err)
	}
	p.otlp = append([]byte(nil), body[n:]...)
	if p.Metadata != nil {
		p.info.Metadata = client.NewMetadata(p.Metadata)
	}
	return nil
}
