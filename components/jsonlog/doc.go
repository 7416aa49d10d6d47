//go:generate mdatagen metadata.yaml

// Package jsonlog reads log lines that are JSON objects in a string, as
// structlog, zap, pino and Fluentd's parser filter with reserve_data leave
// them, and spreads them over the log record: attributes, body, severity, time.
//
// Every integer keeps every digit, whatever its size. A line that is too
// large, too deep, too full or not JSON passes untouched and is counted. The
// line itself is kept in log.record.original. What Docker and CRI put around a
// line is taken off first. Of lines that are text, internal/textline reads
// severity and time.
package jsonlog
