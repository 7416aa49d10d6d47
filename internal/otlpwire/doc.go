// Package otlpwire reads encoded OTLP requests without decoding them: it counts
// their items and finds what surrounds them. How deep an item is nested costs
// nothing, since nothing looks inside.
//
// https://protobuf.dev/programming-guides/encoding
package otlpwire
