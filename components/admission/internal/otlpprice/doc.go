// Package otlpprice says, before an OTLP request is decoded, how much memory it will hold decoded.
//
// Two bytes of protobuf become over two hundred of heap (an empty span), so the length of a body says nothing. Shallow
// walks a request down to its spans, records and data points, takes small ones at the price of the dearest byte that can
// stand in them, and costs a fraction of a percent of the decoding. Deep looks at every field and is close to the truth.
// JSON is always looked through.
//
// What the decoder accepts is not called malformed here, with one exception: groups, which OTLP has never had.
package otlpprice
