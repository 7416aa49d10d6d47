package retrypolicy

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

func TestSignalOf(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/traces": traces, "/v1/logs": logs, "/v1/metrics": metrics, "/v1development/profiles": profiles,
		"/api/v2/otlpmetrics": metrics, "/catalog/v1/traces": traces, "/insert/opentelemetry/v1/logs": logs,
		"/opentelemetry.proto.collector.trace.v1.TraceService/Export": traces, "/api/v2/series": unknown, "": unknown,
	} {
		require.Equal(t, want, signalOf(path), path)
	}
}

// quarter cuts until nothing can be cut and returns the single items in order.
func quarter(t *testing.T, signal, contentType string, body []byte) [][]byte {
	t.Helper()
	a, b, err := halve(signal, contentType, body)
	if err != nil {
		require.ErrorIs(t, err, errOneItem)
		return [][]byte{body}
	}
	return append(quarter(t, signal, contentType, a), quarter(t, signal, contentType, b)...)
}

func TestHalvesKeepEverythingInOrder(t *testing.T) {
	for _, contentType := range []string{protobuf, jsonType} {
		asJSON := contentType == jsonType
		marshal := message.MarshalProto
		if asJSON {
			marshal = message.MarshalJSON
		}
		body, err := marshal(ptraceotlp.NewExportRequestFromTraces(someTraces(23)))
		require.NoError(t, err)
		parts := quarter(t, traces, contentType, body)
		require.Len(t, parts, 23)
		for i, part := range parts {
			req := ptraceotlp.NewExportRequest()
			require.NoError(t, unmarshal(req, part, asJSON))
			require.Equal(t, 1, req.Traces().SpanCount())
			rs := req.Traces().ResourceSpans().At(0)
			require.Equal(t, fmt.Sprintf("span %d", i), rs.ScopeSpans().At(0).Spans().At(0).Name())
			service, _ := rs.Resource().Attributes().Get("service.name")
			require.Equal(t, fmt.Sprintf("service %d", i/7*7), service.Str())
		}

		body, err = marshal(plogotlp.NewExportRequestFromLogs(someLogs(23)))
		require.NoError(t, err)
		parts = quarter(t, logs, contentType, body)
		require.Len(t, parts, 23)
		for i, part := range parts {
			req := plogotlp.NewExportRequest()
			require.NoError(t, unmarshal(req, part, asJSON))
			require.Equal(t, []string{fmt.Sprintf("record %d", i)}, bodiesOf(req.Logs()))
			require.Equal(t, "resource schema", req.Logs().ResourceLogs().At(0).SchemaUrl())
			require.Equal(t, "scope schema", req.Logs().ResourceLogs().At(0).ScopeLogs().At(0).SchemaUrl())
		}

		body, err = marshal(pmetricotlp.NewExportRequestFromMetrics(someMetrics(7)))
		require.NoError(t, err)
		parts = quarter(t, metrics, contentType, body)
		require.Len(t, parts, 49)
		whole := someMetrics(7).ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
		for i, part := range parts {
			req := pmetricotlp.NewExportRequest()
			require.NoError(t, unmarshal(req, part, asJSON))
			ms := req.Metrics().ResourceMetrics().At(0).ScopeMetrics().At(0).Metrics()
			require.Equal(t, 1, ms.Len())
			want := pmetric.NewMetric()
			whole.At(i / 7).CopyTo(want)
			keepPoint(want, i%7)
			require.Equal(t, want, ms.At(0), "metric %d", i)
		}
	}
}

// keepPoint leaves one point in a metric.
func keepPoint(m pmetric.Metric, keep int) {
	n := -1
	other := func() bool { n++; return n != keep }
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		m.Gauge().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return other() })
	case pmetric.MetricTypeSum:
		m.Sum().DataPoints().RemoveIf(func(pmetric.NumberDataPoint) bool { return other() })
	case pmetric.MetricTypeHistogram:
		m.Histogram().DataPoints().RemoveIf(func(pmetric.HistogramDataPoint) bool { return other() })
	case pmetric.MetricTypeExponentialHistogram:
		m.ExponentialHistogram().DataPoints().RemoveIf(func(pmetric.ExponentialHistogramDataPoint) bool { return other() })
	case pmetric.MetricTypeSummary:
		m.Summary().DataPoints().RemoveIf(func(pmetric.SummaryDataPoint) bool { return other() })
	}
}

func TestWhatCantBeHalvedIsSaid(t *testing.T) {
	for _, test := range []struct{ signal, contentType string }{{unknown, protobuf}, {profiles, protobuf}, {logs, "text/plain"}} {
		_, _, err := halve(test.signal, test.contentType, []byte{})
		require.ErrorIs(t, err, errNotSplittable)
	}
	_, _, err := halve(logs, protobuf, []byte("\xff\xff"))
	require.Error(t, err)
	empty, err := ptraceotlp.NewExportRequestFromTraces(ptrace.NewTraces()).MarshalProto()
	require.NoError(t, err)
	_, _, err = halve(traces, protobuf, empty)
	require.ErrorIs(t, err, errOneItem)
}

// The requests that the linked exporter hands to gRPC are internal types, whose
// methods are all that is known of them.
func TestTheLinkedPdataIsMarshalledByItsOwnMethods(t *testing.T) {
	want, err := plogotlp.NewExportRequestFromLogs(someLogs(20)).MarshalProto()
	require.NoError(t, err)
	k, b := newKit(t), &backend{}
	b.grpc = func([]string) error { return errInvalid }
	require.NoError(t, overGRPC(t, k, b).ConsumeLogs(t.Context(), someLogs(20)),
		"a request that has no SizeProto, MarshalProto and UnmarshalProto can't be kept: pdata has changed")
	files := k.files(t)
	require.Len(t, files, 1)
	require.Equal(t, want, mustRead(t, files[0]))
}
