package retrypolicy

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/internal/syncdir"
)

// sweepEvery is how often files are looked at for their age.
const sweepEvery = time.Minute

var errQuarantineFull = errors.New("quarantine is full")

// quarantine is a directory with one file per request. A file's name says when
// the request came, why, which signal it has, and its content type:
//
//	20261120T110632.123456789Z-5f3c9a7e-refused.traces.pb
//
// .pb is application/x-protobuf and .json application/json; another type is
// written out, escaped. The body is not compressed.
type quarantine struct {
	cfg    QuarantineConfig
	logger *zap.Logger
	tel    *telemetry

	mu           sync.Mutex
	bytes, files int64
	now          func() time.Time
	stopSweep    chan struct{}
	done         sync.WaitGroup
}

func newQuarantine(cfg QuarantineConfig, logger *zap.Logger) *quarantine {
	return &quarantine{cfg: cfg, logger: logger, now: time.Now}
}

// start makes the directory, removes what is too old and what a kill left half
// written, and counts the rest.
func (q *quarantine) start() error {
	if err := syncdir.Make(q.cfg.Directory, 0o750); err != nil {
		return fmt.Errorf("create quarantine directory: %w", err)
	}
	if err := q.sweep(true); err != nil {
		return fmt.Errorf("look through quarantine directory: %w", err)
	}
	q.stopSweep = make(chan struct{})
	q.done.Go(func() {
		ticker := time.NewTicker(sweepEvery)
		defer ticker.Stop()
		for {
			select {
			case <-q.stopSweep:
				return
			case <-ticker.C:
				if err := q.sweep(false); err != nil {
					q.logger.Error("quarantine directory can't be read", zap.Error(err))
				}
			}
		}
	})
	return nil
}

func (q *quarantine) stop() {
	if q.stopSweep != nil {
		close(q.stopSweep)
		q.done.Wait()
		q.stopSweep = nil
	}
}

const unfinished = ".tmp"

// sweep removes files past their age and counts what is left, so that files
// removed after a replay make room.
func (q *quarantine) sweep(atStart bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries, err := os.ReadDir(q.cfg.Directory)
	if err != nil {
		return err
	}
	var bytes, files, expired int64
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			return err
		}
		path := filepath.Join(q.cfg.Directory, e.Name())
		if strings.HasSuffix(e.Name(), unfinished) {
			// Its request is still in the queue: store had not returned.
			if atStart {
				_ = os.Remove(path)
			}
			continue
		}
		if q.cfg.MaxAge > 0 && q.now().Sub(info.ModTime()) > q.cfg.MaxAge && os.Remove(path) == nil {
			expired++
			continue
		}
		bytes += info.Size()
		files++
	}
	q.bytes, q.files = bytes, files
	if expired > 0 {
		q.logger.Warn("removed requests from quarantine that were past their age", zap.Int64("requests", expired), zap.Duration("max_age", q.cfg.MaxAge))
		q.tel.expired(expired)
	}
	return nil
}

// store writes one request and returns when it is on disk.
func (q *quarantine) store(r request, reason string) error {
	size := int64(len(r.body))
	q.mu.Lock()
	if q.bytes+size > q.cfg.MaxBytes {
		defer q.mu.Unlock()
		return fmt.Errorf("%w with %d of %d bytes", errQuarantineFull, q.bytes, q.cfg.MaxBytes)
	}
	q.bytes += size // taken before the write, which many may do at once
	q.files++
	q.mu.Unlock()

	path, err := q.write(r, reason)
	if err != nil {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.bytes -= size
		q.files--
		return err
	}
	q.logger.Warn("request put in quarantine", zap.String("file", path), zap.String("reason", reason), zap.Int64("bytes", size))
	return nil
}

func (q *quarantine) write(r request, reason string) (string, error) {
	var id [4]byte
	for i := range id {
		id[i] = byte(rand.Uint32())
	}
	name := fmt.Sprintf("%s-%s-%s.%s.%s", q.now().UTC().Format("20060102T150405.000000000Z"),
		hex.EncodeToString(id[:]), reason, r.signal, typeSuffix(r.contentType))
	path := filepath.Join(q.cfg.Directory, name)
	err := writeSynced(path+unfinished, r.body)
	if err == nil {
		err = os.Rename(path+unfinished, path)
	}
	if err == nil {
		err = syncdir.Sync(q.cfg.Directory)
	}
	if err != nil {
		_ = os.Remove(path + unfinished)
		_ = os.Remove(path)
	}
	return path, err
}

func (q *quarantine) size() (bytes, files int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes, q.files
}

func typeSuffix(contentType string) string {
	base, _, _ := strings.Cut(contentType, ";")
	switch base = strings.TrimSpace(base); base {
	case protobuf:
		return "pb"
	case jsonType:
		return "json"
	case "":
		return "bin"
	}
	escaped := url.PathEscape(base)
	return escaped[:min(len(escaped), 100)]
}

func writeSynced(path string, body []byte) (err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if _, err := f.Write(body); err != nil {
		return err
	}
	return f.Sync()
}
