// Package decode turns a message of the Fluent forward protocol into log records, straight from its bytes.
//
// ParseHeader says what a message is and what its sender wants; Decoder.Decode appends its records to a plog.Logs. The bytes must be
// one whole value: msgpack.Scanner tells. An entry that can't be read is left out and counted, never its message. Records whose
// origin is written with the same bytes share a resource, and the origin is decoded once.
//
// The protocol: https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1
package decode
