// Package log is the disk under one sending queue: an append-only log of
// segments, from which what was sent is removed front first.
//
// A queue is written once, read once and deleted, nearly in order. So a request
// costs one write of its own size, that it is done costs 28 bytes, and a segment in
// which nothing is waited for any more is reused or removed whole.
//
// # Files
//
// The directory has segments, <id in 16 hex digits>.seg, in the order of their
// ids, a file "state" that says which of them there must be, and a file "lock".
// All numbers are little endian.
//
//	segment  40 bytes: "OBSLOG1\n", u64 seed of the log, u64 id of the segment,
//	         u64 FNV-1a of the queue's name, u32 CRC-32C of these, u32 0;
//	         then records without padding
//	record   20 bytes: u32 CRC-32C of the head, u32 payload length, u8 kind,
//	         u56 index, u32 CRC-32C of the payload; then the payload
//	state    "OBSSTA1\n", u64 seed, u64 least size of the last segment,
//	         u32 number of segments, u64 id of each, u32 CRC-32C
//
// A record's checksums begin with the seed and the segment's id: bytes of a client
// that look like a record, and records of a segment's earlier life, are none.
//
// # What survives
//
// A record that Append returned for is in the kernel, and with Sync on the disk.
// After damage the records before and behind it are found again. What was there
// and is missing is said in Report.
package log
