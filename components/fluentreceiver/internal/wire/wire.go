// Package wire writes messages of the Fluent forward protocol for tests: every form a sender may choose, right or wrong.
package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/tinylib/msgp/msgp"
)

// Raw is MessagePack, written as it is.
type Raw []byte

// Append writes v: nil, bool, int, uint64, float64, string as str, []byte as bin, or Raw.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case Raw:
		return append(b, v...)
	case nil:
		return msgp.AppendNil(b)
	case bool:
		return msgp.AppendBool(b, v)
	case int:
		return msgp.AppendInt(b, v)
	case uint64:
		return msgp.AppendUint64(b, v)
	case float64:
		return msgp.AppendFloat64(b, v)
	case string:
		return msgp.AppendString(b, v)
	case []byte:
		return msgp.AppendBytes(b, v)
	}
	panic("wire: no way to write this type")
}

// Values writes values one behind the other.
func Values(vs ...any) Raw {
	var b []byte
	for _, v := range vs {
		b = Append(b, v)
	}
	return b
}

// Array writes an array.
func Array(vs ...any) Raw {
	return append(msgp.AppendArrayHeader(nil, uint32(len(vs))), Values(vs...)...)
}

// Map writes a map of keys and values in turn.
func Map(kvs ...any) Raw {
	return append(msgp.AppendMapHeader(nil, uint32(len(kvs)/2)), Values(kvs...)...)
}

// Ext writes an extension.
func Ext(kind int8, data ...byte) Raw {
	b := []byte{0xc9}
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(append(b, byte(kind)), data...)
}

// EventTime writes Fluentd's time as most senders do.
func EventTime(seconds, nanos uint32) Raw {
	b := binary.BigEndian.AppendUint32([]byte{0xd7, 0x00}, seconds)
	return binary.BigEndian.AppendUint32(b, nanos)
}

// Gzip compresses b as one member.
func Gzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// Zstd compresses b as one frame, which says how large b is.
func Zstd(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

// ZstdStream compresses b as one frame of a streaming encoder, which doesn't know how large b will be.
func ZstdStream(b []byte) []byte {
	var out bytes.Buffer
	w, _ := zstd.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Flush()
	_ = w.Close()
	return out.Bytes()
}
