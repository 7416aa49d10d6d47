package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/otelcol-obs/otelcol-obs/internal/admission"
	"github.com/otelcol-obs/otelcol-obs/internal/httpbody"
	"github.com/otelcol-obs/otelcol-obs/internal/inflate"
)

var (
	errTooLarge = errors.New("body is larger than max_request_body_size")
	errEncoding = errors.New("content encoding is none of deflate, gzip, identity")
)

const (
	// expansion is how many times larger the events of a body are while they are converted.
	expansion = 16
	// maxExpanded bounds it: a long body is converted in steps.
	maxExpanded = 24 << 20
	// A phone on a bad network is slow, and would send the same again as slowly.
	minBytesPerSecond = 2 << 10
)

// read returns the body as it came, which Datadog may get, and what frees what was taken for it.
func (h *Handler) read(w http.ResponseWriter, req *http.Request) (raw string, free func(), err error) {
	in, err := httpbody.Open(w, req, h.set.Pools, httpbody.Limits{MaxBytes: h.set.MaxBodyBytes, MinBytesPerSecond: minBytesPerSecond, Raw: true})
	free = func() { _ = in.Close() }
	if err == nil {
		var b []byte
		if b, err = in.ReadAll(); err == nil {
			raw = string(b)
			httpbody.FreeBuffer(b)
			return raw, free, nil
		}
	}
	if admission.AsRefusal(err) != nil {
		in.Drain()
	}
	return "", free, err
}

// encodings lists what must be undone to read a body, in that order: first the
// transport's, then the SDK's own, which browsers announce in the query.
func encodings(header, query string) ([]string, error) {
	var list []string
	for _, text := range []string{header, query} {
		switch strings.ToLower(strings.TrimSpace(text)) {
		case "", "identity":
		case "deflate", "zlib":
			list = append(list, "deflate")
		case "gzip", "x-gzip":
			list = append(list, "gzip")
		default:
			return nil, errEncoding
		}
	}
	return list, nil
}

// decode undoes the encodings of raw. What it needs is taken from hold before it is used.
func (h *Handler) decode(ctx context.Context, hold *admission.Hold, raw string, list []string) (string, error) {
	var src io.Reader = strings.NewReader(raw)
	take := func(n int64) error { return hold.Grow(ctx, n) }
	for _, name := range list {
		in, err := inflate.New(name, src, inflate.Options{MaxBytes: h.set.MaxBodyBytes, Take: take})
		if err != nil {
			return "", err
		}
		defer in.Close()
		src = in
	}
	var out strings.Builder
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if int64(out.Len()+n) > h.set.MaxBodyBytes {
			return "", errTooLarge
		}
		// Twice: a builder that grows has the old and the new.
		if e := take(2 * int64(n)); e != nil {
			return "", e
		}
		out.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			if admission.AsRefusal(err) != nil {
				return "", err
			}
			return "", fmt.Errorf("decode %s: %w", strings.Join(list, " and "), err)
		}
	}
}

// refused counts what the pools refused, for the whole process.
func (h *Handler) refused(req *http.Request, err error) {
	if r := admission.AsRefusal(err); r != nil {
		h.set.Pools.Report(admission.Event{
			Listener: h.count.id.Value.AsString(), Refusal: r, Bytes: max(0, req.ContentLength), Peer: req.RemoteAddr, UserAgent: req.UserAgent(),
		})
	}
}

func bodyAnswer(err error) answer {
	r := admission.AsRefusal(err)
	switch {
	case errors.Is(err, errTooLarge), r != nil && r.Reason == admission.ReasonSize, r != nil && r.Reason == admission.ReasonPrice:
		return answer{code: http.StatusRequestEntityTooLarge, text: err.Error()}
	case r != nil && r.Retry > 0:
		return answer{code: http.StatusServiceUnavailable, text: err.Error()}
	case errors.Is(err, errEncoding):
		return answer{code: http.StatusUnsupportedMediaType, text: err.Error()}
	case errors.Is(err, context.Canceled):
		return answer{code: http.StatusServiceUnavailable, text: err.Error()}
	}
	return answer{code: http.StatusBadRequest, text: err.Error()}
}
