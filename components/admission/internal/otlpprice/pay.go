package otlpprice

import (
	"context"
	"errors"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// Pay takes from hold's pool what the request b costs decoded, and beside bytes more. It looks deep only where the shallow
// price is more than a quarter of what one request may cost, or is not free now; and waits, if it must, for the exact price.
func Pay(ctx context.Context, hold *admission.Hold, b []byte, root Root, l Limits, beside int64) error {
	cost, err := Shallow(b, root, Limits{Cost: l.Cost / 4, Depth: l.Depth})
	if err == nil && hold.TryGrow(cost+beside) == nil {
		return nil
	}
	if err != nil && !errors.Is(err, errPrice) {
		return err
	}
	if cost, err = Deep(b, root, l); err != nil {
		return err
	}
	return hold.Grow(ctx, cost+beside)
}

// PayJSON is Pay for JSON.
func PayJSON(ctx context.Context, hold *admission.Hold, b []byte, l Limits, beside int64) error {
	cost, err := JSON(b, l)
	if err != nil {
		return err
	}
	return hold.Grow(ctx, cost+beside)
}
