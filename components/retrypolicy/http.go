package retrypolicy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
)

// maxAnswer is how much of an answer's body is read, as by the OTLP exporter.
const maxAnswer = 64 << 10

// roundTripper applies the policy to the requests of one HTTP client. It is
// innermost: bodies are encoded and headers complete when they come by.
type roundTripper struct {
	*policy
	next http.RoundTripper
	sent *sentParts
}

// RoundTrip implements http.RoundTripper.
func (rt *roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodPost || req.Body == nil {
		return rt.next.RoundTrip(req)
	}
	if req.GetBody == nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read request body: %w", err), req.Body.Close())
		}
		_ = req.Body.Close()
		req = withBody(req, body)
	}
	resp, err := rt.halt.roundTrip(rt.next, req)
	if err != nil {
		if req.Context().Err() == nil && !errors.Is(err, errHalted) {
			rt.outages.Refused(req.URL.Host, err.Error())
		}
		return resp, err
	}
	if redirects(resp) {
		return resp, nil
	}
	act := rt.httpAction(resp.StatusCode)
	rt.tel.answer(transportHTTP, act, resp.StatusCode)
	switch act {
	case deliver:
		rt.outages.Taken(req.URL.Host)
		rt.checkRejected(req, resp)
		return resp, nil
	case toQuarantine:
		r, rerr := rt.request(req)
		if err = rerr; err == nil {
			err = rt.keep(r, "refused", nil)
		}
	case split:
		err = rt.splitHTTP(req)
	default:
		return rt.again(req, resp, nil), nil
	}
	if err != nil {
		return rt.again(req, resp, err), nil
	}
	return asDelivered(resp), nil
}

// again turns an answer into one that is retried.
func (rt *roundTripper) again(req *http.Request, resp *http.Response, cause error) *http.Response {
	resp, said := asRetry(resp, cause)
	rt.outages.Refused(req.URL.Host, said)
	return resp
}

// withBody returns req, whose headers are shared and not changed, with a body.
func withBody(req *http.Request, body []byte) *http.Request {
	r := req.WithContext(req.Context())
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return r
}

// redirects says whether the client will follow with the same method and body.
// It follows 301, 302 and 303 with a GET, and takes its 200 for a delivery:
// those are retried instead.
func redirects(resp *http.Response) bool {
	return (resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect) &&
		resp.Header.Get("Location") != ""
}

// request returns what was sent, decoded as far as it can be decoded.
func (rt *roundTripper) request(req *http.Request) (request, error) {
	body, err := encodedBody(req)
	if err != nil {
		return request{}, err
	}
	r := request{signal: signalOf(req.URL.Path), contentType: req.Header.Get("Content-Type"), body: body}
	encoding := req.Header.Get("Content-Encoding")
	if decoded, err := decode(encoding, body); err == nil {
		r.body = decoded
	} else {
		r.contentType += "." + encoding
	}
	return r, nil
}

func encodedBody(req *http.Request) ([]byte, error) {
	rc, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("get request body again: %w", err)
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

func (rt *roundTripper) splitHTTP(req *http.Request) error {
	r, err := rt.request(req)
	if err != nil {
		return err
	}
	like, err := encodedBody(req)
	if err != nil {
		return err
	}
	encoding := req.Header.Get("Content-Encoding")
	return rt.sendHalves(r, rt.sent, func(part []byte) (action, error) {
		encoded, err := encode(encoding, part, like)
		if err != nil {
			return retry, err
		}
		partReq := withBody(req, encoded)
		resp, err := rt.halt.roundTrip(rt.next, partReq)
		if err != nil {
			return retry, err
		}
		defer drain(resp)
		act := rt.httpAction(resp.StatusCode)
		rt.tel.answer(transportHTTP, act, resp.StatusCode)
		if act == deliver {
			rt.checkRejected(partReq, resp)
			return deliver, nil
		}
		return act, fmt.Errorf("backend answered %s", resp.Status)
	})
}

// checkRejected looks for a partial success and leaves the body to be read again.
func (rt *roundTripper) checkRejected(req *http.Request, resp *http.Response) {
	if resp.ContentLength == 0 || resp.Body == nil {
		return
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	if err != nil {
		return // the status has arrived; the exporter will see the same error
	}
	if n := rejected(signalOf(req.URL.Path), resp.Header.Get("Content-Type"), head); n > 0 {
		if r, err := rt.request(req); err == nil {
			rt.keepRejected(r, n)
		}
	}
}

func drain(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer)
	_ = resp.Body.Close()
}

// asRetry turns an answer into one that exporterhelper retries, and returns what it
// said. Answers that it retries anyway pass as they are, with Retry-After.
func asRetry(resp *http.Response, cause error) (*http.Response, string) {
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return resp, resp.Status
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	drain(resp)
	said := resp.Status
	if text := answerText(body); text != "" {
		said += ": " + text
	}
	if cause != nil {
		said += ": " + cause.Error()
	}
	raw, err := proto.Marshal(&spb.Status{Code: int32(codes.Unavailable), Message: "retry_policy retries the answer " + said})
	if err != nil { // what it said is not UTF-8
		raw, _ = proto.Marshal(&spb.Status{Code: int32(codes.Unavailable), Message: "retry_policy retries the answer " + resp.Status})
	}
	return answer(resp, http.StatusServiceUnavailable, raw), said
}

// maxText is how much of an answer's own words is logged.
const maxText = 256

// answerText returns what an answer's body says: the message of OTLP's Status, or
// the beginning of a text, on one line.
func answerText(body []byte) string {
	st := &spb.Status{}
	text := ""
	if proto.Unmarshal(body, st) == nil && st.Message != "" {
		text = st.Message
	} else if utf8.Valid(body) {
		text = string(body)
	}
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

func asDelivered(resp *http.Response) *http.Response {
	drain(resp)
	return answer(resp, http.StatusOK, nil)
}

func answer(resp *http.Response, status int, body []byte) *http.Response {
	header := http.Header{}
	if len(body) > 0 {
		header.Set("Content-Type", protobuf)
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: resp.Proto, ProtoMajor: resp.ProtoMajor, ProtoMinor: resp.ProtoMinor,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: resp.Request,
	}
}
