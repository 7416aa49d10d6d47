package wire

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
	errTruncated = errors.New("message ends inside a field")
	errMalformed = errors.New("malformed field")
)

// field is one field of a message.
type field struct {
	number  uint64
	raw     []byte // tag, length and content
	content []byte // of a length-delimited field, else nil
}

// next splits the first field off a message. It never looks into the content,
// so how deep that is nested costs nothing.
func next(message []byte) (f field, rest []byte, err error) {
	tag, n := binary.Uvarint(message)
	if n <= 0 {
		return f, nil, malformed(n)
	}
	f.number = tag >> 3
	if f.number == 0 || f.number >= 1<<29 {
		return f, nil, errMalformed
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
			return f, nil, errTruncated
		}
		start := uint64(n + m)
		end = start + length
		if end > uint64(len(message)) {
			return f, nil, errTruncated
		}
		f.content = message[start:end:end]
	default:
		return f, nil, errMalformed
	}
	if end > uint64(len(message)) {
		return f, nil, errTruncated
	}
	f.raw = message[:end:end]
	return f, message[end:], nil
}

func malformed(n int) error {
	if n == 0 {
		return errTruncated
	}
	return errMalformed
}

func appendTag(b []byte, number uint64, wireType byte) []byte {
	return binary.AppendUvarint(b, number<<3|uint64(wireType))
}

// appendMessage appends a length-delimited field whose content is given in parts.
func appendMessage(b []byte, number uint64, parts ...[]byte) []byte {
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

// messageSize is what appendMessage adds for a content of this size.
func messageSize(number uint64, size int) int {
	return uvarintSize(number<<3|bytesType) + uvarintSize(uint64(size)) + size
}

func uvarintSize(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
