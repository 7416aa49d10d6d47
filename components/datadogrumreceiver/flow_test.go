package datadogrumreceiver

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelcol-obs/otelcol-obs/internal/readmetest"
)

const (
	appID    = "a0000000-0000-4000-8000-0000000000aa"
	actionID = "ac000000-0000-4000-8000-000000000001"

	clickLine = `{"type":"action","date":1795168790000,"source":"browser","service":"shop","application":{"id":"a0000000-0000-4000-8000-0000000000aa"},` +
		`"session":{"id":"5e000000-0000-4000-8000-000000000001","type":"user"},"view":{"id":"de000000-0000-4000-8000-000000000001","url":"https://shop.example/cart"},` +
		`"action":{"id":"ac000000-0000-4000-8000-000000000001","type":"click","target":{"name":"Pay"},"loading_time":250000000}}`
	fetchLine = `{"type":"resource","date":1795168790010,"source":"browser","service":"shop","application":{"id":"a0000000-0000-4000-8000-0000000000aa"},` +
		`"session":{"id":"5e000000-0000-4000-8000-000000000001","type":"user"},"view":{"id":"de000000-0000-4000-8000-000000000001","url":"https://shop.example/cart"},` +
		`"action":{"id":["ac000000-0000-4000-8000-000000000001"]},"_dd":{"trace_id":"1234567890123456789","span_id":"987654321"},` +
		`"resource":{"id":"7e000000-0000-4000-8000-000000000001","type":"fetch","method":"POST","url":"https://api.example/pay?card=1","status_code":200,"duration":120000000}}`
)

func TestATapBeginsTheTrace(t *testing.T) {
	g := newRig(t, nil).start(nil)
	require.Equal(t, http.StatusAccepted, g.post(joinLines(clickLine, fetchLine)).code)
	require.Eventually(t, func() bool { return len(g.spans()) == 2 }, 10*time.Second, time.Millisecond)

	fetch, click := g.spans()[0], g.spans()[1]
	require.Equal(t, ptrace.SpanKindClient, fetch.Kind())
	require.Equal(t, "0000000000000000112210f47de98115", fetch.TraceID().String())
	require.Equal(t, "000000003ade68b1", fetch.SpanID().String())
	require.Equal(t, click.TraceID(), fetch.TraceID())
	require.Equal(t, click.SpanID(), fetch.ParentSpanID())
	require.True(t, click.ParentSpanID().IsEmpty())
	require.Equal(t, "click Pay", click.Name())
	require.Contains(t, readmetest.Text(t), "click Pay   trace "+click.TraceID().String()+"  span "+click.SpanID().String(), "the README's example is this one")
	require.Equal(t, 250*time.Millisecond, click.EndTimestamp().AsTime().Sub(click.StartTimestamp().AsTime()))
}
