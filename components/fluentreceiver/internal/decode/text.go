package decode

import (
	"strings"
	"unicode/utf8"
)

const (
	// chunkBytes bounds what one string that outlives its batch keeps alive.
	chunkBytes = 16 << 10
	// maxKey is the longest key that is remembered.
	maxKey = 64
	// keySlots is how many keys are remembered.
	keySlots = 512
)

// texts makes strings. Values go into chunks, so that a record costs no allocation for each; keys, which repeat from record to record
// and from message to message, are remembered in a table of fixed size, in which a new key replaces the one of the same hash.
type texts struct {
	chunk strings.Builder
	// left is how many bytes of text the message can still hold, which is as large as a chunk need be.
	left int
	keys [keySlots]string
}

// begin says how much text there may be.
func (t *texts) begin(bytes int) {
	t.chunk.Reset()
	t.left = bytes
}

// value copies b. Invalid UTF-8 is replaced: no exporter may send it.
func (t *texts) value(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if !utf8.Valid(b) {
		return repaired(b)
	}
	if t.chunk.Cap()-t.chunk.Len() < len(b) {
		if len(b) > chunkBytes/4 {
			return string(b)
		}
		t.chunk.Reset()
		t.chunk.Grow(min(max(t.left, len(b)), chunkBytes))
	}
	t.left -= len(b)
	start := t.chunk.Len()
	t.chunk.Write(b)
	return t.chunk.String()[start:]
}

// key copies b unless it was seen lately, and returns its slot: keys in different slots differ.
func (t *texts) key(b []byte) (string, int) {
	slot := slotOf(b)
	if slot != 0 && t.keys[slot] == string(b) {
		return t.keys[slot], slot
	}
	if !utf8.Valid(b) {
		// Two that differ may be the same once repaired.
		key := repaired(b)
		return key, slotOf([]byte(key))
	}
	key := string(b)
	if slot != 0 {
		t.keys[slot] = key
	}
	return key, slot
}

func repaired(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// slotOf is 1 to keySlots-1, or 0 for a key too long to be remembered.
func slotOf(b []byte) int {
	if len(b) > maxKey {
		return 0
	}
	h := uint32(2166136261)
	for _, c := range b {
		h = (h ^ uint32(c)) * 16777619
	}
	return 1 + int(h%(keySlots-1))
}
