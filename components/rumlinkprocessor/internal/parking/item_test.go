package parking

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What lies on a disk may be anything: it is read or refused, and never panics.
func FuzzBundle(f *testing.F) {
	one := &Item{otlp: []byte("otlp"), label: label{Call: 1, Records: 1, Positions: []uint64{0}}}
	good := (&bundle{items: []*Item{one, one}}).marshal()
	f.Add(good)
	f.Add([]byte{bundleVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var p bundle
		if p.unmarshal(raw) != nil {
			return
		}
		if len(p.items) == 0 {
			require.Nil(t, p.marshal())
			return
		}
		_, _ = UnpackLogs(p.items)
		_, _ = UnpackSpans(p.items)
		var q bundle
		require.NoError(t, q.unmarshal(p.marshal()))
		for i, it := range p.items {
			require.Equal(t, it.label, q.items[i].label)
			require.Equal(t, it.otlp, q.items[i].otlp)
		}
	})
}
