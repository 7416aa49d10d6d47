package decode

import (
	"errors"
	"fmt"

	"github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/inflate"
	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// Mode is how a message carries its entries.
type Mode uint8

// The modes. Heartbeat is nil in place of a message, as old senders write it.
const (
	Message Mode = iota
	Forward
	Packed
	Heartbeat
)

// String is the name the protocol has for m.
func (m Mode) String() string { return [...]string{"message", "forward", "packed", "heartbeat"}[m] }

const (
	// MaxTag bounds tags.
	MaxTag = 4 << 10
	// MaxChunk bounds the ids of chunks: Fluent Bit reads an acknowledgement into 512 bytes.
	MaxChunk = 400
)

// Header is what a message says about itself. Its slices alias the message.
type Header struct {
	Mode Mode
	Tag  []byte
	// Chunk is the MessagePack value to echo when the message is accepted. It is empty when the sender waits for nothing.
	Chunk       []byte
	Compression inflate.Format
	// Foreign reports that the entries are no logs: metrics or traces of Fluent Bit, in a format of its own.
	Foreign bool

	raw      []byte
	body     int // where the entries, or the time of the one entry, begin
	metadata int // where the option metadata begins; 0 for none
}

// ParseHeader reads what is around the entries of a message. Elements says where the elements of the outermost array begin.
func ParseHeader(raw []byte, elements []int) (h Header, err error) {
	r := msgpack.Reader{Buf: raw}
	if r.Kind() == msgpack.Nil {
		h.Mode = Heartbeat
		return h, nil
	}
	h.raw = raw
	n, err := r.ArrayLen()
	if err != nil {
		return h, errors.New("a message must be an array")
	}
	if n < 2 {
		return h, fmt.Errorf("a message must have a tag and entries, got an array of %d", n)
	}
	if kind := r.Kind(); kind != msgpack.Str && kind != msgpack.Bin {
		return h, errors.New("the tag must be a string")
	}
	if h.Tag, err = r.Bytes(); err != nil {
		return h, err
	}
	if len(h.Tag) > MaxTag {
		return h, fmt.Errorf("the tag must have at most %d bytes, got %d", MaxTag, len(h.Tag))
	}
	h.body = r.Pos
	options := 2
	switch r.Kind() {
	case msgpack.Array:
		h.Mode = Forward
	case msgpack.Str, msgpack.Bin:
		h.Mode = Packed
		entries, err := r.Bytes()
		if err != nil {
			return h, err
		}
		h.Compression = inflate.Detect(entries)
	default:
		h.Mode = Message
		options = 3
		if n < 3 {
			return h, errors.New("a message with a time must have a record")
		}
	}
	if n > options {
		r.Pos = elements[options]
		return h, h.options(&r)
	}
	return h, nil
}

// options reads the last element. What is no map says nothing.
func (h *Header) options(r *msgpack.Reader) error {
	if r.Kind() != msgpack.Map {
		return nil
	}
	n, err := r.MapLen()
	if err != nil {
		return err
	}
	for range n {
		var key []byte
		if kind := r.Kind(); kind == msgpack.Str || kind == msgpack.Bin {
			key, err = r.Bytes()
		} else {
			err = r.Skip()
		}
		if err != nil {
			return err
		}
		at := r.Pos
		switch string(key) {
		case "chunk":
			err = h.chunk(r)
		case "fluent_signal":
			signal, e := r.Uint64()
			h.Foreign = e == nil && signal != 0
		case "metadata":
			if r.Kind() == msgpack.Map {
				h.metadata = at
			}
		}
		if err != nil {
			return err
		}
		r.Pos = at
		if err := r.Skip(); err != nil {
			return err
		}
	}
	return nil
}

func (h *Header) chunk(r *msgpack.Reader) error {
	at := r.Pos
	if r.Kind() == msgpack.Nil {
		return nil
	}
	if err := r.Skip(); err != nil {
		return err
	}
	if h.Chunk = r.Buf[at:r.Pos]; len(h.Chunk) > MaxChunk {
		return fmt.Errorf("the chunk id must have at most %d bytes, got %d", MaxChunk, len(h.Chunk))
	}
	return nil
}
