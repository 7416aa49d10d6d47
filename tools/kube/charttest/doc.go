// Package charttest holds the chart to what it promises, without a cluster:
// lint, unit tests, golden renderings, Kubernetes' own schemas for three
// versions, the values schema's refusals, and every configuration it makes,
// checked by the shipped binary with exactly the environment its pod gets.
//
// The tools are built by `make kube-tools`, the binary by `make build`; a
// missing one fails the tests and names the command.
package charttest
