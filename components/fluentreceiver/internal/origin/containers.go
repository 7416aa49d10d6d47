package origin

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// pod are the keys Fluentd's and Fluent Bit's kubernetes filters write.
var pod = map[string]string{
	"pod_name": "k8s.pod.name", "namespace_name": "k8s.namespace.name", "pod_id": "k8s.pod.uid", "host": "k8s.node.name",
	"container_name": "k8s.container.name", "docker_id": "container.id",
}

// labeled are their maps of labels and annotations, with what the attributes' names begin with.
var labeled = map[string]string{
	"labels": "k8s.pod.label.", "annotations": "k8s.pod.annotation.", "namespace_labels": "k8s.namespace.label.",
}

// tagLabels are the labels that name a service, those of Datadog's unified service tagging first.
var tagLabels = []struct{ label, attribute string }{
	{"tags.datadoghq.com/service", serviceName}, {"tags.datadoghq.com/env", environment}, {"tags.datadoghq.com/version", serviceVersion},
	{"app.kubernetes.io/name", serviceName}, {"app.kubernetes.io/version", serviceVersion},
}

func (d description) kubernetes(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeMap {
		d.keep("kubernetes", v)
		return
	}
	if labels, ok := v.Map().Get("labels"); ok && labels.Type() == pcommon.ValueTypeMap {
		for _, t := range tagLabels {
			if value, ok := labels.Map().Get(t.label); ok && value.Type() == pcommon.ValueTypeStr && value.Str() != "" {
				if dest, found := d.resource.GetOrPutEmpty(t.attribute); !found {
					dest.SetStr(value.Str())
				}
			}
		}
	}
	for key, value := range v.Map().All() {
		attribute, known := pod[key]
		prefix, isLabels := labeled[key]
		switch {
		case known:
			d.put(attribute, "kubernetes."+key, value)
		case isLabels && value.Type() == pcommon.ValueTypeMap:
			d.resource.EnsureCapacity(d.resource.Len() + value.Map().Len())
			for label, text := range value.Map().All() {
				d.keep(prefix+label, text)
			}
		case key == "container_image":
			d.image(value)
		case key == "container_hash":
			d.digest(value)
		default:
			d.keep("kubernetes."+key, value)
		}
	}
}

// image splits registry/name:tag@digest.
func (d description) image(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		d.keep("kubernetes.container_image", v)
		return
	}
	name, _, _ := strings.Cut(v.Str(), "@")
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		if tags, found := d.resource.GetOrPutEmpty("container.image.tags"); !found {
			tags.SetEmptySlice().AppendEmpty().SetStr(name[colon+1:])
		}
		name = name[:colon]
	}
	if dest, found := d.resource.GetOrPutEmpty("container.image.name"); !found {
		dest.SetStr(name)
	}
}

func (d description) digest(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		d.keep("kubernetes.container_hash", v)
		return
	}
	if dest, found := d.resource.GetOrPutEmpty("container.image.repo_digests"); !found {
		dest.SetEmptySlice().AppendEmpty().SetStr(v.Str())
	}
}

// docker is what Fluentd's kubernetes filter writes beside kubernetes.
func (d description) docker(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeMap {
		d.keep("docker", v)
		return
	}
	for key, value := range v.Map().All() {
		if key == "container_id" {
			d.put("container.id", "docker.container_id", value)
		} else {
			d.keep("docker."+key, value)
		}
	}
}

// containerName cuts the slash Docker writes before a name.
func (d description) containerName(v pcommon.Value) {
	if v.Type() == pcommon.ValueTypeStr {
		v.SetStr(strings.TrimPrefix(v.Str(), "/"))
	}
	d.put("container.name", "container_name", v)
}

// taskDefinition splits family:revision.
func (d description) taskDefinition(v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		d.keep("ecs_task_definition", v)
		return
	}
	family, revision, found := strings.Cut(v.Str(), ":")
	d.keep("aws.ecs.task.family", pcommon.NewValueStr(family))
	if found {
		d.keep("aws.ecs.task.revision", pcommon.NewValueStr(revision))
	}
}
