package durablestorage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/xpdata/request"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

var (
	storageID  = component.MustNewID("durable_storage")
	exporterID = component.MustNewIDWithName("test", "one")
)

const queueFile = "exporter_test_one_logs"

// kit is one extension on one directory, with its metrics.
type kit struct {
	*durableStorage
	tel *componenttest.Telemetry
	cfg *Config
}

func newKit(t testing.TB, dir string, change ...func(*Config)) *kit {
	t.Helper()
	cfg := createDefaultConfig().(*Config)
	cfg.Directory = dir
	cfg.ReserveBytes = mib
	cfg.Format = formatBolt
	cfg.Timeout = 200 * time.Millisecond
	for _, f := range change {
		f(cfg)
	}
	require.NoError(t, cfg.Validate())
	tel := componenttest.NewTelemetry()
	set := extensiontest.NewNopSettings(metadata.Type)
	set.ID = storageID
	set.TelemetrySettings = tel.NewTelemetrySettings()
	ext, err := NewFactory().Create(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	k := &kit{ext.(*durableStorage), tel, cfg}
	t.Cleanup(func() {
		require.NoError(t, ext.Shutdown(context.Background()))
		require.NoError(t, tel.Shutdown(context.Background()))
	})
	return k
}

func (k *kit) open(t testing.TB) *client {
	t.Helper()
	c, err := k.GetClient(t.Context(), component.KindExporter, exporterID, "logs")
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c.(*client)
}

// metric returns the sum over all attributes of one metric.
func (k *kit) metric(t testing.TB, name string) int64 {
	t.Helper()
	m, err := k.tel.GetMetric("otelcol_extension_durable_storage_" + name)
	if err != nil {
		return 0
	}
	var sum int64
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			sum += p.Value
		}
	case metricdata.Gauge[int64]:
		for _, p := range data.DataPoints {
			sum += p.Value
		}
	}
	return sum
}

func stockStorage(t testing.TB, dir string) storage.Extension {
	t.Helper()
	factory := filestorage.NewFactory()
	cfg := factory.CreateDefaultConfig().(*filestorage.Config)
	cfg.Directory = dir
	cfg.Compaction.Directory = dir
	ext, err := factory.Create(t.Context(), extensiontest.NewNopSettings(factory.Type()), cfg)
	require.NoError(t, err)
	require.NoError(t, ext.Start(t.Context(), componenttest.NewNopHost()))
	return ext.(storage.Extension)
}

type host map[component.ID]component.Component

func (h host) GetExtensions() map[component.ID]component.Component { return h }

// backend is what a queue sends to: it holds requests until it is told to
// answer, and knows the bodies of all records that it accepted.
type backend struct {
	mu   sync.Mutex
	got  map[string]int
	held int
	open chan struct{}
}

func newBackend(open bool) *backend {
	b := &backend{got: map[string]int{}, open: make(chan struct{})}
	if open {
		close(b.open)
	}
	return b
}

func (b *backend) consume(ctx context.Context, ld plog.Logs) error {
	b.mu.Lock()
	b.held++
	b.mu.Unlock()
	select {
	case <-b.open:
	case <-ctx.Done():
		return ctx.Err()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				b.got[lr.Body().Str()]++
			}
		}
	}
	return nil
}

func (b *backend) distinct() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

func (b *backend) holds() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// newQueue starts the linked exporterhelper on a storage.
func newQueue(t testing.TB, ext extension.Extension, b *backend, consumers int) exporter.Logs {
	t.Helper()
	q := exporterhelper.NewDefaultQueueConfig()
	q.StorageID = &storageID
	q.NumConsumers = consumers
	q.QueueSize = 1_000_000
	q.Batch = configoptional.Optional[exporterhelper.BatchConfig]{}
	set := exportertest.NewNopSettings(exporterID.Type())
	set.ID = exporterID
	exp, err := exporterhelper.NewLogs(t.Context(), set, struct{}{}, b.consume,
		exporterhelper.WithQueue(configoptional.Some(q)),
		exporterhelper.WithTimeout(exporterhelper.TimeoutConfig{Timeout: 0}))
	require.NoError(t, err)
	require.NoError(t, exp.Start(t.Context(), host{storageID: ext}))
	return exp
}

func logs(body string) plog.Logs {
	ld := plog.NewLogs()
	ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty().Body().SetStr(body)
	return ld
}

func body(i int) string { return fmt.Sprintf("record %06d", i) }

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	require.Eventually(t, cond, 20*time.Second, 2*time.Millisecond, what)
}

// kill returns a directory as it is at this moment, which is what a process
// killed now would find at its next start.
func kill(t testing.TB, dir string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, e.Name()), data, 0o600))
	}
	return to
}

// metaBytes is a queue's metadata as exporterhelper would write it.
func metaBytes(read, write uint64) []byte { return queue.Metadata{Read: read, Write: write}.Encode() }

// encoded is a queued request as exporterhelper writes it.
func encoded(t testing.TB, i int) []byte {
	t.Helper()
	b, err := request.MarshalLogs(context.Background(), logs(body(i)))
	require.NoError(t, err)
	return b
}

func encodeLogs(t testing.TB, ld plog.Logs) []byte {
	t.Helper()
	b, err := request.MarshalLogs(context.Background(), ld)
	require.NoError(t, err)
	return b
}
