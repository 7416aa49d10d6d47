// Package ddcontext is the grammar of Datadog trace context.
package ddcontext
