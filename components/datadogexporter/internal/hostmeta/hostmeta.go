// Package hostmeta tells Datadog's host map about hosts, and that this collector sends for them.
//
// It is best effort and off the way of the data: what it can't send is counted and comes again in the next period.
//
// Libraries: datadog-agent's opentelemetry-mapping-go/inframetadata, for what a resource says about its host.
package hostmeta

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/DataDog/agent-payload/v5/gogen"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/inframetadata"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/inframetadata/payload"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes/source"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.uber.org/zap"
)

const (
	// maxHosts are told about at a time.
	maxHosts = 1000
	// maxWaiting resources wait to be looked at. Further ones are left out: they come again with the next batch.
	maxWaiting = 100
	liveEvery  = time.Minute
)

// Config says what is reported.
type Config struct {
	Host    string
	Tags    []string
	Version string
	Flavor  string
	Period  time.Duration
	// FirstResource takes the host of the first resource instead of Host.
	FirstResource bool
	// Metadata and Series send one body.
	Metadata func(context.Context, []byte) error
	Series   func(context.Context, []byte) error
	Failed   func()
	Log      *zap.Logger
}

// Reporter reports.
type Reporter struct {
	cfg     Config
	lib     *inframetadata.Reporter
	waiting chan pcommon.Resource
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu   sync.Mutex
	own  string
	live map[live]struct{}
	told map[string]struct{} // hosts the library was told about
}

// live is that something was sent for a host.
type live struct{ signal, host string }

// New returns a reporter that is not started.
func New(cfg Config) (*Reporter, error) {
	r := &Reporter{cfg: cfg, waiting: make(chan pcommon.Resource, maxWaiting), live: map[live]struct{}{}, told: map[string]struct{}{}}
	if !cfg.FirstResource {
		r.own = cfg.Host
	}
	lib, err := inframetadata.NewReporter(cfg.Log, r, cfg.Period)
	if err != nil {
		return nil, fmt.Errorf("create host metadata reporter: %w", err)
	}
	r.lib = lib
	return r, nil
}

// Start begins to report.
func (r *Reporter) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	r.done.Go(func() {
		if err := r.lib.Run(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn("host metadata stopped", zap.Error(err))
		}
	})
	r.done.Go(func() { r.run(ctx) })
}

// Shutdown stops it.
func (r *Reporter) Shutdown() {
	r.stop()
	r.lib.Stop()
	r.done.Wait()
}

func (r *Reporter) run(ctx context.Context) {
	r.reportOwn(ctx)
	own, running := time.NewTicker(r.cfg.Period), time.NewTicker(liveEvery)
	defer own.Stop()
	defer running.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-own.C:
			r.reportOwn(ctx)
		case <-running.C:
			r.reportLive(ctx)
		case res := <-r.waiting:
			if err := r.lib.ConsumeResource(res); err != nil {
				r.cfg.Log.Debug("resource says nothing about its host", zap.Error(err))
			}
		}
	}
}

// Seen notes that something of a resource was sent.
func (r *Reporter) Seen(signal string, res pcommon.Resource) {
	host := r.cfg.Host
	src, named := attributes.SourceFromAttrs(res.Attributes(), nil)
	if named && src.Kind == source.HostnameKind {
		host = src.Identifier
	}
	use, ok := res.Attributes().Get(inframetadata.AttributeDatadogHostUseAsMetadata)
	r.mu.Lock()
	if r.own == "" {
		r.own = host
	}
	if len(r.live) < maxHosts {
		r.live[live{signal, host}] = struct{}{}
	}
	_, known := r.told[host]
	tell := ok && use.Type() == pcommon.ValueTypeBool && use.Bool() && (known || len(r.told) < maxHosts)
	if tell {
		r.told[host] = struct{}{}
	}
	r.mu.Unlock()
	if !tell {
		return
	}
	copied := pcommon.NewResource()
	res.CopyTo(copied)
	select {
	case r.waiting <- copied:
	default:
	}
}

// Push implements inframetadata.Pusher.
func (r *Reporter) Push(ctx context.Context, hm payload.HostMetadata) error {
	hm.Version, hm.Flavor = r.cfg.Version, r.cfg.Flavor
	if hm.Tags == nil {
		hm.Tags = &payload.HostTags{}
	}
	hm.Tags.OTel = append(slices.Clone(hm.Tags.OTel), r.cfg.Tags...)
	raw, err := json.Marshal(hm)
	if err != nil {
		return fmt.Errorf("encode host metadata: %w", err)
	}
	if err := r.cfg.Metadata(ctx, raw); err != nil {
		r.cfg.Failed()
		return err
	}
	return nil
}

func (r *Reporter) reportOwn(ctx context.Context) {
	r.mu.Lock()
	own := r.own
	r.mu.Unlock()
	if own == "" {
		return
	}
	hm := payload.NewEmpty()
	hm.Meta.Hostname, hm.InternalHostname = own, own
	if name, err := os.Hostname(); err == nil && !r.cfg.FirstResource {
		hm.Meta.SocketHostname = name
	}
	if err := r.Push(ctx, hm); err != nil && ctx.Err() == nil {
		r.cfg.Log.Warn("host metadata can't be sent", zap.Error(err))
	}
}

// reportLive sends the gauges by which Datadog knows which hosts this collector sends for.
func (r *Reporter) reportLive(ctx context.Context) {
	r.mu.Lock()
	seen := r.live
	r.live = map[live]struct{}{}
	r.mu.Unlock()
	if len(seen) == 0 {
		return
	}
	var m gogen.MetricPayload
	now := time.Now().Unix()
	for l := range seen {
		m.Series = append(m.Series, &gogen.MetricPayload_MetricSeries{
			Metric: "otel.datadog_exporter." + l.signal + ".running", Type: gogen.MetricPayload_GAUGE, Tags: []string{"version:" + r.cfg.Version},
			Resources: []*gogen.MetricPayload_Resource{{Type: "host", Name: l.host}},
			Points:    []*gogen.MetricPayload_MetricPoint{{Timestamp: now, Value: 1}},
		})
	}
	raw, err := m.Marshal()
	if err == nil {
		err = r.cfg.Series(ctx, raw)
	}
	if err != nil && ctx.Err() == nil {
		r.cfg.Failed()
	}
}
