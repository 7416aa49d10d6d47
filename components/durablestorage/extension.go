package durablestorage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/bolt"
	"github.com/otelcol-obs/otelcol-obs/internal/pipelineorder"
	"github.com/otelcol-obs/otelcol-obs/internal/syncdir"
)

var (
	_ storage.Extension                     = (*durableStorage)(nil)
	_ extensioncapabilities.PipelineWatcher = (*durableStorage)(nil)
)

// openFile is an open queue, or another component's file.
type openFile interface {
	name() string
	fileSizes() (file, live, limit int64)
	telemetry() *queueTelemetry
}

type durableStorage struct {
	pipelineorder.Watcher // for components that warn of an order that does not work

	cfg    *Config
	inner  storage.Extension
	logger *zap.Logger
	tel    *telemetry

	unclaimed atomic.Int64 // queue files without an exporter

	mu      sync.Mutex
	clients map[openFile]struct{}
}

func newExtension(ctx context.Context, set extension.Settings, cfg *Config) (*durableStorage, error) {
	fs, err := cfg.fileStorage()
	if err != nil {
		return nil, err
	}
	if cfg.FSync && cfg.CreateDirectory {
		if err := syncdir.Make(cfg.Directory, cfg.directoryMode()); err != nil {
			return nil, fmt.Errorf("make queue directory: %w", err)
		}
	}
	factory := filestorage.NewFactory()
	innerSet := set
	innerSet.ID = component.NewIDWithName(factory.Type(), set.ID.Name())
	inner, err := factory.Create(ctx, innerSet, fs)
	if err != nil {
		return nil, fmt.Errorf("create file_storage in %s: %w", cfg.Directory, err)
	}
	d := &durableStorage{cfg: cfg, inner: inner.(storage.Extension), logger: set.Logger, clients: map[openFile]struct{}{}}
	if d.tel, err = newTelemetry(set, d.queueSizes, d.unclaimed.Load); err != nil {
		return nil, err
	}
	return d, nil
}

// Start implements component.Component.
func (d *durableStorage) Start(ctx context.Context, host component.Host) error {
	return d.inner.Start(ctx, host)
}

// Ready is called when all exporters have opened their queues. A queue that
// none has opened belongs to an exporter that was renamed or removed: what is
// in it was acknowledged and nobody sends it.
func (d *durableStorage) Ready() error {
	entries, err := os.ReadDir(d.cfg.Directory)
	if err != nil {
		return fmt.Errorf("look for queues without an exporter: %w", err)
	}
	open := map[string]bool{}
	d.mu.Lock()
	for c := range d.clients {
		open[filepath.Base(c.name())] = true
	}
	d.mu.Unlock()
	var unclaimed int64
	for _, e := range entries {
		name := e.Name()
		if open[name] || !isQueueName(name, e.IsDir()) {
			continue
		}
		unclaimed++
		d.logger.Warn("a queue has no exporter: give one its name back to send what is in it", zap.String("file", filepath.Join(d.cfg.Directory, name)))
	}
	d.unclaimed.Store(unclaimed)
	return nil
}

// isQueueName reports whether a name in the directory is that of a queue.
func isQueueName(name string, isDir bool) bool {
	if !strings.HasPrefix(name, "exporter_") {
		return false
	}
	if isDir {
		return strings.HasSuffix(name, logSuffix)
	}
	return !strings.Contains(name, asideMark) && !strings.Contains(name, importedMark) && !strings.HasSuffix(name, rescueMark)
}

// NotReady implements extensioncapabilities.PipelineWatcher.
func (d *durableStorage) NotReady() error { return nil }

// Shutdown implements component.Component. Queues close their own clients.
func (d *durableStorage) Shutdown(ctx context.Context) error {
	d.tel.shutdown()
	return d.inner.Shutdown(ctx)
}

// GetClient opens the queue's file and returns when everything in it can be
// read. A file that is damaged has been replaced by then; a file that another
// process holds is an error after the configured timeout.
func (d *durableStorage) GetClient(ctx context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	queue := fileName(kind, id, name)
	path := filepath.Join(d.cfg.Directory, queue)
	q := d.tel.forQueue(queue)
	// Only exporters have queues. Others keep what they like under any key.
	isQueue := kind == component.KindExporter
	if isQueue && d.cfg.Format == formatLog {
		return d.openLog(ctx, kind, id, name, queue, q)
	}
	if err := d.refuseLog(path, queue); err != nil {
		return nil, err
	}
	if err := d.repair(path, bolt.Content{Queue: isQueue, Signal: name}, q); err != nil {
		return nil, err
	}

	reserve := newReserve(filepath.Join(d.cfg.Directory, ".reserve-"+queue), d.cfg.ReserveBytes)
	inner, err := d.inner.GetClient(ctx, kind, id, name)
	if isFull(err) {
		reserve.release()
		inner, err = d.inner.GetClient(ctx, kind, id, name)
	}
	if err != nil {
		return nil, fmt.Errorf("open queue file %s: %w", path, err)
	}
	reserve.fill()

	c := newClient(inner, path, reserve, d.cfg, d.logger.With(zap.String("queue", queue)), q)
	if isQueue {
		c.signal = name
	} else {
		c.sizes = map[string]int64{}
	}
	err = c.recover(ctx)
	if err == nil {
		err = c.syncName()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("recover queue file %s: %w", path, err), inner.Close(ctx))
	}
	d.add(c)
	c.onClose = func() { d.remove(c) }
	c.start()
	return c, nil
}

func (d *durableStorage) add(f openFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clients[f] = struct{}{}
}

func (d *durableStorage) remove(f openFile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.clients, f)
}

// queueSizes returns the file size and the live size of each open queue.
func (d *durableStorage) queueSizes() (all []sizes) {
	d.mu.Lock()
	clients := slices.Collect(maps.Keys(d.clients))
	d.mu.Unlock()
	for _, c := range clients {
		file, live, limit := c.fileSizes()
		all = append(all, sizes{c.telemetry(), file, live, limit})
	}
	return all
}

// fileName returns the name file_storage gives to a component's file.
func fileName(kind component.Kind, id component.ID, name string) string {
	parts := []string{strings.ToLower(kind.String()), id.Type().String(), id.Name()}
	if name != "" {
		parts = append(parts, name)
	}
	var b strings.Builder
	for _, r := range strings.Join(parts, "_") {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(".-_", r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "~%04X", r)
		}
	}
	if b.Len() > 255 {
		sum := sha256.Sum256([]byte(b.String()))
		return hex.EncodeToString(sum[:])
	}
	return b.String()
}
