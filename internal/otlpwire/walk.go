package otlpwire

import (
	"encoding/binary"
	"errors"
)

// Wire types of protobuf. Groups (3 and 4) are deprecated and never in OTLP.
const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
	fixed32Type = 5
)

var (
	// ErrTruncated means that the message ends inside a field.
	ErrTruncated = errors.New("message ends inside a field")
	// ErrMalformed means that a tag or length is none, or a field that leads to items has another type.
	ErrMalformed = errors.New("malformed field")
)

// Field is one field of a message.
type Field struct {
	Number  uint64
	Raw     []byte // tag, length and content
	Content []byte // of a length-delimited field, else nil
}

// Next splits the first field off a message. It never looks into the content,
// so how deep that is nested costs nothing.
func Next(message []byte) (f Field, rest []byte, err error) {
	tag, n := binary.Uvarint(message)
	if n <= 0 {
		return f, nil, malformed(n)
	}
	f.Number = tag >> 3
	if f.Number == 0 || f.Number >= 1<<29 {
		return f, nil, ErrMalformed
	}
	end := uint64(n)
	switch tag & 7 {
	case varintType:
		_, m := binary.Uvarint(message[n:])
		if m <= 0 {
			return f, nil, malformed(m)
		}
		end += uint64(m)
	case fixed64Type:
		end += 8
	case fixed32Type:
		end += 4
	case bytesType:
		length, m := binary.Uvarint(message[n:])
		if m <= 0 {
			return f, nil, malformed(m)
		}
		if length > uint64(len(message)) {
			return f, nil, ErrTruncated
		}
		start := uint64(n + m)
		end = start + length
		if end > uint64(len(message)) {
			return f, nil, ErrTruncated
		}
		f.Content = message[start:end:end]
	default:
		return f, nil, ErrMalformed
	}
	if end > uint64(len(message)) {
		return f, nil, ErrTruncated
	}
	f.Raw = message[:end:end]
	return f, message[end:], nil
}

func malformed(n int) error {
	if n == 0 {
		return ErrTruncated
	}
	return ErrMalformed
}

func appendTag(b []byte, number uint64, wireType byte) []byte {
	return binary.AppendUvarint(b, number<<3|uint64(wireType))
}

// AppendMessage appends a length-delimited field whose content is given in parts.
func AppendMessage(b []byte, number uint64, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	b = binary.AppendUvarint(appendTag(b, number, bytesType), uint64(size))
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// MessageSize is what AppendMessage adds for a content of this size.
func MessageSize(number uint64, size int) int {
	return uvarintSize(number<<3|bytesType) + uvarintSize(uint64(size)) + size
}

func uvarintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
