// Package ttlset remembers what was seen lately: for a time, and up to a number.
//
//   - Set holds keys alone, at about 20 bytes beside each key: hashes of things
//     that may be sent again, by the million.
//   - Map holds a value for each key. The least recently used is forgotten first.
//   - Claims is for what two requests may do at once and one must not do again:
//     a key is claimed, then committed, or released when the work failed.
//
// All answer with values and count what they forgot; the caller's metrics read
// the counts. Set and Map do not lock: a caller takes its own lock once for a
// batch, or spreads keys over several. Claims locks.
//
// Libraries: golang-lru's simplelru, for Map.
package ttlset
