// Package origin turns the keys of a Fluent record that name where it comes from into resource attributes of the semantic
// conventions. What it has no attribute for is kept under its own name: nothing is dropped.
package origin

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Source is who wrote the keys.
type Source uint8

// The sources, as bits.
const (
	Kubernetes Source = 1 << iota
	Docker
	ECS
	UnifiedTags
)

// Names are what users call the sources.
var Names = map[string]Source{"kubernetes": Kubernetes, "docker": Docker, "ecs": ECS, "unified_tags": UnifiedTags}

// Of tells whose key it is; 0 for all keys that say nothing about the origin.
func Of(key string) Source {
	switch key {
	case "kubernetes":
		return Kubernetes
	case "docker", "container_id", "container_name":
		return Docker
	case "ecs_task_arn", "ecs_task_definition", "ecs_cluster", "ec2_instance_id":
		return ECS
	}
	// All others share their beginnings.
	if len(key) > 5 && (key[:3] == "dd." || key[:3] == "DD_" || key[:4] == "com.") {
		if _, ok := unified[key]; ok {
			return UnifiedTags
		}
	}
	return 0
}

// The attributes unified service tagging fills.
const (
	serviceName    = "service.name"
	environment    = "deployment.environment.name"
	serviceVersion = "service.version"
)

// unified are the spellings of Datadog's unified service tags: in the line, in the container's environment, as Docker labels.
var unified = map[string]string{
	"dd.service": serviceName, "dd.env": environment, "dd.version": serviceVersion,
	"DD_SERVICE": serviceName, "DD_ENV": environment, "DD_VERSION": serviceVersion,
	"com.datadoghq.tags.service": serviceName, "com.datadoghq.tags.env": environment, "com.datadoghq.tags.version": serviceVersion,
}

// precedence is the order in which the spellings are asked: the first that speaks counts.
var precedence = []string{
	"dd.service", "dd.env", "dd.version", "DD_SERVICE", "DD_ENV", "DD_VERSION",
	"com.datadoghq.tags.service", "com.datadoghq.tags.env", "com.datadoghq.tags.version",
}

// Describe moves what fields says into resource. Fields is used up. What resource says already stays.
func Describe(fields, resource pcommon.Map) {
	d := description{resource}
	resource.EnsureCapacity(resource.Len() + fields.Len() + 8)
	for _, key := range precedence {
		if v, ok := fields.Get(key); ok {
			d.put(unified[key], key, v)
		}
	}
	if v, ok := fields.Get("kubernetes"); ok {
		d.kubernetes(v)
	}
	for key, v := range fields.All() {
		switch key {
		case "docker":
			d.docker(v)
		case "container_id":
			d.put("container.id", key, v)
		case "container_name":
			d.containerName(v)
		case "ecs_task_arn":
			d.put("aws.ecs.task.arn", key, v)
		case "ecs_cluster":
			d.put("aws.ecs.cluster.name", key, v)
		case "ec2_instance_id":
			d.put("host.id", key, v)
		case "ecs_task_definition":
			d.taskDefinition(v)
		}
	}
}

// description writes to a resource.
type description struct{ resource pcommon.Map }

// put writes a text to attribute. A value that is no text, or another one than attribute has, is kept under key.
func (d description) put(attribute, key string, v pcommon.Value) {
	if v.Type() != pcommon.ValueTypeStr {
		d.keep(key, v)
		return
	}
	if v.Str() == "" {
		return
	}
	dest, found := d.resource.GetOrPutEmpty(attribute)
	if !found || dest.Type() == pcommon.ValueTypeEmpty {
		v.MoveTo(dest)
	} else if !dest.Equal(v) {
		d.keep(key, v)
	}
}

// keep writes v under the name it had, unless something else has it.
func (d description) keep(key string, v pcommon.Value) {
	if dest, found := d.resource.GetOrPutEmpty(key); !found {
		v.MoveTo(dest)
	}
}
