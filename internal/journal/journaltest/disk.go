// Package journaltest is a storage extension for the tests of those who keep a
// journal: it can refuse writes, and be left as a kill leaves a disk.
package journaltest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
)

// ID is the component id under which a Host offers a disk.
var ID = component.MustNewID("disk")

// Host is a collector with these extensions.
type Host map[component.ID]component.Component

// GetExtensions implements component.Host.
func (h Host) GetExtensions() map[component.ID]component.Component { return h }

// Disk is a storage extension whose content outlives those who write to it.
type Disk struct {
	component.StartFunc
	component.ShutdownFunc
	mu    sync.Mutex
	files map[string]map[string][]byte
	err   error
	open  int
}

// NewDisk returns an empty disk.
func NewDisk() *Disk { return &Disk{files: make(map[string]map[string][]byte)} }

// Host returns a collector that has the disk under ID.
func (d *Disk) Host() Host { return Host{ID: d} }

// GetClient implements storage.Extension: one file for each owner and name.
func (d *Disk) GetClient(_ context.Context, kind component.Kind, id component.ID, name string) (storage.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	file := fmt.Sprint(kind, id, name)
	if d.files[file] == nil {
		d.files[file] = make(map[string][]byte)
	}
	d.open++
	return &client{disk: d, file: d.files[file]}, nil
}

// Crash returns the disk as a kill -9 leaves it: a copy that later writes of the
// old process do not reach.
func (d *Disk) Crash() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := NewDisk()
	for name, file := range d.files {
		after.files[name] = maps.Clone(file)
	}
	return after
}

// Refuse lets every later write fail with err, or succeed if it is nil.
func (d *Disk) Refuse(err error) {
	d.mu.Lock()
	d.err = err
	d.mu.Unlock()
}

// Items returns how many items of journals are on the disk.
func (d *Disk) Items() (n int) {
	d.Edit(func(raw []byte) []byte { n++; return raw })
	return n
}

// Edit replaces every item on the disk.
func (d *Disk) Edit(change func(raw []byte) []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, file := range d.files {
		for key, raw := range file {
			if strings.HasPrefix(key, "item/") {
				file[key] = change(raw)
			}
		}
	}
}

// Open returns how many clients have not been closed.
func (d *Disk) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

type client struct {
	disk *Disk
	file map[string][]byte
}

func (c *client) Batch(_ context.Context, ops ...*storage.Operation) error {
	c.disk.mu.Lock()
	defer c.disk.mu.Unlock()
	for _, op := range ops {
		if op.Type != storage.Get && c.disk.err != nil {
			return c.disk.err
		}
	}
	for _, op := range ops {
		switch op.Type {
		case storage.Get:
			op.Value = c.file[op.Key]
		case storage.Set:
			c.file[op.Key] = op.Value
		case storage.Delete:
			delete(c.file, op.Key)
		}
	}
	return nil
}

func (c *client) Get(ctx context.Context, key string) ([]byte, error) {
	op := storage.GetOperation(key)
	err := c.Batch(ctx, op)
	return op.Value, err
}

func (c *client) Set(ctx context.Context, key string, value []byte) error {
	return c.Batch(ctx, storage.SetOperation(key, value))
}

func (c *client) Delete(ctx context.Context, key string) error {
	return c.Batch(ctx, storage.DeleteOperation(key))
}

func (c *client) Close(context.Context) error {
	c.disk.mu.Lock()
	defer c.disk.mu.Unlock()
	c.disk.open--
	return nil
}
