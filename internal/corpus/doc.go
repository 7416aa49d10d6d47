// Package corpus is what real clients sent: the input of benchmarks and of
// allocation counts, so that their figures say something about real traffic.
// Only tests import it.
//
//	for _, p := range corpus.Payloads(b, "go", "v0.4") { … p.Body … }
//
// Clients and their formats (All lists them):
//
//	go, node, python, java   v0.4, and v1.0 (go) or v0.5 (the others): one request to the trace agent each
//	browser                  rum: one request of the RUM SDK each, behind a proxy, deflated where the query says so
//	fluent                   forward: everything one logger sent over one connection
//
// Each tracer file holds at least 2000 spans with HTTP, SQL, cache, queues, errors,
// events and links under ids, times, URLs and statements of their own. Host, user
// and folders are replaced, ids are as they came. The files are tar archives
// compressed by zstd: tar --zstd -xf testdata/go-v0.4.tar.zst.
//
// Recorded by tests/e2e/record, which says how to do it again.
//
// Libraries: klauspost/compress, for zstd.
package corpus
