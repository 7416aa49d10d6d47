// Package alerts holds the chart's alerts to what they promise: each one runs
// in Prometheus' own engine, over series in the form the collector emits, and
// fires in its incident and nowhere else. testdata/incidents.yaml has them.
package alerts
