// Package durablestorage is the disk under the exporters' sending queues.
//
// A queue is a log of segments (package internal/log); what other components store
// is in bbolt files as file_storage writes them. Both keep five promises:
//
//   - what a queue accepted survives any number of kills, also during start;
//   - a full disk refuses new requests and nothing else. What is queued can still
//     be read, sent and deleted, with space that was reserved for it;
//   - a queue has a size that it does not pass;
//   - damage costs what it touches: the rest is sent, the damaged file is set aside
//     and the collector starts;
//   - each refusal, rescue and loss has a counter.
//
// Deletes, when each write waits for the disk, may wait some milliseconds for the
// next write and share its sync. If the process dies in between, requests are sent
// again: the storage is at-least-once, as the queue on it is.
package durablestorage
