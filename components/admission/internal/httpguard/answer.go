package httpguard

import (
	"net/http"
	"strconv"
	"time"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
)

// form is how a request is written, and its answer.
type form uint8

const (
	plain form = iota
	protobuf
	json
)

// statusOf is what a refusal is in HTTP and in an OTLP status. OTLP's clients send again on 429, 502, 503 and 504 only.
func statusOf(r *admission.Refusal) (int, codes.Code) {
	switch {
	case r.Retry > 0:
		return http.StatusServiceUnavailable, codes.Unavailable
	case r.Reason == admission.ReasonSize, r.Reason == admission.ReasonPrice, r.Reason == admission.ReasonRatio:
		return http.StatusRequestEntityTooLarge, codes.InvalidArgument
	case r.Reason == admission.ReasonEncoding:
		return http.StatusUnsupportedMediaType, codes.InvalidArgument
	}
	return http.StatusBadRequest, codes.InvalidArgument
}

// answer tells a sender why its request was refused, in the form of its request.
func (f form) answer(w http.ResponseWriter, r *admission.Refusal) {
	status, code := statusOf(r)
	if r.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(r.Retry/time.Second))))
	}
	message := "the request " + r.Message
	s := &spb.Status{Code: int32(code), Message: message}
	var body []byte
	var err error
	switch f {
	case protobuf:
		body, err = proto.Marshal(s)
		w.Header().Set("Content-Type", "application/x-protobuf")
	case json:
		body, err = protojson.Marshal(s)
		w.Header().Set("Content-Type", "application/json")
	default:
		body = []byte(message + "\n")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	if err != nil {
		body = nil // an empty status is still an answer
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// The sender has gone if this fails; there is no one left to tell.
	_, _ = w.Write(body)
}
