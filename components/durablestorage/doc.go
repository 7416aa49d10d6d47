// Package durablestorage is the disk under the exporters' sending queues.
//
// It wraps file_storage and keeps its file format and file names, so a queue
// can move from one to the other, and adds five promises:
//
//   - what a queue accepted survives any number of kills, also during start:
//     requests that were in flight come back by one change of the queue's
//     metadata, never by deleting and writing them anew;
//   - a full disk refuses new requests and nothing else. What is queued can
//     still be read, sent and deleted, with space that was reserved for it;
//   - a queue file has a size that it does not pass;
//   - a file that is damaged is set aside before bbolt maps it (a damaged page
//     is a panic or a SIGBUS there), its intact requests are brought over to a
//     new file and the collector starts;
//   - each refusal, rescue and loss has a counter.
//
// Read marks, and deletes when each commit waits for the disk, may wait some
// milliseconds for the next write and share its commit. If the process dies in
// between, requests are sent again: the storage is at-least-once, as the queue
// on it is.
package durablestorage
