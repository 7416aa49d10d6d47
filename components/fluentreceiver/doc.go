//go:generate mdatagen metadata.yaml

// Package fluentreceiver receives the Fluent forward protocol, as Fluent Bit, Fluentd, Docker and loggers in many languages speak it,
// and hands on log records.
//
// A message is acknowledged when the pipeline has taken its records, which behind the durable queue means that they are on disk. What
// is refused for now is held and tried again, the connection unread meanwhile; what never can succeed is counted, logged and
// acknowledged, so that one record does not stop all behind it. Nothing a stranger sends costs more memory than the pools of
// internal/admission give.
package fluentreceiver
