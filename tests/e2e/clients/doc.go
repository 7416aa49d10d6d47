// Package clients drives the real clients that need more than Go: npm
// dd-trace, PyPI ddtrace with structlog and fluent-logger, and a browser with
// the RUM SDK. `.ci/clients` installs them; `make test-clients` runs the tests,
// which fail with the install command in words where one is missing.
package clients
