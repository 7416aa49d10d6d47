package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/encoding"
)

// gRPC has one compressor a name in the process. The OTLP exporter registers its gzip
// when the process begins, admission what bounds all of them when the components are
// made: whatever the order of the packages, admission's is the one that servers find,
// and the exporter's is beneath it.
func TestAdmissionBoundsWhatGRPCServersDecompress(t *testing.T) {
	_, err := components()
	require.NoError(t, err)
	for _, name := range []string{"gzip", "zstd", "snappy"} {
		require.Contains(t, reflect.TypeOf(encoding.GetCompressor(name)).Elem().PkgPath(), "components/admission/", name)
	}
	beneath := reflect.ValueOf(encoding.GetCompressor("gzip")).Elem().FieldByName("Compressor").Elem().Type()
	require.Contains(t, beneath.Elem().PkgPath(), "components/otlpexport/otlpgrpc")

	text := bytes.Repeat([]byte("what is sent is what arrives "), 1000)
	var sent bytes.Buffer
	w, err := encoding.GetCompressor("gzip").Compress(&sent)
	require.NoError(t, err)
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	r, err := gzip.NewReader(&sent)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, text, got)
}
