package admission

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"

	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/grpcguard"
	"github.com/otelcol-obs/otelcol-obs/components/admission/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// NewFactory returns the factory of the admission extension.
func NewFactory() extension.Factory {
	grpcguard.Register() // every init has run, and nothing speaks gRPC yet
	return extension.NewFactory(metadata.Type, createDefaultConfig, create, metadata.ExtensionStability)
}

func create(_ context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newExtension(set, cfg.(*Config), admission.Default())
}
