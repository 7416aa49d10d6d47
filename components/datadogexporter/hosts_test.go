package datadogexporter

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHostMapIsToldOfThisHostAndOfThoseThatAskForIt(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"host_metadata": map[string]any{"enabled": true, "tags": []any{"team:a"}}})
	exp := k.startTraces(t)
	td := someTraces(0, 2)
	res := td.ResourceSpans().At(0).Resource().Attributes()
	res.PutStr("host.name", "node-7")
	res.PutStr("os.type", "linux")
	res.PutBool("datadog.host.use_as_metadata", true)
	require.NoError(t, exp.ConsumeTraces(t.Context(), td))
	hosts := map[any]bool{}
	k.waitFor(t, "metadata of two hosts", func() bool {
		for _, m := range k.metadata {
			hosts[m["internalHostname"]] = true
		}
		return hosts["host-1"] && hosts["node-7"]
	})
	k.stop(exp)
	require.Equal(t, []any{"team:a"}, k.metadata[0]["host-tags"].(map[string]any)["otel"])
}

func TestHostMetadataThatFailsHoldsNothing(t *testing.T) {
	t.Parallel()
	k := newKit(t, map[string]any{"host_metadata": map[string]any{"enabled": true}})
	k.answer = func(r *http.Request, _ []byte) answer { return answer{hang: r.URL.Path == "/intake/"} }
	exp := k.startTraces(t)
	require.NoError(t, exp.ConsumeTraces(t.Context(), someTraces(0, 5)))
	requireOnce(t, k, 5)
	k.stop(exp)
}
