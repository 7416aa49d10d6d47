// Package httpguard is the admission extension's middleware for HTTP servers. An OTLP request is read whole, priced and paid
// for before the receiver sees it; every other request gets a body that pays for its bytes and keeps a pace.
//
// It stands behind authentication and, with compression_algorithms: [] on the listener, before decompression, which is its
// own then.
package httpguard
