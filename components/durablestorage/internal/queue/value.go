package queue

import (
	"errors"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/xpdata/request"
)

// CountItems decodes a queued request as exporterhelper will, and returns the
// number of its spans, data points or log records. signal is the name under
// which exporterhelper asks for its storage; of other signals the content is
// not known, and each value is taken as it is.
func CountItems(signal string, value []byte) (n int, err error) {
	defer func() {
		// A decoder that panics on damaged bytes would do so in the exporter too.
		if r := recover(); r != nil {
			err = errors.New("decoder panicked")
		}
	}()
	switch signal {
	case "traces":
		_, td, err := request.UnmarshalTraces(value)
		if errors.Is(err, request.ErrInvalidFormat) {
			td, err = (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(value)
		}
		if err != nil {
			return 0, err
		}
		return td.SpanCount(), nil
	case "logs":
		_, ld, err := request.UnmarshalLogs(value)
		if errors.Is(err, request.ErrInvalidFormat) {
			ld, err = (&plog.ProtoUnmarshaler{}).UnmarshalLogs(value)
		}
		if err != nil {
			return 0, err
		}
		return ld.LogRecordCount(), nil
	case "metrics":
		_, md, err := request.UnmarshalMetrics(value)
		if errors.Is(err, request.ErrInvalidFormat) {
			md, err = (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(value)
		}
		if err != nil {
			return 0, err
		}
		return md.DataPointCount(), nil
	}
	return 1, nil
}
