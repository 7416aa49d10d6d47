package crash

import (
	"context"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount mounts the disk on a directory and returns what unmounts it.
func (d *PowerDisk) Mount(dir string) (func() error, error) {
	server, err := fs.Mount(dir, &diskDir{disk: d}, &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: "powerdisk"}})
	if err != nil {
		return nil, err
	}
	return server.Unmount, nil
}

type diskDir struct {
	fs.Inode
	disk *PowerDisk
	id   uint64
}

var (
	_ fs.NodeCreater = (*diskDir)(nil)
	_ fs.NodeMkdirer = (*diskDir)(nil)
	_ fs.NodeRenamer = (*diskDir)(nil)
	_ fs.NodeFsyncer = (*diskDir)(nil)
)

func (d *diskDir) change(c change) syscall.Errno {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	c.inode = d.id
	d.disk.log = append(d.disk.log, c)
	return 0
}

// link gives a name to a new file or directory.
func (d *diskDir) link(name string, dir bool) (inode uint64) {
	d.disk.mu.Lock()
	defer d.disk.mu.Unlock()
	d.disk.inodes++
	d.disk.log = append(d.disk.log, change{kind: linked, inode: d.id, name: name, child: d.disk.inodes, dir: dir})
	return d.disk.inodes
}

// Create implements fs.NodeCreater.
func (d *diskDir) Create(ctx context.Context, name string, _, _ uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	file := &diskFile{disk: d.disk, id: d.link(name, false), last: time.Now()}
	out.Mode = fuse.S_IFREG | 0o600
	return d.NewPersistentInode(ctx, file, fs.StableAttr{Mode: fuse.S_IFREG}), nil, 0, 0
}

// Mkdir implements fs.NodeMkdirer.
func (d *diskDir) Mkdir(ctx context.Context, name string, _ uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	dir := &diskDir{disk: d.disk, id: d.link(name, true)}
	out.Mode = fuse.S_IFDIR | 0o750
	return d.NewPersistentInode(ctx, dir, fs.StableAttr{Mode: fuse.S_IFDIR}), 0
}

// Unlink implements fs.NodeUnlinker.
func (d *diskDir) Unlink(_ context.Context, name string) syscall.Errno {
	return d.change(change{kind: unlinked, name: name})
}

// Rename implements fs.NodeRenamer, within one directory.
func (d *diskDir) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if to.EmbeddedInode() != d.EmbeddedInode() || flags != 0 {
		return syscall.EXDEV
	}
	return d.change(change{kind: moved, name: name, to: newName})
}

// Fsync implements fs.NodeFsyncer.
func (d *diskDir) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	return d.change(change{kind: synced})
}

// Getattr implements fs.NodeGetattrer.
func (d *diskDir) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode = fuse.S_IFDIR | 0o750
	return 0
}

type diskFile struct {
	fs.Inode
	disk *PowerDisk
	id   uint64
	data []byte // as a reader sees it
	last time.Time
}

var (
	_ fs.NodeOpener    = (*diskFile)(nil)
	_ fs.NodeReader    = (*diskFile)(nil)
	_ fs.NodeWriter    = (*diskFile)(nil)
	_ fs.NodeFsyncer   = (*diskFile)(nil)
	_ fs.NodeGetattrer = (*diskFile)(nil)
	_ fs.NodeSetattrer = (*diskFile)(nil)
)

// Open implements fs.NodeOpener.
func (f *diskFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

// Read implements fs.NodeReader.
func (f *diskFile) Read(_ context.Context, _ fs.FileHandle, dest []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	n := 0
	if at < int64(len(f.data)) {
		n = copy(dest, f.data[at:])
	}
	return fuse.ReadResultData(dest[:n]), 0
}

// Write implements fs.NodeWriter.
func (f *diskFile) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	data = slices.Clone(data)
	f.data = resize(f.data, max(int64(len(f.data)), at+int64(len(data))))
	copy(f.data[at:], data)
	f.last = time.Now()
	f.disk.log = append(f.disk.log, change{kind: written, inode: f.id, at: at, data: data})
	return uint32(len(data)), 0
}

// Fsync implements fs.NodeFsyncer.
func (f *diskFile) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.log = append(f.disk.log, change{kind: synced, inode: f.id})
	return 0
}

// Getattr implements fs.NodeGetattrer.
func (f *diskFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	out.Mode, out.Size = fuse.S_IFREG|0o600, uint64(len(f.data))
	out.Blocks = (out.Size + 511) / 512
	out.SetTimes(nil, &f.last, nil)
	return 0
}

// Setattr implements fs.NodeSetattrer; of all attributes only the size is kept.
func (f *diskFile) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		f.disk.mu.Lock()
		if cut := int64(len(f.data)) - int64(size); cut > 0 { // what comes back when it grows again is zero
			f.disk.log = append(f.disk.log, change{kind: written, inode: f.id, at: int64(size), data: make([]byte, cut)})
			clear(f.data[size:])
		}
		f.data = resize(f.data, int64(size))
		f.disk.log = append(f.disk.log, change{kind: resized, inode: f.id, at: int64(size)})
		f.disk.mu.Unlock()
	}
	return f.Getattr(ctx, h, out)
}
