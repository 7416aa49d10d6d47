package retrypolicy

import (
	"bytes"
	"testing"

	"github.com/golang/snappy"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
)

var encodings = []string{"", "none", "identity", "gzip", "zlib", "deflate", "zstd", "lz4", "snappy", "x-snappy-framed"}

func TestEncodingsRoundTrip(t *testing.T) {
	body := bytes.Repeat([]byte("a request "), 1000)
	for _, encoding := range encodings {
		for _, like := range [][]byte{nil, []byte("\xff\x06\x00\x00sNaPpY")} {
			encoded, err := encode(encoding, body, like)
			require.NoError(t, err, encoding)
			decoded, err := decode(encoding, encoded)
			require.NoError(t, err, encoding)
			require.Equal(t, body, decoded, encoding)
		}
	}
	_, err := decode("br", body)
	require.ErrorContains(t, err, `content-encoding "br" is not known`)
	_, err = encode("br", body, nil)
	require.ErrorContains(t, err, `content-encoding "br" is not known`)
	_, err = decode("snappy", snappy.Encode(nil, body)[:20])
	require.Error(t, err)
}

func FuzzDecode(f *testing.F) {
	for i, encoding := range encodings {
		b, err := encode(encoding, []byte("a request"), nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(_ *testing.T, i uint8, b []byte) {
		_, _ = decode(encodings[int(i)%len(encodings)], b)
	})
}

// Whatever the bytes are, halving keeps the number of items or says why not.
func FuzzHalve(f *testing.F) {
	two, err := plogotlp.NewExportRequestFromLogs(someLogs(2)).MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint8(1), false, two)
	f.Add(uint8(0), false, []byte{})
	f.Add(uint8(1), true, []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{}]}]}]}`))
	f.Fuzz(func(t *testing.T, s uint8, asJSON bool, body []byte) {
		signal := []string{traces, logs, metrics, unknown}[s%4]
		contentType := protobuf
		if asJSON {
			contentType = jsonType
		}
		first, second, err := halve(signal, contentType, body)
		if err == nil && (len(first) == 0 || len(second) == 0) {
			t.Fatal("a half is empty")
		}
		_ = rejected(signal, contentType, body)
	})
}
