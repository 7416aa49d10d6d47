package charttest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Credentials are named, never given: no Secret is made, and no configuration or
// variable holds one.
func TestCredentialsAreOnlyReferredTo(t *testing.T) {
	timed(t)
	secret := map[string]bool{
		"DD_API_KEY": true, "OTEL_EXPORTER_OTLP_HEADERS": true, "KAFKA_USERNAME": true, "KAFKA_PASSWORD": true,
	}
	seen := map[string]bool{}
	for name, values := range valuesFiles(t) {
		for _, doc := range documents(t, render(t, recent, "--values", values)) {
			require.NotEqual(t, "Secret", doc["kind"], name)
			for _, container := range containersOf(doc) {
				list, _ := container["env"].([]any)
				for _, e := range list {
					env := e.(object)
					if !secret[env["name"].(string)] || env["value"] == "none" {
						continue
					}
					require.NotContains(t, env, "value", name)
					ref := at(t, env, "valueFrom", "secretKeyRef").(object)
					require.NotEmpty(t, ref["name"])
					require.NotEmpty(t, ref["key"])
					seen[env["name"].(string)] = true
				}
			}
		}
	}
	require.Equal(t, secret, seen, "each kind of credential is tried")
}

// Whatever is switched on, no container may write to its image, gain
// privileges or keep a capability; and without the host it is not root.
func TestEveryContainerIsRestricted(t *testing.T) {
	timed(t)
	for name, values := range valuesFiles(t) {
		for _, doc := range documents(t, render(t, recent, "--values", values)) {
			for _, container := range containersOf(doc) {
				require.Equal(t, object{
					"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []any{"ALL"}},
				}, container["securityContext"], name)
				require.NotContains(t, container["image"], "//")
				host, _, _ := strings.Cut(container["image"].(string), "/")
				require.NotContains(t, host, ".", "an image name carries no registry host")
			}
			spec := podSpec(doc)
			if spec == nil {
				continue
			}
			require.NotContains(t, spec, "hostNetwork")
			require.NotContains(t, spec, "hostPID")
			security := spec["securityContext"].(object)
			require.Equal(t, object{"type": "RuntimeDefault"}, security["seccompProfile"], name)
			if strings.HasPrefix(name, "ci/node") && doc["kind"] == "DaemonSet" {
				require.EqualValues(t, 0, security["runAsUser"], "the socket's directory is root's")
				continue
			}
			require.Equal(t, true, security["runAsNonRoot"], name)
			require.EqualValues(t, 10001, security["runAsUser"], name)
		}
	}
}

func TestTheHostIsUntouchedByDefault(t *testing.T) {
	timed(t)
	manifests := render(t, recent, "--set", "datadog.apiKeySecret.name=datadog")
	require.NotContains(t, manifests, "hostPort")
	require.NotContains(t, manifests, "hostPath")
	require.NotContains(t, manifests, "ClusterRole")
}

func podSpec(doc object) object {
	spec, _ := doc["spec"].(object)
	if doc["kind"] == "Pod" {
		return spec
	}
	template, _ := spec["template"].(object)
	pod, _ := template["spec"].(object)
	return pod
}

func containersOf(doc object) []object {
	var all []object
	for _, key := range []string{"containers", "initContainers"} {
		list, _ := podSpec(doc)[key].([]any)
		for _, c := range list {
			all = append(all, c.(object))
		}
	}
	return all
}
