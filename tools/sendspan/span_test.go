package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

func TestASpanIsAcceptedAfterOneRefusal(t *testing.T) {
	var traces []ptrace.Traces
	refusals := 1
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if refusals > 0 {
			refusals--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		assert.Equal(t, "/v1/traces", r.URL.Path)
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(body)
		assert.NoError(t, err)
		traces = append(traces, td)
		_, _ = io.WriteString(w, `{"partialSuccess":{}}`)
	})
	var out strings.Builder
	require.NoError(t, run([]string{"-timeout=30s", server + "/"}, &out))
	require.Len(t, traces, 1)
	rs := traces[0].ResourceSpans().At(0)
	name, _ := rs.Resource().Attributes().Get("service.name")
	assert.Equal(t, "sendspan", name.Str())
	span := rs.ScopeSpans().At(0).Spans().At(0)
	assert.Equal(t, "accepted: trace "+span.TraceID().String()+", service sendspan\n", out.String())
	assert.False(t, span.SpanID().IsEmpty())
	assert.Less(t, span.StartTimestamp(), span.EndTimestamp())
}

func TestWhatIsNotAnAcceptedSpanIsAnError(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		answer string
		err    string
	}{
		"refused for good": {http.StatusBadRequest, "no", "400 Bad Request: no"},
		"rejected span":    {http.StatusOK, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too old"}}`, "rejected the span: too old"},
		"another server":   {http.StatusOK, "<html>", "is no OTLP endpoint"},
		"refused for now":  {http.StatusServiceUnavailable, "full", "not accepted in time"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			})
			var out strings.Builder
			err := run([]string{"-timeout=1s", server}, &out)
			require.ErrorContains(t, err, tt.err)
			assert.Empty(t, out.String())
		})
	}
}

func TestTheAddressMustBeGiven(t *testing.T) {
	require.ErrorContains(t, run(nil, &strings.Builder{}), "want one address such as http://127.0.0.1:4318, got 0")
}

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}
