// Package wire is the request that waits in an exporter's queue as the bytes
// that will be sent: one or more encoded Export*ServiceRequest messages.
// Messages joined end to end are one message (protobuf, "Last One Wins": repeated
// fields concatenate), so merging moves no byte.
//
// https://protobuf.dev/programming-guides/encoding
package wire
