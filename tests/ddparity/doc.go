// Package ddparity holds what the datadog_intake exporter sends beside what a real Datadog Agent sends of the same payloads.
//
// The Agent is datadog-agent's own, run in the test. Both get the bytes a tracer sent; both send to an intake in the test.
package ddparity
