package crash

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tinylib/msgp/msgp"
)

// Docker cuts long lines and waits for the acknowledgement of each piece, so fluent acknowledges pieces of lines that are not whole.
func TestPiecesOfLinesAreKept(t *testing.T) {
	r := newRig(t, rigOptions{})
	r.Run()
	fleet := StartFleet(t.Context(), &Client{
		Source: r.ledger.Source("Docker's pieces"), Batch: 50, Every: 20 * time.Millisecond, sender: &dockerPieces{newFluent(r.Fluent, 0)},
	})
	joined := 0.0
	for i := range 6 {
		r.backend.Be([]Mood{OK, "503"}[i%2])
		before := r.ledger.Total().Acked
		r.eventually("it takes lines", 20*time.Second, func() bool { return r.ledger.Total().Acked > before+1000 })
		joined += r.metric("otelcol_receiver_fluent_partial_lines")
		r.Kill()
		r.Run()
	}
	r.backend.Be(OK)
	fleet.Stop(20 * time.Second)
	r.drained(time.Minute)
	r.verdict("Docker's pieces, 6 kills")
	require.Greater(t, joined, 1000.0, "lines were joined")
}

const piecesOfALine = 3

// dockerPieces sends lines in pieces: the first of all, then the second, then the last, each acknowledged before the next.
type dockerPieces struct{ *fluent }

func (d *dockerPieces) send(ctx context.Context, uids []uint64) (outcome, error) {
	for ordinal := 1; ordinal <= piecesOfALine; ordinal++ {
		chunk := fmt.Sprintf("%d/%d", uids[0], ordinal)
		result, err := d.exchange(ctx, d.encode(uids, ordinal, chunk), chunk)
		if result != acked {
			if ordinal > 1 {
				result = uncertain
			}
			return result, err
		}
	}
	return acked, nil
}

func (d *dockerPieces) encode(uids []uint64, ordinal int, chunk string) []byte {
	b := msgp.AppendArrayHeader(nil, 3)
	b = msgp.AppendString(b, "docker")
	b = msgp.AppendArrayHeader(b, uint32(len(uids)))
	for _, uid := range uids {
		b = msgp.AppendInt64(msgp.AppendArrayHeader(b, 2), time.Now().Unix())
		text := strconv.FormatUint(uid, 10)
		fields := []string{
			"log", fmt.Sprintf("piece %d of %d ", ordinal, uid), "uid", text, "source", "stdout", "container_id", "c1",
			"partial_message", "true", "partial_id", text, "partial_ordinal", strconv.Itoa(ordinal), "partial_last", strconv.FormatBool(ordinal == piecesOfALine),
		}
		b = msgp.AppendMapHeader(b, uint32(len(fields)/2))
		for _, f := range fields {
			b = msgp.AppendString(b, f)
		}
	}
	b = msgp.AppendMapHeader(b, 1)
	return msgp.AppendString(msgp.AppendString(b, "chunk"), chunk)
}
