// Package e2e runs the shipped binary as its users do: real clients in, a
// stand-in backend out, nothing imported from the components.
//
//	internal/collector  starts the binary on free ports and ends it cleanly
//	internal/sink       an OTLP backend, gRPC and HTTP, that keeps what it gets
//	internal/ddintake   the Datadog intake as the datadog exporter sees it
//	internal/story      the small system of real clients the tests and the demo share
//	demo                what `make run` plays
//	clients             the tests that need Node, Python or a browser (`make test-clients`)
//	crash               the kill tests (`make crash`)
package e2e
