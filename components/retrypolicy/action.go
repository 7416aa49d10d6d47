package retrypolicy

import (
	"slices"

	"google.golang.org/grpc/codes"

	"github.com/otelcol-obs/otelcol-obs/internal/answers"
)

// action is what is done about an answer.
type action = answers.Action

const (
	deliver      = answers.Deliver
	retry        = answers.Retry
	toQuarantine = answers.Quarantine
	split        = answers.Split
)

func (p *policy) httpAction(status int) action {
	switch {
	case status >= 200 && status < 300:
		return deliver
	case slices.Contains(p.cfg.HTTP.Quarantine, status):
		return toQuarantine
	case slices.Contains(p.cfg.HTTP.Split, status):
		return split
	}
	return retry
}

func (p *policy) grpcAction(code codes.Code, message string) action {
	switch {
	case code == codes.OK:
		return deliver
	case tooLarge(code, message):
		return split
	case slices.Contains(p.quarantineGRPC, code):
		return toQuarantine
	}
	return retry
}
