package retrypolicy

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"github.com/golang/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxDecoded bounds a decoded body. It is our own request, so this is a guard
// against a bug, not against a stranger.
const maxDecoded = 256 << 20

var errTooLarge = errors.New("decoded body is too large")

// decode undoes a Content-Encoding. The names are those of confighttp, which
// has deflate mean zlib and snappy, depending on a feature gate, the block or
// the framed format.
func decode(encoding string, body []byte) ([]byte, error) {
	var r io.Reader
	switch encoding {
	case "", "none", "identity":
		return body, nil
	case "gzip":
		gz, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r = gz
	case "zlib", "deflate":
		z, err := zlib.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r = z
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxDecoded))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	case "lz4":
		r = lz4.NewReader(bytes.NewReader(body))
	case "snappy", "x-snappy-framed":
		if !framed(body) {
			if n, err := snappy.DecodedLen(body); err != nil || n > maxDecoded {
				return nil, errors.Join(err, errTooLarge)
			}
			return snappy.Decode(nil, body)
		}
		r = snappy.NewReader(bytes.NewReader(body))
	default:
		return nil, fmt.Errorf("content-encoding %q is not known", encoding)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxDecoded+1))
	if err == nil && len(out) > maxDecoded {
		err = errTooLarge
	}
	return out, err
}

// encode redoes a Content-Encoding, in the form that like has where one name
// stands for two.
func encode(encoding string, body, like []byte) ([]byte, error) {
	var out bytes.Buffer
	var w io.WriteCloser
	switch encoding {
	case "", "none", "identity":
		return body, nil
	case "gzip":
		w = gzip.NewWriter(&out)
	case "zlib", "deflate":
		w = zlib.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		w = z
	case "lz4":
		w = lz4.NewWriter(&out)
	case "snappy", "x-snappy-framed":
		if !framed(like) {
			return snappy.Encode(nil, body), nil
		}
		w = snappy.NewBufferedWriter(&out)
	default:
		return nil, fmt.Errorf("content-encoding %q is not known", encoding)
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// framed looks for the stream identifier of the snappy framing format.
func framed(body []byte) bool { return bytes.HasPrefix(body, []byte("\xff\x06\x00\x00sNaPpY")) }
