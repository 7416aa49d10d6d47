package otlphttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/otlphttpexporter"

	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/compress"
	"github.com/otelcol-obs/otelcol-obs/components/otlpexport/internal/wire"
)

// signal is what differs between spans, records and data points.
type signal struct {
	name     string // in URLs and keys
	dropped  string // log field of a partial success
	endpoint string // of this signal alone, if configured
	rejected rejected
}

type httpExporter struct {
	cfg       *otlphttpexporter.Config
	set       component.TelemetrySettings
	signal    signal
	url       *url.URL
	userAgent string
	codec     *compress.Codec
	client    *http.Client // from start on
}

func newExporter(cfg *otlphttpexporter.Config, set exporter.Settings, s signal) (*httpExporter, error) {
	u, err := signalURL(cfg.ClientConfig.Endpoint, s.endpoint, s.name)
	if err != nil {
		return nil, err
	}
	codec, err := compress.New(cfg.ClientConfig.Compression, int(cfg.ClientConfig.CompressionParams.Level))
	if err != nil {
		return nil, err
	}
	agent := fmt.Sprintf("%s/%s (%s/%s)", set.BuildInfo.Description, set.BuildInfo.Version, runtime.GOOS, runtime.GOARCH)
	return &httpExporter{cfg: cfg, set: set.TelemetrySettings, signal: s, url: u, userAgent: agent, codec: codec}, nil
}

func (e *httpExporter) start(ctx context.Context, host component.Host) (err error) {
	client := e.cfg.ClientConfig
	client.Compression = "" // bodies are compressed here, once for all attempts
	client.CompressionParams.Level = 0
	e.client, err = client.ToClient(ctx, host.GetExtensions(), e.set)
	return err
}

func (e *httpExporter) send(ctx context.Context, r *wire.Request) error {
	body, err := r.Encoded(e.codec.Encode)
	if err != nil {
		return consumererror.NewPermanent(fmt.Errorf("compress request: %w", err))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url.String(), bytes.NewReader(body))
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	req.Header.Set("Content-Type", protobufType)
	req.Header.Set("User-Agent", e.userAgent)
	if e.codec.ContentEncoding != "" {
		req.Header.Set("Content-Encoding", e.codec.ContentEncoding)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // so that the connection can be used again
		_ = resp.Body.Close()
	}()
	if resp.StatusCode/100 == 2 {
		return e.accepted(resp)
	}
	return refused(resp, req)
}

func parseURL(text, key string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s must be a valid URL", key) // without the text, which may hold a password
	}
	return u, nil
}

func missingEndpoint(name string) error {
	return errors.New("either endpoint or " + name + "_endpoint must be specified")
}
