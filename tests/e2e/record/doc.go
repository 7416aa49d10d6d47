// Command record writes internal/corpus/testdata: what real tracers, the RUM SDK
// in a browser and Fluent loggers send under a load that varies.
//
//	cd tests/e2e && ../../.ci/clients && go run ./record
//
// Each program in apps is a shop behind HTTP, traced as its users would trace it.
// This command sends it a fixed list of requests, is the agent it reports to, and
// the service it calls. Ids and times are the tracer's own, so no two recordings
// are equal. Names of this machine, its user and its folders are replaced by
// others of the same length.
//
// It needs Node, Python, a JDK with Maven, and Chromium; .ci/clients installs
// their packages. -only records some of them.
package main
