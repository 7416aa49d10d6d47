package sharedcomponent

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/collector/component"
)

// Handle is the component that one pipeline starts and stops.
type Handle[V component.Component] struct {
	shared  *instance[V]
	started atomic.Bool
}

// Instance returns what the handles of one key share.
func (h *Handle[V]) Instance() V { return h.shared.component }

// Start starts the instance unless another handle did, and returns what that returned.
func (h *Handle[V]) Start(ctx context.Context, host component.Host) error {
	if h.started.Swap(true) {
		return nil
	}
	return h.shared.start(ctx, host)
}

// Shutdown stops the instance if it is this handle's turn to, as Stop says. The
// error is returned to the handle that stopped it.
func (h *Handle[V]) Shutdown(ctx context.Context) error {
	return h.shared.shutdown(ctx, h.started.Swap(false))
}
