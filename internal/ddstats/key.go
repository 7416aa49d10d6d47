package ddstats

import (
	"github.com/DataDog/sketches-go/ddsketch"
)

// Key is everything that tells two groups of spans apart.
type Key struct {
	// Of the payload.
	Env, Host, Version, ContainerID, GitCommit, ImageTag, Language, ContainerTags, ProcessTags string
	// Of the group.
	Service, Name, Resource, Type, Kind, GRPCStatus string
	// PeerTags are sorted and separated by peerSeparator.
	PeerTags   string
	HTTPStatus uint32
	Synthetics bool
	Root       bool
}

const peerSeparator = "\x00"

// overflowName is the resource of groups that are more than are kept apart, as OpenTelemetry calls it.
const overflowName = "otel.metric.overflow"

// group is what is counted of the spans that have a key in common.
type group struct {
	hits, errors, topLevel, duration float64
	ok, failed                       *ddsketch.DDSketch

	number uint64 // in the journal
	noted  bool   // it has a number
	dirty  bool
}

// Accuracy of durations, as the Agent's. https://github.com/DataDog/datadog-agent/blob/main/pkg/trace/stats/statsraw.go
const (
	relativeAccuracy = 0.01
	maxBins          = 2048
)

func newSketch() *ddsketch.DDSketch {
	s, err := ddsketch.LogCollapsingLowestDenseDDSketch(relativeAccuracy, maxBins)
	if err != nil {
		panic(err) // only for an accuracy outside of 0 and 1
	}
	return s
}

func (g *group) add(h hit) {
	g.dirty = true
	g.hits += h.weight
	g.duration += float64(h.duration) * h.weight
	if h.topLevel {
		g.topLevel += h.weight
	}
	sketch := &g.ok
	if h.failed {
		g.errors += h.weight
		sketch = &g.failed
	}
	if *sketch == nil {
		*sketch = newSketch()
	}
	// A duration is never negative and always finite: the sketch takes it.
	_ = (*sketch).Add(coarse(h.duration))
}
