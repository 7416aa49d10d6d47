package ddpropagation

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.uber.org/zap"

	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/metadata"
	"github.com/otelcol-obs/otelcol-obs/components/ddpropagation/internal/servicetags"
)

const (
	preferResource = "resource"
	preferItem     = "item"

	// maxGroups is how many services, environments and versions a batch is taken apart into.
	maxGroups = 256
	// maxWarned bounds the services whose conflicts are remembered as reported.
	maxWarned = 1000
	warnEvery = time.Hour

	logSourceKey = "datadog.log.source"
	hostNameKey  = "host.name"
)

// tagger puts the service, environment and version that records name into their resources.
type tagger struct {
	preferItem bool
	defaultEnv string
	logger     *zap.Logger
	now        func() time.Time

	conflicts metric.Int64Counter
	ungrouped metric.Int64Counter
	id        attribute.KeyValue
	self      metric.AddOption

	groups sync.Pool

	mu     sync.Mutex
	warned map[warning]time.Time
}

type warning struct {
	service string
	tag     servicetags.Tag
}

func newTagger(set processor.Settings, cfg LogsConfig) (*tagger, error) {
	builder, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	id := attribute.String("processor", set.ID.String())
	return &tagger{
		preferItem: cfg.Prefer == preferItem, defaultEnv: cfg.DefaultEnv, logger: set.Logger, now: time.Now,
		conflicts: builder.ProcessorDdPropagationTagConflicts, ungrouped: builder.ProcessorDdPropagationUngrouped, id: id, self: metric.WithAttributeSet(attribute.NewSet(id)),
		groups: sync.Pool{New: func() any { return &grouping{} }},
		warned: map[warning]time.Time{},
	}, nil
}

// conflictCounts counts one batch in local memory.
type conflictCounts [servicetags.Tags][servicetags.Origins][servicetags.Origins]int64

func (g *tagger) process(ctx context.Context, ld plog.Logs) {
	var counts conflictCounts
	groups := g.groups.Get().(*grouping)
	defer g.groups.Put(groups)
	groups.total = 0
	left := int64(0)
	for i := range ld.ResourceLogs().Len() { // those that are added behind are done
		left += g.resource(ld, ld.ResourceLogs().At(i), groups, &counts)
	}
	if left > 0 {
		g.ungrouped.Add(ctx, left, g.self)
	}
	for tag := range counts {
		for winner := range counts[tag] {
			for loser, n := range counts[tag][winner] {
				if n > 0 {
					g.conflicts.Add(ctx, n, metric.WithAttributeSet(attribute.NewSet(g.id, attribute.String("tag", servicetags.Tag(tag).String()),
						attribute.String("winner", servicetags.Origin(winner).String()), attribute.String("loser", servicetags.Origin(loser).String()))))
				}
			}
		}
	}
}

// grouping is which record of a resource belongs to which values.
type grouping struct {
	values []servicetags.Values
	of     []int16
	total  int // over the whole batch
}

// resource decides about the records of one resource. It returns how many found no group.
func (g *tagger) resource(ld plog.Logs, rl plog.ResourceLogs, groups *grouping, counts *conflictCounts) (left int64) {
	groups.values, groups.of = groups.values[:0], groups.of[:0]
	said := servicetags.ReadResource(rl.Resource().Attributes(), g.defaultEnv)
	own, _ := said.Decide(&servicetags.Item{}, g.preferItem)
	hasHost := hasAttribute(rl.Resource().Attributes(), hostNameKey)
	for _, sl := range rl.ScopeLogs().All() {
		for _, record := range sl.LogRecords().All() {
			item := g.read(record, hasHost)
			values, conflict := said.Decide(&item, g.preferItem)
			if conflict {
				for _, c := range said.Conflicts(&item, g.preferItem) {
					counts[c.Tag][c.Winner][c.Loser]++
					g.warn(c, values[servicetags.Service])
				}
			}
			if !groups.add(values, own) {
				left++
			}
		}
	}
	switch len(groups.values) {
	case 0:
	case 1:
		servicetags.Write(rl.Resource().Attributes(), groups.values[0])
	default:
		takeApart(ld, rl, groups)
	}
	return left
}

// add puts the next record into the group of these values, or into that of its resource's own values when there is no room for another.
func (g *grouping) add(values, own servicetags.Values) (ok bool) {
	if i := g.find(values); i >= 0 {
		g.of = append(g.of, int16(i))
		return true
	}
	if ok = g.total < maxGroups; !ok {
		values = own
	} else {
		g.total++
	}
	i := g.find(values)
	if i < 0 {
		i = len(g.values)
		g.values = append(g.values, values)
	}
	g.of = append(g.of, int16(i))
	return ok
}

func (g *grouping) find(values servicetags.Values) int {
	if n := len(g.of); n > 0 && g.values[g.of[n-1]] == values {
		return int(g.of[n-1])
	}
	return slices.Index(g.values, values)
}

// takeApart moves the records of every group but the first to a resource of their own, in order.
func takeApart(ld plog.Logs, rl plog.ResourceLogs, groups *grouping) {
	resources := make([]plog.ResourceLogs, len(groups.values))
	resources[0] = rl
	for i := 1; i < len(resources); i++ {
		resources[i] = ld.ResourceLogs().AppendEmpty()
		rl.Resource().CopyTo(resources[i].Resource())
		resources[i].SetSchemaUrl(rl.SchemaUrl())
	}
	for i, values := range groups.values {
		servicetags.Write(resources[i].Resource().Attributes(), values)
	}
	n := -1
	scopes := make([]plog.ScopeLogs, len(resources))
	for _, sl := range rl.ScopeLogs().All() {
		clear(scopes)
		opened := make([]bool, len(resources))
		sl.LogRecords().RemoveIf(func(record plog.LogRecord) bool {
			n++
			group := groups.of[n]
			if group == 0 {
				return false
			}
			if !opened[group] {
				opened[group] = true
				scopes[group] = resources[group].ScopeLogs().AppendEmpty()
				sl.Scope().CopyTo(scopes[group].Scope())
				scopes[group].SetSchemaUrl(sl.SchemaUrl())
			}
			record.MoveTo(scopes[group].LogRecords().AppendEmpty())
			return true
		})
	}
	rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool { return sl.LogRecords().Len() == 0 })
}

// read collects what a record says, and writes what concerns the record alone.
func (g *tagger) read(record plog.LogRecord, hasHost bool) (item servicetags.Item) {
	attrs := record.Attributes()
	item.Read(attrs)
	switch record.Body().Type() {
	case pcommon.ValueTypeMap:
		item.Read(record.Body().Map())
	case pcommon.ValueTypeStr:
		item.ReadText(record.Body().Str())
	}
	if item.Source != "" && !hasAttribute(attrs, logSourceKey) {
		attrs.PutStr(logSourceKey, item.Source)
	}
	if item.Host != "" && !hasHost && !hasAttribute(attrs, hostNameKey) {
		attrs.PutStr(hostNameKey, item.Host)
	}
	if item.TagList != "" {
		for key, value := range servicetags.EachTag(item.TagList) {
			if !isServiceTag(key) && !hasAttribute(attrs, key) {
				attrs.PutStr(key, value)
			}
		}
	}
	return item
}

func isServiceTag(key string) bool {
	for tag := range servicetags.Tags {
		if key == tag.String() {
			return true
		}
	}
	return false
}

func hasAttribute(m pcommon.Map, key string) bool {
	_, ok := m.Get(key)
	return ok
}

// warn reports a conflict once an hour for each service and tag.
func (g *tagger) warn(c servicetags.Conflict, service string) {
	if !g.mayWarn(warning{service, c.Tag}) {
		return
	}
	g.logger.Warn("a log line and its resource name different values: one of the two is configured wrongly",
		zap.String("service", service), zap.Stringer("tag", c.Tag),
		zap.Stringer("counts", c.Winner), zap.String("value", c.Won), zap.Stringer("ignored", c.Loser), zap.String("ignored_value", c.Lost))
}

func (g *tagger) mayWarn(w warning) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if at, ok := g.warned[w]; ok && now.Sub(at) < warnEvery {
		return false
	}
	if len(g.warned) >= maxWarned {
		clear(g.warned)
	}
	g.warned[w] = now
	return true
}
