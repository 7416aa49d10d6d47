package decode

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/internal/goldentest"
)

func TestCapturesGolden(t *testing.T) {
	for file, format := range map[string]Format{"js-v0.4": V04, "go-v0.4": V04, "go-v1.0": V10, "js-v0.5": V05} {
		for _, mode := range []Mode{Semantic, Lossless, Both} {
			t.Run(file+"/"+string(mode), func(t *testing.T) {
				body, err := os.ReadFile("testdata/" + file + ".bin")
				require.NoError(t, err)
				d := New(Options{Mode: mode, MaxSpans: 1000, Now: func() time.Time { return time.Unix(1795165421, 0) }})
				td, stats, err := d.Decode(format, body, Headers{Lang: "nodejs", TracerVersion: "5.132.0"})
				require.NoError(t, err)
				require.Equal(t, Stats{Chunks: 1, Spans: 2}, stats)
				goldentest.EqualTraces(t, "testdata/"+file+"."+string(mode)+".yaml", td)
			})
		}
	}
}
