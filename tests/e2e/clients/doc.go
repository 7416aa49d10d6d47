// Package clients drives what needs more than Go: npm dd-trace, PyPI ddtrace
// with structlog and fluent-logger, the Fluent clients of Go, Node and Java, a
// browser with the RUM SDK, and an Apache
// Kafka broker between agents and gateways. `.ci/clients` installs them; `make
// test-clients` runs the tests, which fail with the install command in words
// where one is missing.
package clients
