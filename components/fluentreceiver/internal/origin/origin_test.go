package origin

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
)

func TestOriginBecomesResourceAttributes(t *testing.T) {
	for name, tc := range map[string]struct{ in, out map[string]any }{
		"kubernetes": {
			in: map[string]any{"kubernetes": map[string]any{
				"pod_name": "shop-7f", "namespace_name": "prod", "pod_id": "u-1", "host": "node-1", "container_name": "shop", "docker_id": "d-1",
				"container_image": "registry:5000/shop/web:1.2.3", "container_hash": "registry:5000/shop/web@sha256:ab", "pod_ip": "10.0.0.1",
				"labels":      map[string]any{"app": "shop", "app.kubernetes.io/name": "other", "tags.datadoghq.com/service": "shop-web", "app.kubernetes.io/version": "9"},
				"annotations": map[string]any{"owner": "a"}, "namespace_labels": map[string]any{"team": "b"},
			}},
			out: map[string]any{
				"service.name": "shop-web", "service.version": "9",
				"k8s.pod.name": "shop-7f", "k8s.namespace.name": "prod", "k8s.pod.uid": "u-1", "k8s.node.name": "node-1", "k8s.container.name": "shop", "container.id": "d-1",
				"container.image.name": "registry:5000/shop/web", "container.image.tags": []any{"1.2.3"}, "container.image.repo_digests": []any{"registry:5000/shop/web@sha256:ab"},
				"kubernetes.pod_ip": "10.0.0.1", "k8s.pod.label.app": "shop", "k8s.pod.label.app.kubernetes.io/name": "other", "k8s.pod.label.tags.datadoghq.com/service": "shop-web",
				"k8s.pod.label.app.kubernetes.io/version": "9", "k8s.pod.annotation.owner": "a", "k8s.namespace.label.team": "b",
			},
		},
		"docker": {
			in:  map[string]any{"container_id": "c-1", "container_name": "/shop", "DD_ENV": "prod", "com.datadoghq.tags.env": "test", "com.datadoghq.tags.service": "shop"},
			out: map[string]any{"container.id": "c-1", "container.name": "shop", "deployment.environment.name": "prod", "com.datadoghq.tags.env": "test", "service.name": "shop"},
		},
		"docker and kubernetes agree": {
			in:  map[string]any{"docker": map[string]any{"container_id": "c-1", "x": "y"}, "kubernetes": map[string]any{"docker_id": "c-1"}},
			out: map[string]any{"container.id": "c-1", "docker.x": "y"},
		},
		"they contradict each other": {
			in:  map[string]any{"container_id": "c-2", "kubernetes": map[string]any{"docker_id": "c-1"}},
			out: map[string]any{"container.id": "c-1", "container_id": "c-2"},
		},
		"ecs": {
			in:  map[string]any{"ecs_task_arn": "arn:1", "ecs_task_definition": "shop:7", "ecs_cluster": "c", "ec2_instance_id": "i-1"},
			out: map[string]any{"aws.ecs.task.arn": "arn:1", "aws.ecs.task.family": "shop", "aws.ecs.task.revision": "7", "aws.ecs.cluster.name": "c", "host.id": "i-1"},
		},
		"of other types": {
			in:  map[string]any{"kubernetes": "text", "docker": int64(3), "container_id": int64(4), "ecs_task_definition": true, "dd.service": []any{"a"}},
			out: map[string]any{"kubernetes": "text", "docker": int64(3), "container_id": int64(4), "ecs_task_definition": true, "dd.service": []any{"a"}},
		},
		"empty texts say nothing": {
			in:  map[string]any{"dd.service": "", "DD_SERVICE": "shop", "container_id": ""},
			out: map[string]any{"service.name": "shop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fields, resource := pcommon.NewMap(), pcommon.NewMap()
			require.NoError(t, fields.FromRaw(tc.in))
			for key := range fields.All() {
				require.NotZero(t, Of(key), key)
			}
			Describe(fields, resource)
			require.Equal(t, tc.out, resource.AsRaw())
		})
	}
}

func TestWhatTheResourceSaysStays(t *testing.T) {
	fields, resource := pcommon.NewMap(), pcommon.NewMap()
	fields.PutStr("dd.service", "line")
	resource.PutStr("service.name", "sender")
	Describe(fields, resource)
	require.Equal(t, map[string]any{"service.name": "sender", "dd.service": "line"}, resource.AsRaw())
}

func TestOtherKeysSayNothingAboutTheOrigin(t *testing.T) {
	for _, key := range []string{"", "log", "message", "dd.trace_id", "DD_TRACE_ID", "com.example", "dd.service2", "kubernete", "hostname"} {
		require.Zero(t, Of(key), key)
	}
}
