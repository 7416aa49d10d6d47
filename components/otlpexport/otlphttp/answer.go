package otlphttp

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.uber.org/zap"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
	maxAnswer    = 64 << 10 // bytes read of an answer
)

// rejected reads the partial success of an answer: how many items were not taken,
// and why.
type rejected func(body []byte, isJSON bool) (int64, string, error)

func tracesRejected(body []byte, isJSON bool) (int64, string, error) {
	answer := ptraceotlp.NewExportResponse()
	err := parse(answer, body, isJSON)
	return answer.PartialSuccess().RejectedSpans(), answer.PartialSuccess().ErrorMessage(), err
}

func logsRejected(body []byte, isJSON bool) (int64, string, error) {
	answer := plogotlp.NewExportResponse()
	err := parse(answer, body, isJSON)
	return answer.PartialSuccess().RejectedLogRecords(), answer.PartialSuccess().ErrorMessage(), err
}

func metricsRejected(body []byte, isJSON bool) (int64, string, error) {
	answer := pmetricotlp.NewExportResponse()
	err := parse(answer, body, isJSON)
	return answer.PartialSuccess().RejectedDataPoints(), answer.PartialSuccess().ErrorMessage(), err
}

func parse(answer interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}, body []byte, isJSON bool) error {
	if isJSON {
		return answer.UnmarshalJSON(body)
	}
	return answer.UnmarshalProto(body)
}

// accepted logs what a backend that answered 2xx did not take. It was told not to
// be sent again.
// https://opentelemetry.io/docs/specs/otlp/#partial-success-1
func (e *httpExporter) accepted(resp *http.Response) error {
	contentType := resp.Header.Get("Content-Type")
	if contentType != protobufType && contentType != jsonType {
		return nil
	}
	body, err := readAnswer(resp)
	if err != nil {
		return consumererror.NewPermanent(err)
	}
	if len(body) == 0 {
		return nil
	}
	n, message, err := e.signal.rejected(body, contentType == jsonType)
	if err != nil {
		return consumererror.NewPermanent(fmt.Errorf("parse response: %w", err))
	}
	if n != 0 || message != "" {
		e.set.Logger.Warn("Partial success response", zap.String("message", message), zap.Int64(e.signal.dropped, n))
	}
	return nil
}

// refused returns the error of an answer other than 2xx: permanent, or one that is
// tried again, after the time the backend asked for.
// https://opentelemetry.io/docs/specs/otlp/#failures-1
func refused(resp *http.Response, req *http.Request) error {
	// A middleware may have sent it elsewhere. A password in the URL is not shown.
	to := req.URL.Redacted()
	if resp.Request != nil && resp.Request.URL != nil {
		to = resp.Request.URL.Redacted()
	}
	text := fmt.Sprintf("error exporting items, request to %s responded with HTTP Status Code %d", to, resp.StatusCode)
	if st := answerStatus(resp); st != nil {
		text += fmt.Sprintf(", Message=%s, Details=%v", st.Message, st.Details)
	}
	err := status.Error(codeOf(resp.StatusCode), text)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if delay, ok := retryAfter(resp.Header); ok {
			return exporterhelper.NewThrottleRetry(err, delay)
		}
		return err
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return err
	}
	return consumererror.NewPermanent(err)
}

// codeOf is core's mapping of HTTP to gRPC codes, which exporterhelper's metrics show.
func codeOf(httpStatus int) codes.Code {
	switch httpStatus {
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.Unimplemented
	case http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return codes.Unavailable
	}
	return codes.Unknown
}

// retryAfter reads seconds or a date.
// https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func retryAfter(h http.Header) (time.Duration, bool) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return time.Until(date), true
	}
	return 0, false
}

// answerStatus reads the Status that OTLP asks for in a refusal, nil if there is none.
func answerStatus(resp *http.Response) *spb.Status {
	if resp.StatusCode < 400 || resp.StatusCode > 599 {
		return nil
	}
	body, err := readAnswer(resp)
	st := &spb.Status{}
	if err != nil || proto.Unmarshal(body, st) != nil {
		return nil
	}
	return st
}

func readAnswer(resp *http.Response) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read response: %w", err)
	}
	return body, nil
}
