package fluentreceiver

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confignet"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/config/configtls"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/origin"
)

const (
	defaultEndpoint       = "localhost:24224"
	defaultMaxConnections = 10_000
	defaultReadTimeout    = 30 * time.Second
	defaultMessageTimeout = 5 * time.Minute
	// Fluent Bit waits for an acknowledgement as long as it takes and Fluentd for 190 s; closed instead, Fluent Bit gives a chunk up
	// after one more try.
	defaultMaxWait     = 150 * time.Second
	defaultUnackedWait = 30 * time.Second

	unixScheme = "unix://"
)

// Config is what the user writes under receivers::fluent.
type Config struct {
	// AddrConfig is the listener: host and port, or with transport unix the path of a socket.
	confignet.AddrConfig `mapstructure:",squash"`

	// TLS makes the listener speak TLS. With client_ca_file it wants clients' certificates.
	TLS configoptional.Optional[configtls.ServerConfig] `mapstructure:"tls"`

	// Security makes clients prove that they know a key.
	Security configoptional.Optional[SecurityConfig] `mapstructure:"security"`

	// Heartbeat answers datagrams on the same port, for Fluentd's heartbeat_type udp.
	Heartbeat bool `mapstructure:"heartbeat"`

	// MaxConnections bounds the connections that are open.
	MaxConnections int `mapstructure:"max_connections"`

	// MaxMessageBytes bounds a message as it comes. 0: as much as the memory limit allows.
	MaxMessageBytes int64 `mapstructure:"max_message_bytes"`

	// MaxDecompressedBytes bounds the entries of a compressed message. 0: as much as the memory limit allows.
	MaxDecompressedBytes int64 `mapstructure:"max_decompressed_bytes"`

	// MaxRecordsPerMessage bounds the records of a message. 0: as many as the memory limit allows.
	MaxRecordsPerMessage int `mapstructure:"max_records_per_message"`

	// ReadTimeout bounds the silence inside a message.
	ReadTimeout time.Duration `mapstructure:"read_timeout"`

	// MessageTimeout bounds the time from the first byte of a message to its last.
	MessageTimeout time.Duration `mapstructure:"message_timeout"`

	// IdleTimeout bounds the time between messages. 0: no bound, because Fluent Bit loses data when its idle connection is closed.
	IdleTimeout time.Duration `mapstructure:"idle_timeout"`

	// MaxWait bounds how long a message whose sender waits for an acknowledgement is tried again before the connection is closed.
	MaxWait time.Duration `mapstructure:"max_wait"`

	// UnackedWait bounds how long a message whose sender waits for nothing is tried again before it is dropped.
	UnackedWait time.Duration `mapstructure:"unacked_wait"`

	// ResourceFrom says whose keys of a record become resource attributes: kubernetes, docker, ecs, unified_tags.
	ResourceFrom []string `mapstructure:"resource_from"`

	// Partials says what happens to lines that come in pieces: join, which needs storage, or pass.
	Partials string `mapstructure:"partials"`

	// Multiline names the languages whose stack traces are joined to one record: java, python, go, node, dotnet. It needs storage.
	Multiline []string `mapstructure:"multiline"`

	// Storage is the storage extension that keeps pieces of lines that have been acknowledged.
	Storage *component.ID `mapstructure:"storage"`

	// prevent unkeyed literal initialization
	_ struct{}
}

const (
	partialsJoin = "join"
	partialsPass = "pass"
)

func createDefaultConfig() component.Config {
	address := confignet.NewDefaultAddrConfig()
	address.Endpoint, address.Transport = defaultEndpoint, confignet.TransportTypeTCP
	return &Config{
		AddrConfig:     address,
		TLS:            configoptional.Default(configtls.NewDefaultServerConfig()),
		Security:       configoptional.Default(SecurityConfig{AllowAnonymous: true}),
		Heartbeat:      true,
		MaxConnections: defaultMaxConnections,
		ReadTimeout:    defaultReadTimeout,
		MessageTimeout: defaultMessageTimeout,
		MaxWait:        defaultMaxWait,
		UnackedWait:    defaultUnackedWait,
		ResourceFrom:   []string{"kubernetes", "docker", "ecs", "unified_tags"},
		Partials:       partialsJoin,
	}
}

// socket is the path of the Unix socket to listen on, "" for a host and a port.
func (c *Config) socket() string {
	if path, ok := strings.CutPrefix(c.Endpoint, unixScheme); ok {
		return path
	}
	if c.Transport == confignet.TransportTypeUnix || strings.HasPrefix(c.Endpoint, "/") {
		return c.Endpoint
	}
	return ""
}

// transport is what metrics call it.
func (c *Config) transport() string {
	switch {
	case c.socket() != "":
		return "unix"
	case c.TLS.HasValue():
		return "tls"
	}
	return "tcp"
}

func (c *Config) sources() (s origin.Source) {
	for _, name := range c.ResourceFrom {
		s |= origin.Names[name]
	}
	return s
}

// Validate checks every key and returns all that is wrong.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch c.Transport {
	case confignet.TransportTypeTCP, confignet.TransportTypeTCP4, confignet.TransportTypeTCP6, confignet.TransportTypeUnix:
	default:
		wrong("transport must be tcp, tcp4, tcp6 or unix, got %q", c.Transport)
	}
	if c.Endpoint == "" || c.Endpoint == unixScheme {
		wrong("endpoint must be host:port or unix:///path, got %q", c.Endpoint)
	}
	for _, at := range []struct {
		key string
		got time.Duration
	}{{"read_timeout", c.ReadTimeout}, {"message_timeout", c.MessageTimeout}, {"max_wait", c.MaxWait}, {"unacked_wait", c.UnackedWait}} {
		if at.got <= 0 {
			wrong("%s must be positive, got %s", at.key, at.got)
		}
	}
	if c.IdleTimeout < 0 {
		wrong("idle_timeout must not be negative, got %s", c.IdleTimeout)
	}
	if c.IdleTimeout > 0 && c.TLS.HasValue() {
		wrong("idle_timeout must be 0 with tls, got %s: Fluent Bit loses data when an idle TLS connection is closed", c.IdleTimeout)
	}
	if c.MaxConnections <= 0 {
		wrong("max_connections must be positive, got %d", c.MaxConnections)
	}
	for _, at := range []struct {
		key string
		got int64
	}{{"max_message_bytes", c.MaxMessageBytes}, {"max_decompressed_bytes", c.MaxDecompressedBytes}, {"max_records_per_message", int64(c.MaxRecordsPerMessage)}} {
		if at.got < 0 {
			wrong("%s must not be negative, got %d", at.key, at.got)
		}
	}
	for _, name := range c.ResourceFrom {
		if origin.Names[name] == 0 {
			wrong("resource_from must hold kubernetes, docker, ecs or unified_tags, got %q", name)
		}
	}
	if c.Partials != partialsJoin && c.Partials != partialsPass {
		wrong("partials must be join or pass, got %q", c.Partials)
	}
	for _, name := range c.Multiline {
		if !slices.Contains(languages, name) {
			wrong("multiline must hold %s, got %q", strings.Join(languages, ", "), name)
		}
	}
	if len(c.Multiline) > 0 && c.Storage == nil {
		wrong("multiline needs storage: the lines of a trace are acknowledged before the trace is whole")
	}
	if c.Security.HasValue() {
		errs = append(errs, c.Security.Get().validate()...)
	}
	return errors.Join(errs...)
}
