package alerts

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// rendered is the PrometheusRule as Helm renders it; the chart's tests keep it
// equal to the template.
const rendered = "../../deploy/helm/otelcol-obs/examples/rum/rendered.yaml"

// rule is an alert of the chart.
type rule struct {
	Alert       string
	Expr        string
	For         string
	Annotations map[string]string
}

func (r rule) hold(t *testing.T) time.Duration {
	t.Helper()
	if r.For == "" {
		return 0
	}
	d, err := time.ParseDuration(r.For)
	require.NoError(t, err, r.Alert)
	return d
}

func chartRules(t *testing.T) []rule {
	t.Helper()
	raw, err := os.ReadFile(rendered)
	require.NoError(t, err)
	for document := range strings.SplitSeq(string(raw), "\n---\n") {
		var object struct {
			Kind string
			Spec struct{ Groups []struct{ Rules []rule } }
		}
		if !strings.Contains(document, "kind: PrometheusRule") {
			continue
		}
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		require.Len(t, object.Spec.Groups, 1)
		require.NotEmpty(t, object.Spec.Groups[0].Rules)
		return object.Spec.Groups[0].Rules
	}
	require.Fail(t, "no PrometheusRule", rendered)
	return nil
}
