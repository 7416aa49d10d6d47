package series

import (
	"fmt"

	"github.com/DataDog/agent-payload/v5/gogen"
)

// Limits of a request, before and after compression. They are those of the Agent's serializer.
// https://github.com/DataDog/datadog-agent/blob/main/pkg/config/setup/config.go
const (
	maxSeriesRaw        = 5_242_880
	maxSketchesRaw      = 4 << 20
	MaxSeriesCompressed = 512_000
	MaxSketchCompressed = 2_621_440
	maxPoints           = 10_000
)

// unit is one series or distribution, and the metric it came from.
type unit struct {
	ref    Ref
	series *gogen.MetricPayload_MetricSeries
	sketch *gogen.SketchPayload_Sketch
	size   int
}

// Part is what one request sends: series or distributions.
type Part struct{ units []unit }

// Refs are the metrics the part comes from.
func (p *Part) Refs() []Ref {
	refs := make([]Ref, 0, len(p.units))
	for _, u := range p.units {
		refs = append(refs, u.ref)
	}
	return refs
}

// cut groups units into parts.
func cut(units []unit, limit int) (parts []*Part) {
	size := 0
	for i, u := range units {
		if i == 0 || size+u.size+8 > limit || len(parts[len(parts)-1].units) == maxPoints {
			parts = append(parts, &Part{})
			size = 0
		}
		p := parts[len(parts)-1]
		p.units = append(p.units, u)
		size += u.size + 8
	}
	return parts
}

// Without is the part without the units of some metrics.
func (p *Part) Without(refs map[Ref]bool) *Part {
	out := &Part{}
	for _, u := range p.units {
		if !refs[u.ref] {
			out.units = append(out.units, u)
		}
	}
	return out
}

// Empty reports whether nothing is to be sent.
func (p *Part) Empty() bool { return len(p.units) == 0 }

// Halve cuts a part in two. It returns false for a single series.
func (p *Part) Halve() (a, b *Part, ok bool) {
	n := len(p.units)
	if n < 2 {
		return nil, nil, false
	}
	return &Part{p.units[:n/2]}, &Part{p.units[n/2:]}, true
}

// Body is the message of the part.
func (p *Part) Body() ([]byte, error) {
	if len(p.units) > 0 && p.units[0].sketch != nil {
		var m gogen.SketchPayload
		for _, u := range p.units {
			m.Sketches = append(m.Sketches, *u.sketch)
		}
		raw, err := m.Marshal()
		if err != nil {
			return nil, fmt.Errorf("encode distributions: %w", err)
		}
		return raw, nil
	}
	var m gogen.MetricPayload
	for _, u := range p.units {
		m.Series = append(m.Series, u.series)
	}
	raw, err := m.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode series: %w", err)
	}
	return raw, nil
}
