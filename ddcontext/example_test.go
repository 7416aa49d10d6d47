package ddcontext_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/otelcol-obs/otelcol-obs/ddcontext"
)

// tracer is the service's own; these examples run without an SDK, so a span of theirs is in its parent's place.
var tracer = noop.NewTracerProvider().Tracer("example")

// An HTTP service between two services that Datadog's libraries trace: what came in goes out, in both spellings.
func Example_http() {
	propagator := propagation.NewCompositeTextMapPropagator(ddcontext.New(), propagation.Baggage{})

	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ctx := propagator.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, "handle", trace.WithLinks(ddcontext.LinksFromContext(ctx)...))
		defer span.End()

		downstream, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://next.example/", nil)
		propagator.Inject(ctx, propagation.HeaderCarrier(downstream.Header))
		for _, name := range []string{"X-Datadog-Trace-Id", "X-Datadog-Sampling-Priority", "X-Datadog-Tags", "Traceparent"} {
			fmt.Println(name+":", downstream.Header.Get(name))
		}
	})

	request := httptest.NewRequest(http.MethodGet, "/", nil)
	request.Header.Set("x-datadog-trace-id", "1311768467463790320")
	request.Header.Set("x-datadog-parent-id", "81985529216486895")
	request.Header.Set("x-datadog-sampling-priority", "2")
	request.Header.Set("x-datadog-tags", "_dd.p.dm=-4,_dd.p.tid=640cfd8d00000000")
	handler.ServeHTTP(httptest.NewRecorder(), request)
	// Output:
	// X-Datadog-Trace-Id: 1311768467463790320
	// X-Datadog-Sampling-Priority: 2
	// X-Datadog-Tags: _dd.p.tid=640cfd8d00000000,_dd.p.dm=-4
	// Traceparent: 00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01
}

// MessageAttributeValue stands for the type of that name in the AWS SDK.
type MessageAttributeValue struct {
	DataType    *string
	StringValue *string
	BinaryValue []byte
}

// sqsAttributes is the adapter a service writes: it makes the SDK's map a ddcontext.MessageAttributes.
type sqsAttributes map[string]MessageAttributeValue

func (a sqsAttributes) Get(name string) ([]byte, bool) {
	attribute, ok := a[name]
	if attribute.StringValue != nil {
		return []byte(*attribute.StringValue), ok
	}
	return attribute.BinaryValue, ok
}

func (a sqsAttributes) Set(name, value string) {
	dataType := "String"
	a[name] = MessageAttributeValue{DataType: &dataType, StringValue: &value}
}

func (a sqsAttributes) Names() []string {
	names := make([]string, 0, len(a))
	for name := range a {
		names = append(names, name)
	}
	return names
}

// A message over SQS: the producer writes the attribute _datadog that Datadog's tracers read, and the consumer reads theirs.
func Example_sqs() {
	propagator := ddcontext.New(ddcontext.WithStyles(ddcontext.Datadog))

	// The producer, inside a request.
	ctx := propagator.Extract(context.Background(), propagation.MapCarrier{"x-datadog-trace-id": "1311768467463790320", "x-datadog-parent-id": "81985529216486895", "x-datadog-sampling-priority": "1"})
	message := sqsAttributes{}
	carrier := ddcontext.NewMessageCarrier(message)
	propagator.Inject(ctx, carrier)
	if err := carrier.Err(); err != nil {
		fmt.Println(err) // 10 attributes already: the message goes without a context
	}
	fmt.Println(*message["_datadog"].StringValue)

	// The consumer, in another process.
	received := propagator.Extract(context.Background(), ddcontext.NewMessageCarrier(message))
	_, span := tracer.Start(received, "process", trace.WithSpanKind(trace.SpanKindConsumer))
	defer span.End()
	fmt.Println(span.SpanContext().TraceID(), span.SpanContext().SpanID())
	// Output:
	// {"x-datadog-parent-id":"81985529216486895","x-datadog-sampling-priority":"1","x-datadog-trace-id":"1311768467463790320"}
	// 0000000000000000123456789abcdef0 0123456789abcdef
}

// A consumer that continues a message's trace must start its span from the context that Extract returned. It is easily done wrong:
//
//   - dd-trace-go: tracer.StartSpan(name, tracer.ChildOf(extracted)) continues the message's trace. StartSpanFromContext(ctx, name,
//     tracer.ChildOf(extracted)) does not, if ctx holds the poll loop's span: the span in ctx outranks ChildOf.
//   - OpenTelemetry: tracer.Start(ctx, name) takes its parent from ctx alone, so the poll loop's ctx gives the poll loop's trace.
//   - Either: one ctx variable for a whole batch makes a message without headers continue the message before it.
func Example_consumer() {
	propagator := ddcontext.New()
	poll := propagator.Extract(context.Background(), propagation.MapCarrier{"x-datadog-trace-id": "1", "x-datadog-parent-id": "10"}) // the poll loop's own trace

	batch := []propagation.MapCarrier{
		{"x-datadog-trace-id": "2", "x-datadog-parent-id": "20"},
		{}, // a producer nobody traces
	}

	fmt.Println("wrong, from the poll loop's context:")
	for _, headers := range batch {
		_ = propagator.Extract(poll, headers)
		_, span := tracer.Start(poll, "process")
		fmt.Println(" ", span.SpanContext().TraceID())
	}

	fmt.Println("wrong, one variable for the batch:")
	ctx := poll
	for _, headers := range batch {
		ctx = propagator.Extract(ctx, headers)
		_, span := tracer.Start(ctx, "process")
		fmt.Println(" ", span.SpanContext().TraceID())
	}

	fmt.Println("right, a context for each message, without the poll loop's span:")
	for _, headers := range batch {
		messageCtx := trace.ContextWithSpanContext(poll, trace.SpanContext{}) // keeps deadline and values
		messageCtx = propagator.Extract(messageCtx, headers)
		_, span := tracer.Start(messageCtx, "process")
		fmt.Println(" ", span.SpanContext().TraceID())
	}
	// Output:
	// wrong, from the poll loop's context:
	//   00000000000000000000000000000001
	//   00000000000000000000000000000001
	// wrong, one variable for the batch:
	//   00000000000000000000000000000002
	//   00000000000000000000000000000002
	// right, a context for each message, without the poll loop's span:
	//   00000000000000000000000000000002
	//   00000000000000000000000000000000
}

// Kafka clients whose header is a struct of Key string and Value []byte (franz-go, kafka-go, confluent-kafka-go) need no adapter.
func ExampleNewHeaderList() {
	type RecordHeader struct { // as in the client library
		Key   string
		Value []byte
	}
	type Record struct{ Headers []RecordHeader }

	propagator := ddcontext.New(ddcontext.WithStyles(ddcontext.Datadog))
	ctx := propagator.Extract(context.Background(), propagation.MapCarrier{"x-datadog-trace-id": "1", "x-datadog-parent-id": "2", "x-datadog-sampling-priority": "1"})

	var record Record
	propagator.Inject(ctx, ddcontext.NewHeaderList(&record.Headers))
	for _, h := range record.Headers {
		fmt.Printf("%s: %s\n", h.Key, h.Value)
	}
	// Output:
	// x-datadog-trace-id: 1
	// x-datadog-parent-id: 2
	// x-datadog-sampling-priority: 1
}

// Datadog's view of the current trace, for logs or for a decision of one's own.
func ExampleFromContext() {
	ctx := ddcontext.New().Extract(context.Background(), propagation.MapCarrier{
		"traceparent": "00-640cfd8d00000000123456789abcdef0-0123456789abcdef-01",
		"tracestate":  "dd=s:2;o:rum;t.dm:-4",
	})
	data, ok := ddcontext.FromContext(ctx)
	maker, _ := data.Tags.Get("_dd.p.dm")
	fmt.Println(ok, data.Priority, data.Origin, maker)
	// Output: true 2 rum -4
}
