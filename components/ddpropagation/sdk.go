package ddpropagation

import (
	"context"
	"sync"

	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/translate"
)

// sdkTranslator makes of spans that Datadog SDKs sent over OTLP what the datadog receiver makes of them.
type sdkTranslator struct {
	pool  sync.Pool
	spans metric.Int64Counter
	self  metric.AddOption
}

func newSDKTranslator(set processor.Settings, cfg TracesConfig) (*sdkTranslator, error) {
	if !cfg.DatadogSDK {
		return nil, nil
	}
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	return &sdkTranslator{
		pool:  sync.Pool{New: func() any { return translate.NewSDK(translate.Options{}) }},
		spans: builder.ProcessorDdPropagationSdkSpans,
		self:  metric.WithAttributeSet(attribute.NewSet(attribute.String("processor", set.ID.String()))),
	}, nil
}

func (t *sdkTranslator) process(ctx context.Context, td ptrace.Traces) {
	for _, rs := range td.ResourceSpans().All() {
		if translate.FromSDK(rs.Resource()) {
			sdk := t.pool.Get().(*translate.SDK)
			t.spans.Add(ctx, int64(sdk.Traces(td)), t.self)
			t.pool.Put(sdk)
			return
		}
	}
}
