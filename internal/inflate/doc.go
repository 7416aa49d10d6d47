// Package inflate undoes the compressions that requests come in, within bounds: a decoder says what memory it needs before
// it takes it, a zstd window is at most 8 MiB whatever the frame asks for, and a block of snappy is no longer than is
// allowed before it is decoded. Decoders are pooled.
//
// It uses github.com/klauspost/compress, golang/snappy and pierrec/lz4, which the collector links anyway. Without them,
// every one of these formats would have to be written here.
package inflate
