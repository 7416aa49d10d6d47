package durablestorage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/xextension/storage"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/bolt"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/log"
	"github.com/otelcol-obs/otelcol-obs/components/durablestorage/internal/queue"
)

const (
	// logSuffix ends the name of a queue's directory.
	logSuffix = ".log"
	// importedMark and a time end the name of a bbolt file whose requests are in the log.
	importedMark = ".imported-"
	// importedKey holds the highest number that came from it.
	importedKey = "imported"
	// importBaseKey holds what is added to a file's numbers while it is brought over.
	importBaseKey = "import base"
	// maxImported is the largest number that a request keeps: behind it there must be
	// as many left as the queue will ever need.
	maxImported = 1 << 55
	// importBytes bounds what is in memory while requests are brought over.
	importBytes = 4 * mib
)

// openLog opens a queue's log and brings over what an earlier version left in a file.
func (d *durableStorage) openLog(ctx context.Context, kind component.Kind, id component.ID, name, file string, tel *queueTelemetry) (*logQueue, error) {
	path := filepath.Join(d.cfg.Directory, file)
	if info, err := os.Stat(path + logSuffix); err == nil && !info.IsDir() {
		tel.add(tel.missingSegments, 1)
		if err := d.setAside(path+logSuffix, fmt.Errorf("not a directory but %s", info.Mode().Type()), 0, 0, tel); err != nil {
			return nil, err
		}
	}
	l, report, err := log.Open(path+logSuffix, log.Options{
		Queue: file, SegmentBytes: min(d.cfg.ReserveBytes, d.cfg.MaxBytes/8), Sync: d.cfg.FSync, LockTimeout: d.cfg.Timeout,
	})
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", path+logSuffix, err)
	}
	d.report(path+logSuffix, report, tel)
	if err := d.importFile(ctx, l, kind, id, name, path, tel); err != nil {
		return nil, errors.Join(fmt.Errorf("bring over queue file %s: %w", path, err), l.Close())
	}
	q := newLogQueue(l, path+logSuffix, name, d.cfg, d.logger.With(zap.String("queue", file)), tel)
	d.add(q)
	q.onClose = func() { d.remove(q) }
	return q, nil
}

// report says what was wrong with a log.
func (d *durableStorage) report(path string, r log.Report, tel *queueTelemetry) {
	for _, fault := range r.Faults {
		d.logger.Error("the queue was damaged; it goes on with what is intact", zap.String("queue", path), zap.Error(fault))
	}
	tel.add(tel.setAside, int64(len(r.Aside)))
	tel.add(tel.corrupt, r.Corrupt)
	tel.add(tel.salvaged, r.Salvaged)
	tel.add(tel.missingSegments, r.Missing)
}

// importFile appends the requests of a bbolt file to the log, under their numbers,
// and renames the file. A kill before that starts over: what is in the log already
// is not brought twice.
func (d *durableStorage) importFile(ctx context.Context, l *log.Log, kind component.Kind, id component.ID, name, path string, tel *queueTelemetry) error {
	if err := d.removeImported(l, path); err != nil {
		return err
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(path + rescueMark); err != nil {
			_ = l.SetKey(importBaseKey, nil) // else at the next start
			return nil
		}
	case err != nil:
		return err
	case info.Mode().IsRegular() && info.Size() == 0:
		// bbolt's own files are never empty: this one lost what it held.
		tel.add(tel.missingSegments, 1)
		return d.setAside(path, errors.New("the file is empty, and what it held is not known"), 0, 0, tel)
	}
	if err := d.repair(path, bolt.Content{Queue: true, Signal: name}, tel); err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil // set aside whole
	}
	n, err := d.appendFile(ctx, l, kind, id, name)
	if err != nil {
		return err
	}
	imported := path + importedMark + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(path, imported); err != nil {
		return err
	}
	_ = l.SetKey(importBaseKey, nil) // else at the next start
	_ = os.Remove(filepath.Join(d.cfg.Directory, ".reserve-"+filepath.Base(path)))
	d.logger.Info("a queue file was brought over to the log", zap.String("file", imported), zap.Int("requests", n))
	return nil
}

// appendFile copies every request of a file that bbolt can open.
func (d *durableStorage) appendFile(ctx context.Context, l *log.Log, kind component.Kind, id component.ID, name string) (n int, err error) {
	file, err := d.inner.GetClient(ctx, kind, id, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(ctx)) }()
	walker, ok := file.(storage.Walker)
	if !ok {
		return 0, fmt.Errorf("file_storage client %T can't be walked", file)
	}
	base, err := importBase(l)
	if err != nil {
		return 0, err
	}
	have := map[uint64]struct{}{}
	for _, i := range l.Indexes() {
		have[i] = struct{}{}
	}
	var items []log.Item
	var renumber []string // keys of requests that can't have their number
	var size int
	var highest uint64
	flush := func() error {
		err := l.Append(items...)
		n += len(items)
		items, size = items[:0], 0
		return err
	}
	err = walker.Walk(ctx, func(key string, value []byte) ([]*storage.Operation, error) {
		index, isRequest := queue.RequestIndex(key)
		if !isRequest {
			return nil, nil // the metadata is made of the requests
		}
		if index > maxImported || base+index > maxImported {
			renumber = append(renumber, key)
			return nil, nil
		}
		index += base
		highest = max(highest, index)
		if _, ok := have[index]; ok {
			if was, err := l.Read(index); err != nil || !bytes.Equal(was, value) {
				renumber = append(renumber, key)
			}
			return nil, nil
		}
		items = append(items, log.Item{Index: index, Value: bytes.Clone(value)})
		if size += len(value); size < importBytes {
			return nil, nil
		}
		return nil, flush()
	})
	if err == nil && len(items) > 0 {
		err = flush()
	}
	for _, key := range renumber {
		if err != nil {
			break
		}
		var value []byte
		if value, err = file.Get(ctx, key); err == nil {
			highest = max(highest, l.Next())
			items = append(items, log.Item{Index: l.Next(), Value: value})
			err = flush()
		}
	}
	if err == nil {
		err = l.SetKey(importedKey, binary.LittleEndian.AppendUint64(nil, highest))
	}
	if err == nil {
		err = l.Sync()
	}
	return n, err
}

// importBase returns what is added to a file's numbers, the same until the file is
// brought over. Beside requests that wait in the log, the file is of an earlier version
// that ran in between and began its numbers anew.
func importBase(l *log.Log) (base uint64, err error) {
	if value := l.Key(importBaseKey); len(value) == 8 {
		return binary.LittleEndian.Uint64(value), nil
	}
	if l.Len() > 0 {
		base = l.Next()
	}
	return base, l.SetKey(importBaseKey, binary.LittleEndian.AppendUint64(nil, base))
}

// removeImported removes files whose requests are in the log, when these are done.
func (d *durableStorage) removeImported(l *log.Log, path string) error {
	value := l.Key(importedKey)
	if len(value) != 8 {
		return nil
	}
	if waiting := l.Indexes(); len(waiting) > 0 && waiting[0] <= binary.LittleEndian.Uint64(value) {
		return nil
	}
	files, _ := filepath.Glob(globEscape(path) + importedMark + "*")
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			return err
		}
	}
	_ = l.SetKey(importedKey, nil) // else at the next start: a full disk stops none
	return nil
}

// refuseLog is the error of a queue that is to be a file again while its log holds
// requests.
func (d *durableStorage) refuseLog(path, file string) error {
	if _, err := os.Stat(path + logSuffix); err != nil {
		return nil
	}
	l, _, err := log.Open(path+logSuffix, log.Options{Queue: file, LockTimeout: d.cfg.Timeout})
	if err != nil {
		return fmt.Errorf("open queue %s: %w", path+logSuffix, err)
	}
	n := l.Len()
	if err := l.Close(); err != nil || n == 0 {
		return err
	}
	return fmt.Errorf("format must be log until the queue is empty: %d requests wait in %s", n, path+logSuffix)
}
