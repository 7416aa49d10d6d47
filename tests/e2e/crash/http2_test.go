package crash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// exportOn makes one OTLP call over a connection that is open but has not been
// spoken on. It returns the gRPC status, and the message of one that is not 0. Ten thousand connections of grpc-go's
// own client would be thirty thousand goroutines in the test.
func exportOn(conn net.Conn, uids []uint64, pad int) (string, error) {
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	message, err := ptraceotlp.NewExportRequestFromTraces(Traces(uids, pad)).MarshalProto()
	if err != nil {
		return "", err
	}
	var headers, out bytes.Buffer
	enc := hpack.NewEncoder(&headers)
	for _, h := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":authority", "crash"},
		{":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
		{"content-type", "application/grpc"}, {"te", "trailers"},
	} {
		if err := enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}); err != nil {
			return "", err
		}
	}
	framed := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) // not compressed
	out.WriteString(http2.ClientPreface)
	w := http2.NewFramer(&out, nil)
	_ = w.WriteSettings()
	_ = w.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers.Bytes(), EndHeaders: true})
	_ = w.WriteData(1, true, append(framed, message...))
	if _, err := conn.Write(out.Bytes()); err != nil {
		return "", err
	}
	r := http2.NewFramer(io.Discard, conn)
	r.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			return "", err
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if status, ok := grpcStatus(f.Fields); ok {
				return status, nil
			}
		case *http2.GoAwayFrame, *http2.RSTStreamFrame:
			return "", fmt.Errorf("the receiver ended the call: %s", frame.Header())
		}
	}
}

func grpcStatus(fields []hpack.HeaderField) (status string, ok bool) {
	var message string
	for _, h := range fields {
		switch h.Name {
		case "grpc-status":
			status, ok = h.Value, true
		case "grpc-message":
			message = h.Value
		}
	}
	return strings.TrimSpace(status + " " + message), ok
}
