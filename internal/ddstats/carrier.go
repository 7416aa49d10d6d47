package ddstats

import (
	"fmt"

	pb "github.com/DataDog/datadog-agent/pkg/proto/pbgo/trace"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"google.golang.org/protobuf/proto"
)

// CarrierName is the name of a metric, and of its one attribute, that carries a payload of statistics to the exporter. DataDog's own
// connector calls it so too. Nobody else must get it: the attribute is as large as the payload.
const CarrierName = "dd.internal.stats.payload"

// Carry puts payloads into metrics, one point for each.
func Carry(payloads []*pb.StatsPayload) (pmetric.Metrics, error) {
	md := pmetric.NewMetrics()
	if len(payloads) == 0 {
		return md, nil
	}
	metric := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	return md, CarryIn(metric, payloads)
}

// CarryIn puts payloads into one metric.
func CarryIn(metric pmetric.Metric, payloads []*pb.StatsPayload) error {
	metric.SetName(CarrierName)
	sum := metric.SetEmptySum()
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	for _, p := range payloads {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
		if err != nil {
			return fmt.Errorf("encode statistics: %w", err)
		}
		point := sum.DataPoints().AppendEmpty()
		if len(p.Stats) > 0 && len(p.Stats[0].Stats) > 0 {
			point.SetTimestamp(pcommon.Timestamp(p.Stats[0].Stats[0].Start))
		}
		point.Attributes().PutEmptyBytes(CarrierName).FromRaw(raw)
	}
	return nil
}

// IsCarrier reports whether a metric carries payloads.
func IsCarrier(metric pmetric.Metric) bool {
	return metric.Name() == CarrierName && metric.Type() == pmetric.MetricTypeSum
}

// Carried reads the payload of a point.
func Carried(point pmetric.NumberDataPoint) (*pb.StatsPayload, error) {
	v, ok := point.Attributes().Get(CarrierName)
	if !ok || v.Type() != pcommon.ValueTypeBytes {
		return nil, fmt.Errorf("the point has no attribute %s", CarrierName)
	}
	p := new(pb.StatsPayload)
	if err := proto.Unmarshal(v.Bytes().AsRaw(), p); err != nil {
		return nil, fmt.Errorf("decode statistics: %w", err)
	}
	return p, nil
}

// CarryBeside puts payloads into metrics that say the same, which are moved into the scope of the carrier: whoever posts the payloads
// leaves out what stands beside them.
func CarryBeside(md pmetric.Metrics, payloads []*pb.StatsPayload) error {
	for i, rm := range md.ResourceMetrics().All() {
		metric := rm.ScopeMetrics().At(0).Metrics().AppendEmpty()
		if i > 0 {
			payloads = nil // an empty carrier
		}
		if err := CarryIn(metric, payloads); err != nil {
			return err
		}
	}
	return nil
}
