package datadogexporter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/hostmeta"
	"github.com/otelcol-obs/otelcol-obs/components/datadogexporter/internal/intake"
	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

const (
	// shutdownGrace is how long attempts go on once the exporter has to stop. A retry_policy extension has its own.
	shutdownGrace = 5 * time.Second

	minReporterPeriod = 5 * time.Minute
	minBucket         = time.Second
)

var errHalted = errors.New("not sent: the collector is shutting down")

// core is what the pipelines of one exporter share: the key, the clients, the policy for answers.
type core struct {
	cfg  *Config
	set  exporter.Settings
	tel  *telemetry
	key  *intake.Key
	urls endpoints
	zstd *intake.Compressor
	gzip *intake.Compressor

	policy answers.Policy
	hosts  *hostmeta.Reporter // nil when it is off

	halt     context.Context
	haltNow  context.CancelCauseFunc
	haltSoon sync.Once
	clients  []*http.Client
}

func newCore(set exporter.Settings, cfg *Config) (*core, error) {
	c := &core{cfg: cfg, set: set, urls: cfg.endpoints()}
	c.halt, c.haltNow = context.WithCancelCause(context.Background())
	var err error
	if c.zstd, err = intake.NewCompressor(string(cfg.Compression)); err != nil {
		return nil, err
	}
	if c.gzip, err = intake.NewCompressor("gzip"); err != nil {
		return nil, err
	}
	if c.key, err = intake.NewKey(string(cfg.API.Key), cfg.API.KeyFile); err != nil {
		return nil, err
	}
	if c.tel, err = newTelemetry(set, c.key); err != nil {
		return nil, err
	}
	return c, nil
}

// Start finds the policy among the service's extensions.
func (c *core) Start(_ context.Context, host component.Host) error {
	for _, w := range c.cfg.warnings() {
		c.set.Logger.Warn(w)
	}
	if c.cfg.RetryPolicy != nil {
		policy, err := answers.Find(host, *c.cfg.RetryPolicy)
		if err != nil {
			return err
		}
		c.policy = policy
	}
	if c.cfg.HostMetadata.Enabled {
		return c.startHosts(context.Background(), host)
	}
	return nil
}

// startHosts starts to report hosts. It has clients of its own: it must not wait for the data, nor the data for it.
func (c *core) startHosts(ctx context.Context, host component.Host) error {
	metadata, err := c.client(ctx, host, "metadata", c.urls.metadata)
	if err != nil {
		return err
	}
	series, err := c.client(ctx, host, "series", c.urls.series)
	if err != nil {
		return err
	}
	send := func(client *intake.Client, compress *intake.Compressor, typ string) func(context.Context, []byte) error {
		return func(ctx context.Context, raw []byte) error {
			body, err := compress.Compress(raw)
			if err != nil {
				return err
			}
			return client.Once(ctx, intake.Request{Body: body, Raw: len(raw), Type: typ, Encoding: compress.Encoding}).Err
		}
	}
	c.hosts, err = hostmeta.New(hostmeta.Config{
		Host: c.cfg.host(), Tags: append(slices.Clone(c.cfg.Tags), c.cfg.HostMetadata.Tags...), Version: c.set.BuildInfo.Version, Flavor: c.set.BuildInfo.Command,
		Period: c.cfg.HostMetadata.ReporterPeriod, FirstResource: c.cfg.HostMetadata.HostnameSource == hostFirstResource,
		Metadata: send(metadata, c.gzip, "application/json"), Series: send(series, c.zstd, "application/x-protobuf"),
		Failed: func() { c.tel.add(context.Background(), "host_metadata_failures", 1) }, Log: c.set.Logger,
	})
	if err != nil {
		return err
	}
	c.hosts.Start()
	return nil
}

// seen notes that something of a resource was sent.
func (c *core) seen(signal string, res pcommon.Resource) {
	if c.hosts != nil {
		c.hosts.Seen(signal, res)
	}
}

// Shutdown ends what the pipelines shared.
func (c *core) Shutdown(context.Context) error {
	c.haltNow(errHalted)
	if c.hosts != nil {
		c.hosts.Shutdown()
	}
	for _, client := range c.clients {
		client.CloseIdleConnections()
	}
	c.tel.shutdown()
	return nil
}

// stopping cuts attempts short after the grace period: their requests stay in the queue.
func (c *core) stopping() {
	c.haltSoon.Do(func() { time.AfterFunc(shutdownGrace, func() { c.haltNow(errHalted) }) })
}

// bind returns a context that ends with attempts.
func (c *core) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	bound, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.halt, func() { cancel(errHalted) })
	release := func() {}
	if c.policy != nil {
		bound, release = c.policy.Halt(bound)
	}
	return bound, func() {
		release()
		stop()
		cancel(nil)
	}
}

func (c *core) action(status int) answers.Action {
	if c.policy != nil {
		return c.policy.Action(status)
	}
	return answers.Without(status)
}

// client makes a client of its own for one endpoint, so that a slow endpoint takes no connections from the others.
func (c *core) client(ctx context.Context, host component.Host, name, url string) (*intake.Client, error) {
	settings := c.cfg.ClientConfig
	settings.Endpoint = url
	settings.Compression = "" // bodies are compressed once, where their size is known
	client, err := settings.ToClient(ctx, host.GetExtensions(), c.set.TelemetrySettings)
	if err != nil {
		return nil, fmt.Errorf("create client for %s: %w", name, err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.clients = append(c.clients, client)
	return &intake.Client{
		Name: name, URL: url, HTTP: client, Key: c.key, Action: c.action, Halt: c.bind, Count: c.tel.request, Log: c.set.Logger,
		UserAgent: c.set.BuildInfo.Command + "/" + c.set.BuildInfo.Version,
	}, nil
}

// keep puts what can't be delivered in quarantine. Without a policy there is none, and it has to be sent again.
func (c *core) keep(ctx context.Context, signal, reason string, otlp []byte, err error) error {
	if err != nil {
		return fmt.Errorf("encode for quarantine: %w", err)
	}
	if c.policy == nil {
		return errors.New("there is no retry_policy to keep it")
	}
	return c.policy.Keep(ctx, signal, reason, otlp)
}

// warn logs something that a request may bring, at most once a minute for each message.
func (c *core) warn(message string, fields ...zap.Field) {
	if c.tel.mayLog(message) {
		c.set.Logger.Warn(message, fields...)
	}
}

// agentVersion is the version payloads say they are made by.
func agentVersion(set exporter.Settings) string { return "otelcol-obs-" + set.BuildInfo.Version }
