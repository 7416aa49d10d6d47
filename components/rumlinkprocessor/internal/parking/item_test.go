package parking

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What lies on a disk may be anything: it is read or refused, and never panics.
func FuzzItem(f *testing.F) {
	good := (&Item{otlp: []byte("otlp"), label: label{Call: 1, Records: 1, Positions: []uint64{0}}}).marshal()
	f.Add(good)
	f.Add([]byte{itemVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p Item
		if p.unmarshal(raw) != nil {
			return
		}
		_, _ = UnpackLogs([]*Item{&p})
		_, _ = UnpackSpans([]*Item{&p})
		var q Item
		require.NoError(t, q.unmarshal(p.marshal()))
		require.Equal(t, p.label, q.label)
	})
}
