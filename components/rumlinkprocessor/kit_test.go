package rumlinkprocessor

import (
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

func init() { gather = time.Millisecond }

// sumOf adds up all data points of a counter or gauge.
func sumOf(t testing.TB, tel *componenttest.Telemetry, name string) (sum int64) {
	t.Helper()
	m, err := tel.GetMetric(name)
	if err != nil {
		return 0
	}
	var points []metricdata.DataPoint[int64]
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		points = data.DataPoints
	case metricdata.Gauge[int64]:
		points = data.DataPoints
	}
	for _, p := range points {
		sum += p.Value
	}
	return sum
}

var errPermanent = consumererror.NewPermanent(errors.New("never"))
