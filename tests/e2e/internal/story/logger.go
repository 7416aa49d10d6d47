package story

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"time"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/fluent/fluent-logger-golang/fluent"
)

// logger writes one JSON object per line, with the ids dd-trace puts into
// logs, and sends each line as Fluentd would: under the key "log", acknowledged.
type logger struct{ client *fluent.Fluent }

func newLogger(addr string) (*logger, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	client, err := fluent.New(fluent.Config{FluentHost: host, FluentPort: n, RequestAck: true, SubSecondPrecision: true})
	return &logger{client: client}, err
}

func (l *logger) Close() error { return l.client.Close() }

func (l *logger) Info(ctx context.Context, service, event string) {
	l.log(ctx, service, "info", event, "")
}

func (l *logger) Warn(ctx context.Context, service, event string) {
	l.log(ctx, service, "warning", event, "")
}

func (l *logger) Error(ctx context.Context, service, event, kind string) {
	l.log(ctx, service, "error", event, kind)
}

func (l *logger) log(ctx context.Context, service, level, event, errorType string) {
	now := time.Now()
	line := map[string]any{
		"timestamp": now.UTC().Format(time.RFC3339Nano), "level": level, "event": event, "service": service,
	}
	if errorType != "" {
		line["exception.type"] = errorType
		line["exception.message"] = event
	}
	if span, ok := tracer.SpanFromContext(ctx); ok {
		line["dd.trace_id"] = span.Context().TraceID()
		line["dd.span_id"] = strconv.FormatUint(span.Context().SpanID(), 10)
	}
	raw, err := json.Marshal(line)
	if err != nil {
		panic(err) // strings only
	}
	// A line that is not acknowledged is missed by whoever plays the story.
	_ = l.client.PostWithTime("app."+service, now, map[string]string{"log": string(raw)})
}
