package clustertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"
)

// Every object the chart can make passes the API server's own validation, which
// knows more than a schema: names, label values, selectors, immutable fields.
func TestTheAPIServerAcceptsEveryObject(t *testing.T) {
	c := start(t)
	c.addDefinitions(t)
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		out, err := exec.Command(tool(t, "helm"), "template", "obs", chart, "--kube-version", "v1.37.1", "--values", file).Output()
		require.NoError(t, err)
		c.dryRun(t, filepath.Base(file), string(out))
	}
}

// addDefinitions installs the custom resources the chart makes objects of.
func (c *cluster) addDefinitions(t *testing.T) {
	t.Helper()
	for _, d := range []struct{ module, file string }{
		{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"},
		{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
		{"sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
	} {
		out, err := exec.Command("go", "mod", "download", "-json", d.module).Output()
		require.NoError(t, err, string(out))
		var module struct{ Dir string }
		require.NoError(t, yaml.Unmarshal(out, &module))
		b, err := os.ReadFile(filepath.Join(module.Dir, d.file))
		require.NoError(t, err)
		c.create(t, string(b), metav1.CreateOptions{})
	}
}

func (c *cluster) dryRun(t *testing.T, name, manifests string) {
	t.Helper()
	count := 0
	dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict}
	for part := range strings.SplitSeq("\n"+manifests, "\n---\n") {
		opts := dry
		if strings.Contains(part, "\nkind: ServiceAccount\n") { // pods are refused without theirs
			opts.DryRun = nil
		}
		if c.create(t, part, opts) {
			count++
		}
	}
	require.NotZero(t, count, name)
}

func (c *cluster) create(t *testing.T, manifest string, opts metav1.CreateOptions) bool {
	t.Helper()
	var object unstructured.Unstructured
	require.NoError(t, yaml.Unmarshal([]byte(manifest), &object.Object), manifest)
	if len(object.Object) == 0 {
		return false
	}
	client, err := dynamic.NewForConfig(c.config)
	require.NoError(t, err)
	kind := object.GroupVersionKind()
	var mapping *meta.RESTMapping
	eventually(t, kind.String()+" is served", func(context.Context) error { // a definition takes a moment
		mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.Discovery()))
		mapping, err = mapper.RESTMapping(kind.GroupKind(), kind.Version)
		return err
	})
	var target dynamic.ResourceInterface = client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		target = client.Resource(mapping.Resource).Namespace("default")
		object.SetNamespace("default")
	}
	_, err = target.Create(t.Context(), &object, opts)
	if !apierrors.IsAlreadyExists(err) {
		require.NoError(t, err, manifest)
	}
	return true
}

// allowed asks the API server whether an account may watch a resource.
func (c *cluster) allowed(t *testing.T, account, namespace, group, resource string) bool {
	t.Helper()
	review, err := c.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               account,
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: "watch", Group: group, Resource: resource},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	return review.Status.Allowed
}

// Both Helms make the same objects of the same values, nulls and strings of
// configuration included.
func TestHelm4MakesWhatHelm3Makes(t *testing.T) {
	files, err := filepath.Glob(chart + "/ci/*-values.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		objects := map[string]map[string]any{}
		for _, helm := range []string{"helm", "helm4"} {
			out, err := exec.Command(tool(t, helm), "template", "obs", chart, "--kube-version", "v1.37.1", "--values", file).Output()
			require.NoError(t, err)
			objects[helm] = map[string]any{}
			for part := range strings.SplitSeq("\n"+string(out), "\n---\n") {
				var object unstructured.Unstructured
				require.NoError(t, yaml.Unmarshal([]byte(part), &object.Object))
				if len(object.Object) > 0 {
					objects[helm][object.GetKind()+" "+object.GetName()] = object.Object
				}
			}
		}
		require.NotEmpty(t, objects["helm"], file)
		require.Equal(t, objects["helm"], objects["helm4"], file)
	}
}
