// Package agent reads what a Datadog agent sends to Datadog: an AgentPayload of payloads of several tracers, in protobuf.
// https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/agent_payload.proto
package agent

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

var errProtobuf = errors.New("message is no valid protobuf")

// field is one field of a protobuf message: bytes for strings and messages, bits for everything else.
type field struct {
	number protowire.Number
	bytes  []byte
	bits   uint64
}

// fields calls f for the fields of a message in the order of the wire. Groups are skipped.
func fields(message []byte, f func(field) error) error {
	for len(message) > 0 {
		number, typ, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errProtobuf
		}
		message = message[n:]
		fd := field{number: number}
		switch typ {
		case protowire.VarintType:
			fd.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed64Type:
			fd.bits, n = protowire.ConsumeFixed64(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			fd.bits = uint64(v)
		case protowire.BytesType:
			fd.bytes, n = protowire.ConsumeBytes(message)
		default:
			// A group is nothing these messages have.
			n = protowire.ConsumeFieldValue(number, typ, message)
			fd.number = 0
		}
		if n < 0 {
			return errProtobuf
		}
		message = message[n:]
		if err := f(fd); err != nil {
			return err
		}
	}
	return nil
}

// entry reads an entry of a map: a key of bytes, and a value.
func entry(message []byte) (key []byte, value field, err error) {
	err = fields(message, func(f field) error {
		switch f.number {
		case 1:
			key = f.bytes
		case 2:
			value = f
		}
		return nil
	})
	return key, value, err
}
