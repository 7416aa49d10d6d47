package otlpgrpc

import "bytes"

// message is a request or an answer that is bytes already. Its methods are those
// that pdata's gRPC codec, registered as "proto", asks for, and by which the retry
// policy reads a request.
type message struct {
	chunks [][]byte
	size   int
}

// SizeProto returns the number of bytes.
func (m *message) SizeProto() int { return m.size }

// MarshalProto copies the bytes to b, which has room for them, and returns their number.
func (m *message) MarshalProto(b []byte) int {
	n := 0
	for _, chunk := range m.chunks {
		n += copy(b[n:], chunk)
	}
	return n
}

// UnmarshalProto takes a copy of b, which belongs to the codec.
func (m *message) UnmarshalProto(b []byte) error {
	m.chunks, m.size = [][]byte{bytes.Clone(b)}, len(b)
	return nil
}

func (m *message) bytes() []byte { return bytes.Join(m.chunks, nil) }
