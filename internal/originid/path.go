package originid

import "regexp"

// pattern is what a Datadog Agent looks for at the end of a control group's path: 64 hex digits (Docker, containerd, CRI-O), an ECS task with the
// container's number, or a Fargate task.
var pattern = regexp.MustCompile(`([0-9a-f]{64}|[0-9a-f]{32}-\d+|[0-9a-f]{8}(?:-[0-9a-f]{4}){4})(?:\.scope)?$`)

// ContainerID returns the container that a control group's path, or the name of its last directory, ends in; empty if it ends in none.
func ContainerID(path string) string {
	if m := pattern.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return ""
}
