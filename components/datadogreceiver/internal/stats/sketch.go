package stats

import (
	"math"
	"slices"

	"github.com/DataDog/sketches-go/ddsketch/mapping"
	"github.com/DataDog/sketches-go/ddsketch/pb/sketchpb"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"google.golang.org/protobuf/proto"
)

const (
	// maxBuckets is what SDKs allow by default. https://opentelemetry.io/docs/specs/otel/metrics/sdk/
	maxBuckets = 160
	// maxScale is a relative error of 1 %, which is what a tracer's sketch has.
	maxScale = 5
	// maxBins bounds a sketch. Tracers keep 2048.
	maxBins = 8192
)

// bin is a number of spans of about one duration.
type bin struct {
	seconds float64
	count   uint64
}

// sketch adds the histogram of one DDSketch of nanoseconds.
func (d *decoder) sketch(s *service, raw []byte, failed bool, attrs pcommon.Map) {
	if len(raw) == 0 {
		return
	}
	bins, zeros, ok := readSketch(raw)
	if !ok {
		d.badSketches++
		return
	}
	if len(bins) == 0 && zeros == 0 {
		return
	}
	p := s.duration.AppendEmpty()
	p.SetStartTimestamp(d.start)
	p.SetTimestamp(d.end)
	attrs.CopyTo(p.Attributes())
	p.Attributes().PutBool("error", failed)
	fill(p, bins, zeros)
}

// readSketch reads the bins in the order of their values. Their counts are whole numbers although the sketch has floats.
func readSketch(raw []byte) (bins []bin, zeros uint64, ok bool) {
	var sketch sketchpb.DDSketch
	if proto.Unmarshal(raw, &sketch) != nil || sketch.Mapping == nil {
		return nil, 0, false
	}
	index, err := mapping.FromProto(sketch.Mapping)
	if err != nil {
		return nil, 0, false
	}
	store := sketch.PositiveValues
	n := len(store.GetBinCounts()) + len(store.GetContiguousBinCounts())
	if n > maxBins {
		return nil, 0, false
	}
	add := func(i int32, count float64) {
		seconds := index.Value(int(i)) / 1e9
		// NaN and infinity are neither.
		if seconds > 0 && seconds <= math.MaxFloat64 && count >= 0.5 && count < 1<<53 {
			bins = append(bins, bin{seconds: seconds, count: uint64(math.Round(count))})
		}
	}
	for i, count := range store.GetBinCounts() {
		add(i, count)
	}
	for i, count := range store.GetContiguousBinCounts() {
		add(store.GetContiguousBinIndexOffset()+int32(i), count)
	}
	slices.SortFunc(bins, func(a, b bin) int {
		switch {
		case a.seconds < b.seconds:
			return -1
		case a.seconds > b.seconds:
			return 1
		}
		return 0
	})
	if count := sketch.ZeroCount; count >= 0.5 && count < 1<<53 {
		zeros = uint64(math.Round(count))
	}
	return bins, zeros, true
}

// fill writes bins in ascending order as an exponential histogram of the finest scale that keeps within maxBuckets.
// https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
func fill(p pmetric.ExponentialHistogramDataPoint, bins []bin, zeros uint64) {
	p.SetZeroCount(zeros)
	total := zeros
	if len(bins) == 0 {
		p.SetCount(total)
		p.SetSum(0)
		return
	}
	scale := int32(maxScale)
	first, last := bucketOf(bins[0].seconds, scale), bucketOf(bins[len(bins)-1].seconds, scale)
	for last-first >= maxBuckets {
		scale--
		first, last = first>>1, last>>1
	}
	counts := make([]uint64, last-first+1)
	sum := 0.0
	for _, b := range bins {
		i := bucketOf(b.seconds, maxScale)>>(maxScale-scale) - first
		counts[i] += b.count
		total += b.count
		sum += b.seconds * float64(b.count)
	}
	p.SetScale(scale)
	p.Positive().SetOffset(first)
	p.Positive().BucketCounts().FromRaw(counts)
	p.SetCount(total)
	p.SetSum(sum)
}

// bucketOf is the bucket (base^i, base^(i+1)] with base 2^(2^-scale) that v, a positive number, lies in.
func bucketOf(v float64, scale int32) int32 {
	return int32(math.Ceil(math.Log2(v)*math.Ldexp(1, int(scale)))) - 1
}
