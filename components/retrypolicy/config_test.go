package retrypolicy

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestConfigSpeaksToItsUser(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for want, change := range map[string]func(*Config){
		"quarantine::directory must be set":                                                       func(c *Config) { c.Quarantine.Directory = "" },
		"quarantine::directory must be a directory, got the file":                                 func(c *Config) { c.Quarantine.Directory = file },
		"quarantine::max_bytes must be at least 1048576, got 5":                                   func(c *Config) { c.Quarantine.MaxBytes = 5 },
		"quarantine::max_age must be positive, or 0s to keep files for ever, got -1s":             func(c *Config) { c.Quarantine.MaxAge = -time.Second },
		"shutdown_grace must not be negative, got -1s":                                            func(c *Config) { c.ShutdownGrace = -time.Second },
		"http::quarantine must list status codes from 400 to 599, got 200":                        func(c *Config) { c.HTTP.Quarantine = []int{200} },
		"http::split must list status codes from 400 to 599, got 600":                             func(c *Config) { c.HTTP.Split = []int{600} },
		"http::split and http::quarantine must not share a status code, got 400 in both":          func(c *Config) { c.HTTP.Split = []int{400} },
		`grpc::quarantine must list gRPC status codes such as invalid_argument, got "teapot"`:     func(c *Config) { c.GRPC.Quarantine = []string{"teapot"} },
		`grpc::quarantine must list gRPC status codes such as invalid_argument, got "ok"`:         func(c *Config) { c.GRPC.Quarantine = []string{"ok"} },
		`grpc::quarantine must list gRPC status codes such as invalid_argument, got "a\",\"b\":"`: func(c *Config) { c.GRPC.Quarantine = []string{`a","b":`} },
	} {
		cfg := createDefaultConfig().(*Config)
		require.NoError(t, cfg.Validate())
		change(cfg)
		require.ErrorContains(t, cfg.Validate(), want)
	}
}
