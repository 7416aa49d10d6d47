// Package tagtruncate keeps telemetry within a backend's limits: lengths of
// values, keys, names and log bodies, counts of attributes, array elements,
// events and links, and depth of nesting.
//
// What leaves ends on a rune boundary, carries every identity it came with,
// and is the same when it passes twice. A batch that is within its limits
// passes unallocated, and a cut costs the length of the limit, not of the
// value.
package tagtruncate
