package ddstats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/sketches-go/ddsketch"
	"github.com/DataDog/sketches-go/ddsketch/pb/sketchpb"
	"github.com/DataDog/sketches-go/ddsketch/store"
	"google.golang.org/protobuf/proto"
)

// A journal item is one group with its totals so far: replaying it twice changes nothing. It is the start and the time of closing
// of its bucket, the four counts, and the payload of the group, which holds the key.
const itemHeader = 6 * 8

func encodeItem(b *Bucket, k Key, g *group) ([]byte, error) {
	message, err := g.message(k)
	if err != nil {
		return nil, err
	}
	client := Sender{}.client(k, b.Start, 0)
	client.Stats[0].Stats = []*pb.ClientGroupedStats{message}
	out := make([]byte, itemHeader, itemHeader+client.Msgsize())
	for i, v := range [...]uint64{uint64(b.Start), uint64(b.closes), math.Float64bits(g.hits), math.Float64bits(g.errors), math.Float64bits(g.topLevel), math.Float64bits(g.duration)} {
		binary.LittleEndian.PutUint64(out[8*i:], v)
	}
	return client.MarshalMsg(out)
}

var errItem = errors.New("no group of statistics")

func decodeItem(raw []byte) (start, closes int64, k Key, g *group, err error) {
	if len(raw) < itemHeader {
		return 0, 0, k, nil, errItem
	}
	word := func(i int) uint64 { return binary.LittleEndian.Uint64(raw[8*i:]) }
	var client pb.ClientStatsPayload
	if _, err := client.UnmarshalMsg(raw[itemHeader:]); err != nil {
		return 0, 0, k, nil, fmt.Errorf("decode group of statistics: %w", err)
	}
	if len(client.Stats) != 1 || client.Stats[0] == nil || len(client.Stats[0].Stats) != 1 || client.Stats[0].Stats[0] == nil {
		return 0, 0, k, nil, errItem
	}
	m := client.Stats[0].Stats[0]
	g = &group{hits: math.Float64frombits(word(2)), errors: math.Float64frombits(word(3)), topLevel: math.Float64frombits(word(4)), duration: math.Float64frombits(word(5))}
	if g.ok, err = sketchOf(m.OkSummary); err != nil {
		return 0, 0, k, nil, err
	}
	if g.failed, err = sketchOf(m.ErrorSummary); err != nil {
		return 0, 0, k, nil, err
	}
	return int64(word(0)), int64(word(1)), keyOf(&client, m), g, nil
}

func sketchOf(raw []byte) (*ddsketch.DDSketch, error) {
	var message sketchpb.DDSketch
	if err := proto.Unmarshal(raw, &message); err != nil {
		return nil, fmt.Errorf("decode distribution: %w", err)
	}
	s, err := ddsketch.FromProtoWithStoreProvider(&message, func() store.Store { return store.NewCollapsingLowestDenseStore(maxBins) })
	if err != nil {
		return nil, fmt.Errorf("decode distribution: %w", err)
	}
	return s, nil
}
