package retrypolicy

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"google.golang.org/grpc/codes"
)

// Config is what the user writes under extensions::retry_policy.
type Config struct {
	// Quarantine is where requests go that a backend will never take.
	Quarantine QuarantineConfig `mapstructure:"quarantine"`
	// HTTP lists the status codes that are not retried.
	HTTP HTTPConfig `mapstructure:"http"`
	// GRPC lists the status codes that are not retried.
	GRPC GRPCConfig `mapstructure:"grpc"`
	// ShutdownGrace is how long attempts go on when the collector has to stop.
	// Those that hang are then cut short, and their requests stay in the queue.
	ShutdownGrace time.Duration `mapstructure:"shutdown_grace"`

	// prevent unkeyed literals
	_ struct{}
}

// QuarantineConfig bounds the quarantine directory.
type QuarantineConfig struct {
	// Directory holds one file per request. It is made at start if it is missing.
	Directory string `mapstructure:"directory"`
	// MaxBytes is the size of all files together. When it is reached, requests
	// that would go to quarantine are retried instead.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// MaxAge is the age at which a file is removed. Zero keeps files for ever.
	MaxAge time.Duration `mapstructure:"max_age"`

	_ struct{}
}

// HTTPConfig sorts HTTP answers. What is on no list and not 2xx is retried.
type HTTPConfig struct {
	// Quarantine lists status codes that mean: never send this request again.
	Quarantine []int `mapstructure:"quarantine"`
	// Split lists status codes that mean: this request is too large.
	Split []int `mapstructure:"split"`

	_ struct{}
}

// GRPCConfig sorts gRPC answers. What is on no list and not OK is retried.
// Too large a message has no code of its own: it is RESOURCE_EXHAUSTED with a
// known text, and is always split.
type GRPCConfig struct {
	// Quarantine lists status codes, as invalid_argument, that mean: never send
	// this request again.
	Quarantine []string `mapstructure:"quarantine"`

	_ struct{}
}

func createDefaultConfig() component.Config {
	return &Config{
		Quarantine: QuarantineConfig{
			Directory: "/var/lib/otelcol-obs/quarantine",
			MaxBytes:  1 << 30,
			MaxAge:    30 * 24 * time.Hour,
		},
		HTTP: HTTPConfig{Quarantine: []int{400, 422}, Split: []int{413}},
		GRPC: GRPCConfig{Quarantine: []string{"invalid_argument"}},

		ShutdownGrace: 5 * time.Second,
	}
}

// minQuarantineBytes is room for a few of the largest requests.
const minQuarantineBytes = 1 << 20

// Validate implements component validation.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Quarantine.Directory == "" {
		bad("quarantine::directory must be set")
	} else if info, err := os.Stat(c.Quarantine.Directory); err == nil && !info.IsDir() {
		bad("quarantine::directory must be a directory, got the file %s", c.Quarantine.Directory)
	}
	if c.Quarantine.MaxBytes < minQuarantineBytes {
		bad("quarantine::max_bytes must be at least %d, got %d", minQuarantineBytes, c.Quarantine.MaxBytes)
	}
	if c.Quarantine.MaxAge < 0 {
		bad("quarantine::max_age must be positive, or 0s to keep files for ever, got %s", c.Quarantine.MaxAge)
	}
	if c.ShutdownGrace < 0 {
		bad("shutdown_grace must not be negative, got %s", c.ShutdownGrace)
	}
	for key, list := range map[string][]int{"quarantine": c.HTTP.Quarantine, "split": c.HTTP.Split} {
		for _, code := range list {
			if code < 400 || code > 599 {
				bad("http::%s must list status codes from 400 to 599, got %d", key, code)
			}
		}
	}
	for _, code := range c.HTTP.Split {
		if slices.Contains(c.HTTP.Quarantine, code) {
			bad("http::split and http::quarantine must not share a status code, got %d in both", code)
		}
	}
	for _, name := range c.GRPC.Quarantine {
		if _, err := parseCode(name); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func parseCode(name string) (codes.Code, error) {
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + strings.ToUpper(name) + `"`)); err != nil || code == codes.OK {
		return 0, fmt.Errorf("grpc::quarantine must list gRPC status codes such as invalid_argument, got %q", name)
	}
	return code, nil
}
