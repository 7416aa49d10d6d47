package stats

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// maxPeerTags bounds the tags of one group, which are looked up one by one.
const maxPeerTags = 32

// group is the statistics of the spans that have everything named here in common.
type group struct {
	labels
	counts
	ok, failed []byte // sketches of durations
	peerTags   []string
}

type labels struct {
	service, name, resource, typ, dbType, kind string
	grpcStatus, httpMethod, httpEndpoint       string
	httpStatus                                 uint64
	synthetics                                 bool
	root                                       uint64
}

type counts struct{ hits, errors, topLevel, duration uint64 }

func (d *decoder) readGroup() error {
	g := &d.group
	*g = group{peerTags: g.peerTags[:0]}
	err := d.fields(func(name string) (err error) {
		switch name {
		case "Service":
			return d.text(&g.service)
		case "Name":
			return d.text(&g.name)
		case "Resource":
			return d.text(&g.resource)
		case "Type":
			return d.text(&g.typ)
		case "DBType":
			return d.text(&g.dbType)
		case "SpanKind":
			return d.text(&g.kind)
		case "GRPCStatusCode":
			return d.text(&g.grpcStatus)
		case "HTTPMethod":
			return d.text(&g.httpMethod)
		case "HTTPEndpoint":
			return d.text(&g.httpEndpoint)
		case "HTTPStatusCode":
			g.httpStatus, err = d.r.Uint64()
		case "Synthetics":
			g.synthetics, err = d.r.Bool()
		case "IsTraceRoot":
			g.root, err = d.r.Uint64()
		case "Hits":
			g.hits, err = d.r.Uint64()
		case "Errors":
			g.errors, err = d.r.Uint64()
		case "TopLevelHits":
			g.topLevel, err = d.r.Uint64()
		case "Duration":
			g.duration, err = d.r.Uint64()
		case "OkSummary":
			g.ok, err = d.r.Bytes()
		case "ErrorSummary":
			g.failed, err = d.r.Bytes()
		case "PeerTags":
			err = d.elements(d.peerTag)
		default:
			err = d.r.Skip()
		}
		return err
	})
	if err != nil {
		return err
	}
	if g.hits == 0 || max(g.hits, g.errors, g.topLevel, g.duration) > math.MaxInt64 {
		d.dropped++
		return nil
	}
	if d.groups >= d.maxGroups {
		return ErrTooManyGroups
	}
	d.groups++
	return d.write()
}

func (d *decoder) peerTag() error {
	tag, err := d.string()
	if err != nil {
		return d.r.Skip()
	}
	if len(d.group.peerTags) < maxPeerTags {
		d.group.peerTags = append(d.group.peerTags, tag)
	}
	return nil
}

// write adds the data points of the group.
func (d *decoder) write() error {
	s, err := d.service()
	if err != nil {
		return err
	}
	g := &d.group
	attrs := pcommon.NewMap()
	attrs.EnsureCapacity(12 + len(g.peerTags))
	g.attributes(attrs)
	s.count(d, s.hits, g.hits, attrs)
	if g.errors > 0 {
		s.count(d, s.errors, g.errors, attrs)
	}
	if g.topLevel > 0 {
		s.count(d, s.topLevel, g.topLevel, attrs)
	}
	s.count(d, s.time, g.duration, attrs)
	d.sketch(s, g.ok, false, attrs)
	d.sketch(s, g.failed, true, attrs)
	return nil
}

func (g *group) attributes(m pcommon.Map) {
	str := func(key, value string) {
		if value != "" {
			m.PutStr(key, value)
		}
	}
	str("operation.name", g.name)
	str("resource.name", g.resource)
	str("span.type", g.typ)
	str("span.kind", g.kind)
	str("db.system.name", g.dbType)
	str("http.request.method", g.httpMethod)
	str("http.route", g.httpEndpoint)
	if g.httpStatus != 0 {
		m.PutInt("http.response.status_code", int64(g.httpStatus))
	}
	if n, err := strconv.ParseInt(g.grpcStatus, 10, 64); err == nil {
		m.PutInt("rpc.grpc.status_code", n)
	} else {
		str("rpc.grpc.status_code", g.grpcStatus)
	}
	if g.synthetics {
		m.PutBool("synthetics", true)
	}
	// 0 is unknown, 1 true, 2 false.
	if g.root == 1 || g.root == 2 {
		m.PutBool("trace_root", g.root == 1)
	}
	for _, tag := range g.peerTags {
		if key, value, ok := strings.Cut(tag, ":"); ok && key != "" {
			m.PutStr(key, value)
		}
	}
}

// service is one resource and its metrics.
type service struct {
	name                         string
	resource                     pcommon.Resource
	metrics                      pmetric.MetricSlice
	hits, errors, topLevel, time pmetric.NumberDataPointSlice
	duration                     pmetric.ExponentialHistogramDataPointSlice
}

func (d *decoder) service() (*service, error) {
	// A payload has a few services, most often that of the group before.
	for i := len(d.services) - 1; i >= 0; i-- {
		if d.services[i].name == d.group.service {
			return &d.services[i], nil
		}
	}
	if d.resources == maxServices {
		return nil, ErrTooManyServices
	}
	d.resources++
	rm := d.out.ResourceMetrics().AppendEmpty()
	s := service{name: d.group.service, resource: rm.Resource(), metrics: rm.ScopeMetrics().AppendEmpty().Metrics()}
	s.hits = s.sum("datadog.trace.hits", "{span}", "Spans.")
	s.errors = s.sum("datadog.trace.errors", "{span}", "Spans with an error.")
	s.topLevel = s.sum("datadog.trace.top_level_hits", "{span}", "Spans that enter a service.")
	s.time = s.sum("datadog.trace.time", "ns", "Time spent in spans.")
	m := s.metrics.AppendEmpty()
	m.SetName("datadog.trace.duration")
	m.SetUnit("s")
	m.SetDescription("Duration of spans.")
	h := m.SetEmptyExponentialHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	s.duration = h.DataPoints()
	d.services = append(d.services, s)
	return &d.services[len(d.services)-1], nil
}

func (s *service) sum(name, unit, description string) pmetric.NumberDataPointSlice {
	m := s.metrics.AppendEmpty()
	m.SetName(name)
	m.SetUnit(unit)
	m.SetDescription(description)
	sum := m.SetEmptySum()
	sum.SetIsMonotonic(true)
	sum.SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
	return sum.DataPoints()
}

func (s *service) count(d *decoder, to pmetric.NumberDataPointSlice, n uint64, attrs pcommon.Map) {
	p := to.AppendEmpty()
	p.SetStartTimestamp(d.start)
	p.SetTimestamp(d.end)
	p.SetIntValue(int64(n))
	attrs.CopyTo(p.Attributes())
}

// describe writes the resource, once the whole payload is known.
func (d *decoder) describe(s service) {
	attrs := s.resource.Attributes()
	str := func(key, value string) {
		if value != "" {
			attrs.PutStr(key, value)
		}
	}
	name := s.name
	if name == "" {
		name = "unknown_service"
	}
	str("service.name", name)
	if d.sender.service == "" || d.sender.service == s.name {
		str("service.version", d.sender.version)
	}
	str("service.instance.id", d.sender.runtimeID)
	str("deployment.environment.name", d.sender.env)
	str("host.name", d.sender.host)
	str("container.id", d.sender.container)
	str("vcs.ref.head.revision", d.sender.commit)
	str("telemetry.sdk.name", "datadog")
	str("telemetry.sdk.language", d.sender.lang)
	str("telemetry.sdk.version", d.sender.tracerVersion)
	s.metrics.RemoveIf(func(m pmetric.Metric) bool {
		if m.Type() == pmetric.MetricTypeSum {
			return m.Sum().DataPoints().Len() == 0
		}
		return m.ExponentialHistogram().DataPoints().Len() == 0
	})
}
