// Package bytestr does for strings and byte slices alike what encoding/binary does for slices alone.
package bytestr

import "math/bits"

// Uint64 reads 8 bytes, the lowest first. It is one instruction.
func Uint64[T string | []byte](b T) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Uint32 reads 4 bytes, the lowest first.
func Uint32[T string | []byte](b T) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// CommonPrefix returns how many bytes a and b begin with alike.
func CommonPrefix[T string | []byte](a, b T) int {
	const chunk = 64
	n, i := min(len(a), len(b)), 0
	a, b = a[:n], b[:n]
	for i <= n-chunk && string(a[i:i+chunk]) == string(b[i:i+chunk]) {
		i += chunk
	}
	for ; i <= n-8; i += 8 {
		if diff := Uint64(a[i:i+8]) ^ Uint64(b[i:i+8]); diff != 0 {
			return i + bits.TrailingZeros64(diff)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
