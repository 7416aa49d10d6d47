package otlpgrpc

import (
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// signal is what differs between spans, records and data points.
type signal struct {
	method  string
	dropped string // log field of a partial success
	// rejected reads the partial success of an answer.
	rejected func(body []byte) (int64, string, error)
}

var tracesSignal = signal{"/opentelemetry.proto.collector.trace.v1.TraceService/Export", "dropped_spans", func(body []byte) (int64, string, error) {
	answer := ptraceotlp.NewExportResponse()
	err := answer.UnmarshalProto(body)
	return answer.PartialSuccess().RejectedSpans(), answer.PartialSuccess().ErrorMessage(), err
}}

var logsSignal = signal{"/opentelemetry.proto.collector.logs.v1.LogsService/Export", "dropped_log_records", func(body []byte) (int64, string, error) {
	answer := plogotlp.NewExportResponse()
	err := answer.UnmarshalProto(body)
	return answer.PartialSuccess().RejectedLogRecords(), answer.PartialSuccess().ErrorMessage(), err
}}

var metricsSignal = signal{"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", "dropped_data_points", func(body []byte) (int64, string, error) {
	answer := pmetricotlp.NewExportResponse()
	err := answer.UnmarshalProto(body)
	return answer.PartialSuccess().RejectedDataPoints(), answer.PartialSuccess().ErrorMessage(), err
}}

// refused returns the error of a call that failed: permanent, or one that is tried
// again, after the time the backend asked for.
// https://opentelemetry.io/docs/specs/otlp/#failures
func refused(err error) error {
	st := status.Convert(err)
	if st.Code() == codes.OK {
		return nil
	}
	info := retryInfo(st)
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
	case codes.ResourceExhausted:
		if info == nil { // else the backend says that it can recover
			return consumererror.NewPermanent(err)
		}
	default:
		return consumererror.NewPermanent(err)
	}
	if delay := info.GetRetryDelay().AsDuration(); delay > 0 {
		return exporterhelper.NewThrottleRetry(err, delay)
	}
	return err
}

func retryInfo(st *status.Status) *errdetails.RetryInfo {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info
		}
	}
	return nil
}
