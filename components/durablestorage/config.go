package durablestorage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/extension/storage/filestorage"
	"go.opentelemetry.io/collector/component"
)

const (
	mib = 1 << 20

	formatLog  = "log"
	formatBolt = "bbolt"

	// bbolt grows a file in steps of 16 MiB, and a queue needs room to move.
	minMaxBytes = 32 * mib
)

// Config is what the user writes under extensions::durable_storage.
type Config struct {
	// Directory holds one file per queue, and beside it the queue's reserve.
	Directory string `mapstructure:"directory"`
	// CreateDirectory makes the directory at start if it is missing.
	CreateDirectory bool `mapstructure:"create_directory"`
	// DirectoryPermissions is the octal mode of a directory made at start.
	DirectoryPermissions string `mapstructure:"directory_permissions"`
	// Timeout is how long to wait for a queue file that another process has locked.
	Timeout time.Duration `mapstructure:"timeout"`
	// Format is how queues are kept: log, or bbolt as before. Other components' data is
	// always in bbolt files.
	Format string `mapstructure:"format"`
	// FSync makes each commit wait for the disk, so that a queue survives power loss too.
	FSync bool `mapstructure:"fsync"`
	// CommitInterval is how long read marks, and with FSync deletes, may wait to
	// share a commit with a write. Zero commits each on its own.
	CommitInterval time.Duration `mapstructure:"commit_interval"`
	// MaxBytes is the largest size of one queue's file.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// ReserveBytes is the disk space each queue holds back, so that it can be
	// read and emptied when the disk is full.
	ReserveBytes int64 `mapstructure:"reserve_bytes"`
	// Compaction gives disk space back after a backlog is gone.
	Compaction CompactionConfig `mapstructure:"compaction"`

	// prevent unkeyed literals
	_ struct{}
}

// CompactionConfig says when a queue's file is rewritten without its free pages.
type CompactionConfig struct {
	// OnStart compacts each file when it is opened.
	OnStart bool `mapstructure:"on_start"`
	// OnRebound compacts a file that is large but nearly empty again.
	OnRebound bool `mapstructure:"on_rebound"`
	// CheckInterval is the time between two looks for a rebound.
	CheckInterval time.Duration `mapstructure:"check_interval"`
	// ReboundNeededThresholdMiB is the file size from which a rebound is looked for.
	ReboundNeededThresholdMiB int64 `mapstructure:"rebound_needed_threshold_mib"`
	// ReboundTriggerThresholdMiB is the live size under which the file is compacted.
	ReboundTriggerThresholdMiB int64 `mapstructure:"rebound_trigger_threshold_mib"`

	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Directory:            "/var/lib/otelcol-obs/queue",
		CreateDirectory:      true,
		DirectoryPermissions: "0750",
		Timeout:              10 * time.Second,
		Format:               formatLog,
		CommitInterval:       time.Millisecond,
		MaxBytes:             1024 * mib,
		ReserveBytes:         4 * mib,
		Compaction: CompactionConfig{
			OnRebound:                  true,
			CheckInterval:              30 * time.Second,
			ReboundNeededThresholdMiB:  128,
			ReboundTriggerThresholdMiB: 16,
		},
	}
}

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Directory == "" {
		bad("directory must be set")
	} else if info, err := os.Stat(c.Directory); err == nil && !info.IsDir() {
		bad("directory must be a directory, got the file %s", c.Directory)
	} else if err != nil && !c.CreateDirectory {
		bad("directory must exist when create_directory is false: %w", err)
	}
	if mode, err := strconv.ParseUint(c.DirectoryPermissions, 8, 32); err != nil || mode > 0o777 {
		bad("directory_permissions must be an octal mode such as \"0750\", got %q", c.DirectoryPermissions)
	}
	if c.Format != formatLog && c.Format != formatBolt {
		bad("format must be log or bbolt, got %q", c.Format)
	}
	if c.Timeout <= 0 {
		bad("timeout must be positive, got %s", c.Timeout)
	}
	if c.CommitInterval < 0 || c.CommitInterval > time.Second {
		bad("commit_interval must be between 0s and 1s, got %s", c.CommitInterval)
	}
	if c.MaxBytes < minMaxBytes {
		bad("max_bytes must be at least %d, got %d", minMaxBytes, c.MaxBytes)
	}
	if c.ReserveBytes < mib || c.ReserveBytes > c.MaxBytes/4 {
		bad("reserve_bytes must be between %d and a quarter of max_bytes, got %d", mib, c.ReserveBytes)
	}
	if c.Compaction.OnRebound {
		if c.Compaction.CheckInterval <= 0 {
			bad("compaction::check_interval must be positive, got %s", c.Compaction.CheckInterval)
		}
		if t := c.Compaction.ReboundTriggerThresholdMiB; t <= 0 {
			bad("compaction::rebound_trigger_threshold_mib must be positive, got %d", t)
		}
		if n := c.Compaction.ReboundNeededThresholdMiB; n <= c.Compaction.ReboundTriggerThresholdMiB {
			bad("compaction::rebound_needed_threshold_mib must be above rebound_trigger_threshold_mib, got %d", n)
		}
	}
	return errors.Join(errs...)
}

// fileStorage returns the settings of the wrapped extension. Compaction stays
// in the queue's directory: across file systems upstream truncates and copies,
// and a kill in between would lose the queue.
func (c *Config) fileStorage() (*filestorage.Config, error) {
	fs := filestorage.NewFactory().CreateDefaultConfig().(*filestorage.Config)
	fs.Directory = c.Directory
	fs.CreateDirectory = c.CreateDirectory
	fs.DirectoryPermissions = c.DirectoryPermissions
	fs.Timeout = c.Timeout
	fs.FSync = c.FSync
	fs.MaxSize = c.MaxBytes
	fs.Compaction.Directory = c.Directory
	fs.Compaction.OnStart = c.Compaction.OnStart
	fs.Compaction.OnRebound = c.Compaction.OnRebound
	fs.Compaction.CheckInterval = c.Compaction.CheckInterval
	fs.Compaction.ReboundNeededThresholdMiB = min(c.Compaction.ReboundNeededThresholdMiB, c.MaxBytes/mib)
	fs.Compaction.ReboundTriggerThresholdMiB = min(c.Compaction.ReboundTriggerThresholdMiB, c.MaxBytes/mib)
	fs.Compaction.CleanupOnStart = true
	return fs, fs.Validate()
}

// directoryMode is DirectoryPermissions, which Validate has read.
func (c *Config) directoryMode() fs.FileMode {
	mode, _ := strconv.ParseUint(c.DirectoryPermissions, 8, 32)
	return fs.FileMode(mode)
}

// logLimit is the size of a queue's segments above which puts are refused. The rest
// is for what is deleted, and for a segment that is not full.
func (c *Config) logLimit() int64 { return c.MaxBytes / 8 * 7 }

// softLimit is the size of what is alive in a file above which puts are
// refused. The distance to MaxBytes is what deletes need to rewrite pages:
// one growth step of bbolt, and an eighth for holes between live pages.
func (c *Config) softLimit() int64 { return (c.MaxBytes - 16*mib) / 8 * 7 }
