package clustertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The whole life of a release, once with each Helm. The steps build on one
// another, so the first that fails ends the test.
func TestTheLifeOfARelease(t *testing.T) {
	c := start(t)
	for _, helm := range []string{"helm", "helm4"} {
		t.Run(helm, func(t *testing.T) {
			r := &release{cluster: c, helm: tool(t, helm), namespace: helm + "-life"}
			r.createNamespace(t, "restricted")
			r.step(t, "install and wait, in a restricted namespace", r.install)
			r.step(t, "the service account may watch addresses here and no more", r.permissions)
			r.step(t, "a changed configuration rolls the pods", r.rollout)
			r.step(t, "another volume size is refused with a recipe that works", r.resize)
			r.step(t, "a gateway more, and one less whose volume stays", r.scale)
			r.step(t, "rollback", r.rollback)
			r.step(t, "one gateway may be drained, not two", r.drain)
			r.step(t, "uninstall keeps the queues", r.uninstall)
		})
	}
}

func TestTheHostNeedsThePrivilegedLevel(t *testing.T) {
	c := start(t)
	node := []string{"--values", chart + "/ci/node-values.yaml"}
	for _, helm := range []string{"helm", "helm4"} {
		t.Run(helm, func(t *testing.T) {
			refused := &release{cluster: c, helm: tool(t, helm), namespace: helm + "-baseline"}
			refused.createNamespace(t, "baseline")
			refused.step(t, "host ports and the socket are refused in a baseline namespace", func(t *testing.T) {
				_, err := refused.run(t, append(append([]string{"install", "obs", chart}, node...), "--wait", "--timeout", "5s")...)
				require.Error(t, err)
				refused.event(t, "FailedCreate", "violates PodSecurity", "hostPath volumes", "hostPort")
				_, err = refused.run(t, "uninstall", "obs")
				require.NoError(t, err)
			})

			first := &release{cluster: c, helm: tool(t, helm), namespace: helm + "-privileged"}
			first.createNamespace(t, "privileged")
			first.step(t, "and run in a privileged one", func(t *testing.T) {
				out, err := first.run(t, append(append([]string{"install", "obs", chart}, node...), "--wait", "--timeout", "60s")...)
				require.NoError(t, err, out)
				require.Contains(t, out, "Pod Security level this namespace needs: privileged")
			})

			second := &release{cluster: c, helm: tool(t, helm), namespace: helm + "-second"}
			second.createNamespace(t, "privileged")
			second.step(t, "a second agent on the same host ports is not scheduled", func(t *testing.T) {
				_, err := second.run(t, append(append([]string{"install", "obs", chart}, node...), "--wait", "--timeout", "5s")...)
				require.Error(t, err)
				second.event(t, "FailedScheduling", "free ports")
				_, err = second.run(t, "uninstall", "obs")
				require.NoError(t, err)
			})
			_, err := first.run(t, "uninstall", "obs", "--wait")
			require.NoError(t, err)
		})
	}
}

// release is one installation of the chart, named obs.
type release struct {
	*cluster
	helm      string
	namespace string
}

const (
	agentName   = "obs-otelcol-obs-agent"
	gatewayName = "obs-otelcol-obs-gateway"
	headless    = "obs-otelcol-obs-gateway-headless"
)

var datadog = []string{"--set", "datadog.apiKeySecret.name=datadog"}

func (r *release) install(t *testing.T) {
	out := r.must(t, append([]string{"install", "obs", chart, "--wait", "--timeout", "60s"}, datadog...)...)
	require.Contains(t, out, "Pod Security level this namespace needs: restricted")
	require.EqualValues(t, nodes, r.daemonSet(t).Status.NumberReady)
	require.EqualValues(t, 2, r.statefulSet(t).Status.ReadyReplicas)
	require.Equal(t, 2, r.boundVolumes(t))
	// What the agents' k8s resolver sees.
	eventually(t, "both gateways are in the headless service", func(ctx context.Context) error {
		slices, err := r.DiscoveryV1().EndpointSlices(r.namespace).List(ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=" + headless})
		if err != nil {
			return err
		}
		ready := 0
		for _, slice := range slices.Items {
			for _, endpoint := range slice.Endpoints {
				if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
					ready++
				}
			}
		}
		return want(2, ready)
	})
}

func (r *release) permissions(t *testing.T) {
	account := "system:serviceaccount:" + r.namespace + ":obs-otelcol-obs"
	for _, tt := range []struct {
		namespace, group, resource string
		allowed                    bool
	}{
		{r.namespace, "discovery.k8s.io", "endpointslices", true},
		{"default", "discovery.k8s.io", "endpointslices", false},
		{r.namespace, "", "secrets", false},
		{r.namespace, "", "pods", false},
	} {
		require.Equal(t, tt.allowed, r.allowed(t, account, tt.namespace, tt.group, tt.resource), tt)
	}
}

func (r *release) rollout(t *testing.T) {
	before := r.podUIDs(t, "gateway")
	sum := checksum(r.statefulSet(t))
	r.must(t, append([]string{"upgrade", "obs", chart, "--wait", "--timeout", "120s",
		"--set-json", `gateway.config={"processors":{"tag_truncate":{"profile":"otel_default"}}}`}, datadog...)...)
	require.NotEqual(t, sum, checksum(r.statefulSet(t)))
	eventually(t, "every gateway is a new one", func(context.Context) error {
		for name, uid := range r.podUIDs(t, "gateway") {
			if before[name] == uid {
				return fmt.Errorf("%s is the old one", name)
			}
		}
		return nil
	})
}

func (r *release) resize(t *testing.T) {
	grow := append([]string{"upgrade", "obs", chart, "--wait", "--timeout", "60s", "--set", "gateway.persistence.size=20Gi", "--reuse-values"}, datadog...)
	out, err := r.run(t, grow...)
	require.Error(t, err)
	recipe := fmt.Sprintf("kubectl -n %s delete statefulset %s --cascade=orphan", r.namespace, gatewayName)
	require.Contains(t, out, "cannot change from 10Gi to 20Gi in place")
	require.Contains(t, out, recipe)

	before := r.podUIDs(t, "gateway")
	orphan := metav1.DeletePropagationOrphan
	require.NoError(t, r.AppsV1().StatefulSets(r.namespace).Delete(t.Context(), gatewayName, metav1.DeleteOptions{PropagationPolicy: &orphan}))
	eventually(t, "the object is gone", func(ctx context.Context) error {
		_, err := r.AppsV1().StatefulSets(r.namespace).Get(ctx, gatewayName, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("still there: %w", err)
	})
	r.must(t, grow...)
	require.Equal(t, before, r.podUIDs(t, "gateway"), "the running pods are adopted")
}

func (r *release) scale(t *testing.T) {
	set := func(values string, replicas int) {
		r.must(t, append([]string{"upgrade", "obs", chart, "--wait", "--timeout", "60s", "--reuse-values", "--set", values}, datadog...)...)
		eventually(t, "as many gateways as asked for", func(context.Context) error { return want(replicas, len(r.podUIDs(t, "gateway"))) })
	}
	set("gateway.replicas=3", 3)
	require.Equal(t, 3, r.boundVolumes(t))
	set("gateway.autoscaling.enabled=true,gateway.replicas=1", 3) // it starts from what there is
	set("gateway.autoscaling.enabled=false,gateway.replicas=2", 2)
	require.Equal(t, 3, r.boundVolumes(t), "a gateway that left still owns its queue")
}

func (r *release) rollback(t *testing.T) {
	now := checksum(r.statefulSet(t))
	// Revision 1 had another volume size; the first with this one is the last
	// resize, so go back one step: from two gateways to three.
	r.must(t, "rollback", "obs", "--wait", "--timeout", "120s")
	require.EqualValues(t, 3, r.statefulSet(t).Status.ReadyReplicas)
	require.Equal(t, now, checksum(r.statefulSet(t)))
	r.must(t, append([]string{"upgrade", "obs", chart, "--wait", "--timeout", "120s", "--set", "gateway.persistence.size=20Gi"}, datadog...)...)
	require.NotEqual(t, now, checksum(r.statefulSet(t)))
	r.must(t, "rollback", "obs", "--wait", "--timeout", "120s")
	require.Equal(t, now, checksum(r.statefulSet(t)), "the configuration is the former one again")
}

// drain evicts as `kubectl drain` does.
func (r *release) drain(t *testing.T) {
	n := *r.statefulSet(t).Spec.Replicas
	eventually(t, "every gateway is of the last revision and ready", func(ctx context.Context) error {
		sts, err := r.AppsV1().StatefulSets(r.namespace).Get(ctx, gatewayName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		s := sts.Status
		return want([5]any{sts.Generation, s.UpdateRevision, n, n, n},
			[5]any{s.ObservedGeneration, s.CurrentRevision, s.Replicas, s.UpdatedReplicas, s.AvailableReplicas})
	})
	eventually(t, "the budget allows one disruption", func(ctx context.Context) error {
		pdb, err := r.PolicyV1().PodDisruptionBudgets(r.namespace).Get(ctx, gatewayName, metav1.GetOptions{})
		if err != nil {
			return err
		}
		return want([3]int32{n, n, 1}, [3]int32{pdb.Status.ExpectedPods, pdb.Status.CurrentHealthy, pdb.Status.DisruptionsAllowed})
	})
	before := r.podUIDs(t, "gateway")
	evict := func(n int) error {
		return r.PolicyV1().Evictions(r.namespace).Evict(t.Context(), &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("%s-%d", gatewayName, n), Namespace: r.namespace},
		})
	}
	// With no node to go to, the first stays away for as long as the test looks.
	r.cordon(t, true)
	require.NoError(t, evict(0))
	refused := evict(1)
	require.True(t, apierrors.IsTooManyRequests(refused), "the second waits for the first, got: %v", refused)
	r.cordon(t, false)
	eventually(t, "the first is back, on its volume", func(context.Context) error {
		now := r.podUIDs(t, "gateway")
		if now[gatewayName+"-0"] == before[gatewayName+"-0"] || now[gatewayName+"-0"] == "" {
			return fmt.Errorf("not yet: %v", now)
		}
		return nil
	})
	eventually(t, "then the second may go", func(context.Context) error { return evict(1) })
}

func (r *release) uninstall(t *testing.T) {
	r.must(t, "uninstall", "obs", "--wait", "--timeout", "60s")
	require.Equal(t, 3, r.boundVolumes(t))
}

// step runs one step and says how long it took.
func (r *release) step(t *testing.T, what string, do func(*testing.T)) {
	t.Helper()
	start := time.Now()
	do(t)
	fmt.Printf("%-6s %-62s %5.1f s\n", filepath.Base(r.helm), what, time.Since(start).Seconds())
}

// run runs helm in the release's namespace and returns all it said.
func (r *release) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(r.helm, append(args, "--namespace", r.namespace)...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + r.kubeconfig}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *release) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := r.run(t, args...)
	require.NoError(t, err, "helm %s: %s", strings.Join(args, " "), out)
	return out
}

func (r *release) createNamespace(t *testing.T, level string) {
	t.Helper()
	_, err := r.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: r.namespace, Labels: map[string]string{"pod-security.kubernetes.io/enforce": level},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
}

func (r *release) daemonSet(t *testing.T) *appsv1.DaemonSet {
	t.Helper()
	ds, err := r.AppsV1().DaemonSets(r.namespace).Get(t.Context(), agentName, metav1.GetOptions{})
	require.NoError(t, err)
	return ds
}

func (r *release) statefulSet(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	sts, err := r.AppsV1().StatefulSets(r.namespace).Get(t.Context(), gatewayName, metav1.GetOptions{})
	require.NoError(t, err)
	return sts
}

func checksum(sts *appsv1.StatefulSet) string {
	return sts.Spec.Template.Annotations["checksum/config"]
}

func (r *release) podUIDs(t *testing.T, component string) map[string]types.UID {
	t.Helper()
	pods, err := r.CoreV1().Pods(r.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/component=" + component})
	require.NoError(t, err)
	uids := map[string]types.UID{}
	for _, pod := range pods.Items {
		uids[pod.Name] = pod.UID
	}
	return uids
}

func (r *release) boundVolumes(t *testing.T) int {
	t.Helper()
	claims, err := r.CoreV1().PersistentVolumeClaims(r.namespace).List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	bound := 0
	for _, claim := range claims.Items {
		if claim.Status.Phase == corev1.ClaimBound {
			bound++
		}
	}
	return bound
}

// event waits for an event with this reason whose message holds every text.
func (r *release) event(t *testing.T, reason string, texts ...string) {
	t.Helper()
	eventually(t, "an event "+reason, func(ctx context.Context) error {
		events, err := r.CoreV1().Events(r.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=" + reason})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			all := true
			for _, text := range texts {
				all = all && strings.Contains(event.Message, text)
			}
			if all {
				return nil
			}
		}
		return fmt.Errorf("none of %d events %s says %q", len(events.Items), reason, texts)
	})
}
