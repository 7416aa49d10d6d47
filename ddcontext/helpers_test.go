package ddcontext

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// headersOf makes a map of lines "name: value".
func headersOf(lines string) propagation.MapCarrier {
	m := propagation.MapCarrier{}
	for line := range strings.Lines(lines) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(strings.TrimLeft(line, "\t "), "\n"), ": "); ok {
			m[name] = value
		}
	}
	return m
}

func httpHeaders(m propagation.MapCarrier) propagation.HeaderCarrier {
	h := http.Header{}
	for k, v := range m {
		h.Set(k, v)
	}
	return propagation.HeaderCarrier(h)
}

// linesOf is the inverse of headersOf, sorted.
func linesOf(m propagation.MapCarrier) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString(k + ": " + m[k] + "\n")
	}
	return b.String()
}

func trimLines(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		if line = strings.Trim(line, "\t\n"); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// problems collects what a propagator reports.
type problems []string

func (p *problems) handler() Option {
	return WithErrorHandler(func(kind string) { *p = append(*p, kind) })
}

// localSpan is a context whose current span is a local child of the remote one in ctx: what tracer.Start makes of it.
func localSpan(ctx context.Context, t testing.TB, id uint64, sampled bool) context.Context {
	t.Helper()
	parent := trace.SpanContextFromContext(ctx)
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    parent.TraceID(),
		SpanID:     SpanID(id),
		TraceFlags: parent.TraceFlags().WithSampled(sampled),
		TraceState: parent.TraceState(),
	}))
}

func listOf(m propagation.MapCarrier) (list []MessageHeader) {
	for k, v := range m {
		list = append(list, MessageHeader{k, []byte(v)})
	}
	return list
}
