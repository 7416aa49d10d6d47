package retrypolicy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// otlpMethods is what OTLP's services have in common. Other calls on the same
// connection are none of ours.
const otlpMethods = "/opentelemetry.proto.collector."

// message is what pdata's requests and answers are to gRPC's codec. They are
// internal types, so their own methods are the only way to their bytes.
type wireMessage interface {
	SizeProto() int
	MarshalProto([]byte) int
	UnmarshalProto([]byte) error
}

// raw is a message that is bytes already.
type raw []byte

func (r raw) SizeProto() int                 { return len(r) }
func (r raw) MarshalProto(b []byte) int      { return copy(b, r) }
func (r *raw) UnmarshalProto(b []byte) error { *r = append((*r)[:0], b...); return nil }

func wireBytes(v any) ([]byte, bool) {
	m, ok := v.(wireMessage)
	if !ok {
		return nil, false
	}
	b := make([]byte, m.SizeProto())
	return b[:m.MarshalProto(b)], true
}

// interceptor applies the policy to the calls of one gRPC client.
type interceptor struct {
	*policy
	sent *sentParts
}

func (i *interceptor) intercept(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	if !strings.HasPrefix(method, otlpMethods) {
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	ctx, end := i.halt.bind(ctx)
	defer end()
	err := invoke(ctx, method, req, reply, cc, opts...)
	if err != nil && errors.Is(context.Cause(ctx), errHalted) {
		return status.Error(codes.Unavailable, errHalted.Error())
	}
	signal := signalOf(method)
	st := status.Convert(err)
	act := i.grpcAction(st.Code(), st.Message())
	if err != nil && ctx.Err() != nil {
		act = retry // our own deadline, not the backend's answer
	}
	i.tel.answer(transportGRPC, act, int(st.Code()))
	if act == deliver {
		i.outages.Taken(cc.Target())
		i.checkRejectedGRPC(req, reply, signal)
		return nil
	}
	if act == retry {
		i.outages.Refused(cc.Target(), st.Code().String()+": "+st.Message())
		return retryable(st, nil)
	}
	body, ok := wireBytes(req)
	if !ok {
		return retryable(st, fmt.Errorf("request type %T can't be kept", req))
	}
	r := request{signal, protobuf, body}
	if act == toQuarantine {
		err = i.keep(r, "refused", nil)
	} else {
		err = i.sendHalves(r, i.sent, func(part []byte) (action, error) {
			partReq, partReply := raw(part), raw(nil)
			err := invoke(ctx, method, &partReq, &partReply, cc, opts...)
			st := status.Convert(err)
			act := i.grpcAction(st.Code(), st.Message())
			i.tel.answer(transportGRPC, act, int(st.Code()))
			if act == deliver {
				i.checkRejectedGRPC(&partReq, &partReply, signal)
			}
			return act, err
		})
	}
	if err != nil {
		return retryable(st, err)
	}
	return nil
}

func (i *interceptor) checkRejectedGRPC(req, reply any, signal string) {
	answer, ok := wireBytes(reply)
	if !ok || len(answer) == 0 {
		return
	}
	if n := rejected(signal, protobuf, answer); n > 0 {
		body, _ := wireBytes(req)
		i.keepRejected(request{signal, protobuf, body}, n)
	}
}

// tooLarge knows the words in which gRPC implementations and proxies say that a
// message is too large; there is no code for it.
func tooLarge(code codes.Code, message string) bool {
	message = strings.ToLower(message)
	switch code {
	case codes.ResourceExhausted: // grpc-go and the C core; Java; .NET
		return strings.Contains(message, "larger than max") || strings.Contains(message, "exceeds maximum size") ||
			strings.Contains(message, "exceeds the maximum")
	case codes.Unknown, codes.Internal: // an HTTP proxy, as reported by grpc-go
		return strings.Contains(message, fmt.Sprintf("http status code received from server: %d", http.StatusRequestEntityTooLarge))
	}
	return false
}

// retryable turns a status into one that the OTLP exporter retries, and keeps
// its details, among them how long to wait.
func retryable(st *status.Status, cause error) error {
	switch st.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Aborted, codes.OutOfRange, codes.Unavailable, codes.DataLoss:
		return st.Err()
	case codes.ResourceExhausted:
		for _, d := range st.Details() {
			if _, ok := d.(*errdetails.RetryInfo); ok {
				return st.Err()
			}
		}
	}
	p := proto.CloneOf(st.Proto())
	p.Message = fmt.Sprintf("retry_policy retries the answer %s: %s", st.Code(), st.Message())
	if cause != nil {
		p.Message += ": " + cause.Error()
	}
	p.Code = int32(codes.Unavailable)
	return status.FromProto(p).Err()
}
