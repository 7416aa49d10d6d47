package durablestorage

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension"
)

var componentType = component.MustNewType("durable_storage")

// NewFactory returns the factory of the durable_storage extension.
func NewFactory() extension.Factory {
	return extension.NewFactory(componentType, createDefaultConfig, create, component.StabilityLevelBeta)
}

func create(ctx context.Context, set extension.Settings, cfg component.Config) (extension.Extension, error) {
	return newExtension(ctx, set, cfg.(*Config))
}
