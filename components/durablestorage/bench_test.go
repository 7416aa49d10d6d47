package durablestorage

import (
	"strconv"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

// BenchmarkQueue is what one request costs: it is offered, dispatched and
// finished while sixteen others wait, as a queue that keeps up does.
func BenchmarkQueue(b *testing.B) {
	value := make([]byte, 20_000)
	for _, fsync := range []bool{false, true} {
		b.Run("fsync="+strconv.FormatBool(fsync), func(b *testing.B) {
			b.Run("file_storage", func(b *testing.B) {
				factory := filestorage.NewFactory()
				cfg := factory.CreateDefaultConfig().(*filestorage.Config)
				cfg.Directory, cfg.Compaction.Directory, cfg.FSync = b.TempDir(), b.TempDir(), fsync
				ext, err := factory.Create(b.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
				require.NoError(b, err)
				require.NoError(b, ext.Start(b.Context(), componenttest.NewNopHost()))
				benchmarkQueue(b, ext.(storage.Extension), value)
			})
			b.Run("durable_storage", func(b *testing.B) {
				benchmarkQueue(b, newKit(b, b.TempDir(), func(c *Config) { c.FSync = fsync }), value)
			})
		})
	}
}

func benchmarkQueue(b *testing.B, ext storage.Extension, value []byte) {
	const waiting = 16
	c, err := ext.GetClient(b.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(b, err)
	batch := func(ops ...*storage.Operation) {
		if err := c.Batch(b.Context(), ops...); err != nil {
			b.Fatal(err)
		}
	}
	meta := metaBytes(1, 1)
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for i := 0; b.Loop(); i++ {
		batch(storage.SetOperation(queue.MetadataKey, meta), storage.SetOperation(queue.RequestKey(uint64(i)), value))
		if i < waiting {
			continue
		}
		key := queue.RequestKey(uint64(i - waiting))
		batch(storage.SetOperation(queue.MetadataKey, meta), storage.GetOperation(key))
		batch(storage.SetOperation(queue.MetadataKey, meta), storage.DeleteOperation(key))
	}
	b.StopTimer()
	require.NoError(b, c.Close(b.Context()))
}
