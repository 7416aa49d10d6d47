// Package grpcguard is the admission extension's part of a gRPC server: everything grpc-go lets a server decide before it
// decodes, put together from server options.
//
//   - Credentials wrap what the handshake returns (conn). It is the only place from which a byte can be left unread on
//     somebody else's listener: flow control bounds nothing, since grpc-go opens its windows as bytes arrive. conn follows the
//     HTTP/2 frames, so that it knows what belongs to messages that are not complete, and pays for that.
//   - The tap (call) prices each stream before anything is allocated for it.
//   - Compressors pay while they inflate (inflater).
//   - The codec prices a message and pays for it before the real codec decodes it.
//   - The unary interceptor returns the verdict. An error from the codec or a compressor would reach the client as
//     Internal, which no client retries, so both leave theirs to the interceptor: the codec under the request's pointer, a
//     compressor under the address of the first buffer it filled.
//
// Tests hold each of these against the grpc-go in go.mod.
package grpcguard
