// Package digest names bodies and events in tables by a fixed size.
package digest

import "hash/maphash"

// Key stands for a body or an event. The seeds are this process's own, so
// nobody outside can make two of them equal.
type Key [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// Of returns the key of what the parts say together.
func Of(parts ...string) (k Key) {
	var buf [256]byte
	b := buf[:0]
	for _, part := range parts {
		b = append(append(b, part...), 0)
	}
	for i, seed := range seeds {
		k[i] = maphash.Bytes(seed, b)
	}
	return k
}
