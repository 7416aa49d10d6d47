// Package stats turns the statistics tracers compute about their spans (/v0.6/stats) into OTLP metrics.
//
// Counts become delta sums and the sketches of durations delta exponential histograms, one data point for each group of spans the
// tracer counts apart. As with traces no declared length is believed, and what is made stays in proportion to what was sent.
package stats

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/otelcol-obs/otelcol-obs/internal/msgpack"
)

// maxServices bounds the resources of one payload.
const maxServices = 256

var (
	// ErrTooManyGroups refuses a payload with more groups of spans than allowed.
	ErrTooManyGroups = errors.New("payload has more groups than max_spans_per_request")
	// ErrTooManyServices refuses a payload with more than maxServices services.
	ErrTooManyServices = errors.New("payload has statistics of more than 256 services")
)

// Result is a decoded payload.
type Result struct {
	Metrics pmetric.Metrics
	// Groups of spans the statistics are about, and those among them that made no sense.
	Groups, Dropped int
	// Sketches that could not be read. The counts beside them were.
	BadSketches int
}

// Decode reads a ClientStatsPayload, which a tracer sends, or a StatsPayload, in which an agent wraps several.
// https://github.com/DataDog/datadog-agent/blob/main/pkg/proto/datadog/trace/stats.proto
func Decode(body []byte, maxGroups int) (Result, error) {
	d := &decoder{r: msgpack.Reader{Buf: body}, maxGroups: maxGroups, strings: make(map[string]string), out: pmetric.NewMetrics()}
	err := d.payload(false)
	return Result{Metrics: d.out, Groups: d.groups, Dropped: d.dropped, BadSketches: d.badSketches}, err
}

type decoder struct {
	r         msgpack.Reader
	maxGroups int
	strings   map[string]string
	out       pmetric.Metrics

	sender    sender
	services  []service // of this sender
	resources int
	interval
	group group
	tally
}

// interval is that of the bucket that is read.
type interval struct{ start, end pcommon.Timestamp }

type tally struct{ groups, dropped, badSketches int }

// sender is what a payload says about the process that sent it.
type sender struct {
	host, env, version, lang, tracerVersion, runtimeID, service, container, commit string
}

// payload reads the map of a tracer, or with wrapped payloads inside that of an agent.
func (d *decoder) payload(wrapped bool) error {
	d.sender, d.services = sender{}, d.services[:0]
	s := &d.sender
	err := d.fields(func(name string) error {
		switch name {
		case "Hostname":
			return d.text(&s.host)
		case "Env":
			return d.text(&s.env)
		case "Version":
			return d.text(&s.version)
		case "Lang":
			return d.text(&s.lang)
		case "TracerVersion":
			return d.text(&s.tracerVersion)
		case "RuntimeID":
			return d.text(&s.runtimeID)
		case "Service":
			return d.text(&s.service)
		case "ContainerID":
			return d.text(&s.container)
		case "GitCommitSha":
			return d.text(&s.commit)
		case "Stats":
			return d.elements(func() error {
				if !wrapped && d.isPayload() {
					return d.payload(true)
				}
				return d.bucket()
			})
		}
		return d.r.Skip()
	})
	for _, service := range d.services {
		d.describe(service)
	}
	d.services = d.services[:0]
	return err
}

// isPayload reports whether a wrapped payload comes next, not a bucket: only the bucket's map has an AgentTimeShift or a Start.
func (d *decoder) isPayload() bool {
	at := d.r.Pos
	defer func() { d.r.Pos = at }()
	bucket := false
	err := d.fields(func(name string) error {
		bucket = bucket || name == "Start"
		return d.r.Skip()
	})
	return err == nil && !bucket
}

// bucket reads the statistics of one interval, 10 seconds by default.
func (d *decoder) bucket() error {
	// The interval may come after the groups on the wire.
	at := d.r.Pos
	var start, duration uint64
	groups := -1
	err := d.fields(func(name string) (err error) {
		switch name {
		case "Start":
			start, err = d.r.Uint64()
		case "Duration":
			duration, err = d.r.Uint64()
		case "Stats":
			groups = d.r.Pos
			err = d.r.Skip()
		default:
			err = d.r.Skip()
		}
		return err
	})
	if err != nil || groups < 0 {
		return err
	}
	end := d.r.Pos
	if end == at {
		return nil
	}
	d.start, d.end = pcommon.Timestamp(start), pcommon.Timestamp(start+duration)
	if d.end < d.start || start == 0 {
		d.end = pcommon.NewTimestampFromTime(time.Now())
		d.start = d.end
	}
	d.r.Pos = groups
	err = d.elements(d.readGroup)
	d.r.Pos = end
	return err
}

// fields reads a map with names for keys. A value field leaves unread with msgpack.ErrType is skipped.
func (d *decoder) fields(field func(name string) error) error {
	n, err := d.r.MapLen()
	if msgpack.IsType(err) {
		return d.r.Skip()
	}
	if err != nil {
		return err
	}
	for range n {
		name, err := d.string()
		if msgpack.IsType(err) {
			err = d.r.Skip()
		}
		if err == nil {
			err = field(name)
		}
		if msgpack.IsType(err) {
			err = d.r.Skip()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) elements(element func() error) error {
	n, err := d.r.ArrayLen()
	if err != nil {
		return err
	}
	for range n {
		if err := element(); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) text(to *string) error {
	s, err := d.string()
	if err == nil {
		*to = s
	}
	return err
}

// string reads a string, of which each is kept once. What is no UTF-8 is replaced by U+FFFD.
func (d *decoder) string() (string, error) {
	b, err := d.r.Bytes()
	if err != nil || len(b) == 0 {
		return "", err
	}
	if s, ok := d.strings[string(b)]; ok {
		return s, nil
	}
	s := string([]rune(string(b)))
	d.strings[string(b)] = s
	return s, nil
}
