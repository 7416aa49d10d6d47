package servicetags

import "go.opentelemetry.io/collector/pdata/pcommon"

// Origin is who says a tag.
type Origin uint8

// The origins, in the order of Datadog: what is nearer to the line counts more.
const (
	Nobody Origin = iota
	FromItem
	FromList
	FromResource
	FromPodLabel
	FromDockerLabel
	FromDefault
	// Origins is the number of origins.
	Origins
)

// String returns the origin as metrics spell it.
func (o Origin) String() string {
	return [Origins]string{"none", "item", "ddtags", "resource", "pod_label", "docker_label", "default"}[o]
}

// Resource is what a resource says, by origin.
type Resource struct {
	said [Origins]Values
}

// resourceKeys are where a resource says a tag, the most trusted first.
var resourceKeys = [Tags][]string{
	Service: {"service.name"},
	Env:     {"deployment.environment.name", "deployment.environment"},
	Version: {"service.version"},
}

// Labels of pods and containers, as those who read them spell them.
var (
	podLabels    = perTag("k8s.pod.label.tags.datadoghq.com/", "k8s.pod.labels.tags.datadoghq.com/", "tags.datadoghq.com/")
	dockerLabels = perTag("container.label.com.datadoghq.tags.", "com.datadoghq.tags.")
)

func perTag(prefixes ...string) (names [Tags][]string) {
	for tag := range Tags {
		for _, prefix := range prefixes {
			names[tag] = append(names[tag], prefix+tag.String())
		}
	}
	return names
}

func first(to *string, attrs pcommon.Map, names []string) {
	for _, name := range names {
		if v, ok := attrs.Get(name); ok {
			set(to, v)
		}
	}
}

// ReadResource collects what a resource says. defaultEnv is the environment of those that name none.
func ReadResource(attrs pcommon.Map, defaultEnv string) (r Resource) {
	for tag := range Tags {
		first(&r.said[FromResource][tag], attrs, resourceKeys[tag])
		first(&r.said[FromPodLabel][tag], attrs, podLabels[tag])
		first(&r.said[FromDockerLabel][tag], attrs, dockerLabels[tag])
	}
	r.said[FromDefault][Env] = defaultEnv
	return r
}

// Conflict is that two origins name different values.
type Conflict struct {
	Tag           Tag
	Winner, Loser Origin
	Won, Lost     string
}

// Origins in the order they are asked.
var (
	itemFirst     = [...]Origin{FromItem, FromList, FromResource, FromPodLabel, FromDockerLabel, FromDefault}
	resourceFirst = [...]Origin{FromResource, FromItem, FromList, FromPodLabel, FromDockerLabel, FromDefault}
)

func order(preferItem bool) *[6]Origin {
	if preferItem {
		return &itemFirst
	}
	return &resourceFirst
}

func (r *Resource) saidBy(origin Origin, it *Item, tag Tag) string {
	switch origin {
	case FromItem:
		return it.Own[tag]
	case FromList:
		return it.Listed[tag]
	}
	return r.said[origin][tag]
}

// Decide returns the tags of a record, and whether the item, its list or the resource says something else than what counts.
func (r *Resource) Decide(it *Item, preferItem bool) (values Values, conflict bool) {
	for tag := range Tags {
		for _, origin := range order(preferItem) {
			said := r.saidBy(origin, it, tag)
			switch {
			case said == "":
			case values[tag] == "":
				values[tag] = said
			case said != values[tag] && origin <= FromResource:
				conflict = true
			}
		}
	}
	return values, conflict
}

// Conflicts lists what Decide did not count.
func (r *Resource) Conflicts(it *Item, preferItem bool) (conflicts []Conflict) {
	for tag := range Tags {
		winner, won := Nobody, ""
		for _, origin := range order(preferItem) {
			said := r.saidBy(origin, it, tag)
			switch {
			case said == "":
			case winner == Nobody:
				winner, won = origin, said
			case said != won && origin <= FromResource:
				conflicts = append(conflicts, Conflict{Tag: tag, Winner: winner, Loser: origin, Won: won, Lost: said})
			}
		}
	}
	return conflicts
}

// Write puts tags into a resource. It reports whether anything changed.
func Write(attrs pcommon.Map, values Values) (changed bool) {
	for tag, value := range values {
		if value == "" {
			continue
		}
		spoken := false
		for _, key := range resourceKeys[tag] {
			if v, ok := attrs.Get(key); ok && v.Type() == pcommon.ValueTypeStr && v.Str() == value {
				spoken = true
			}
		}
		if !spoken {
			attrs.PutStr(Tag(tag).Key(), value)
			changed = true
		}
	}
	return changed
}
