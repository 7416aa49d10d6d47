package ddspan

import (
	"fmt"

	"github.com/DataDog/datadog-agent/pkg/opentelemetry-mapping-go/otlp/attributes"
	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"github.com/DataDog/datadog-agent/pkg/trace/config"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
)

// Options shape the names of OTel spans, with the meaning they have for Datadog's own exporter.
type Options struct {
	SpanNameAsResourceName bool
	SpanNameRemappings     map[string]string
}

// Mapper makes Datadog spans.
type Mapper struct{ conf *config.AgentConfig }

// NewMapper returns a mapper.
func NewMapper(o Options) (*Mapper, error) {
	translator, err := attributes.NewTranslator(component.TelemetrySettings{MeterProvider: noopmetric.NewMeterProvider()})
	if err != nil {
		return nil, fmt.Errorf("create attributes translator: %w", err)
	}
	// Field by field: config.New reads the environment.
	return &Mapper{conf: &config.AgentConfig{
		Features: map[string]struct{}{"enable_otlp_compute_top_level_by_span_kind": {}},
		OTLPReceiver: &config.OTLP{
			AttributesTranslator:   translator,
			SpanNameAsResourceName: o.SpanNameAsResourceName,
			SpanNameRemappings:     o.SpanNameRemappings,
		},
	}}, nil
}

// Map returns the Datadog span, and who made the span.
func (m *Mapper) Map(s ptrace.Span, r *Resource, scope pcommon.InstrumentationScope) (*pb.Span, Source) {
	src := r.sourceOf(s.Attributes())
	if src == OTel {
		return m.otel(s, r, scope), src
	}
	return m.native(s, r, src), src
}
