// Schemagen writes the JSON schemas that kubeconform checks the chart against,
// from the API description in the Kubernetes modules themselves and from the
// custom resource definitions in the modules of their projects.
//
// Only the kinds the chart makes are written, so a kind that is new to the chart
// is an error until it is added here. Properties the API does not know are
// refused, which neither swagger.json nor a definition says by itself.
//
//	go run ./schemagen -o schemas
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The oldest version the chart allows, a recent one and the one tests run on.
var kubernetes = []string{"v1.30.14", "v1.34.4", "v1.37.1"}

var kinds = map[string]bool{
	"configmap-v1": true, "service-v1": true, "serviceaccount-v1": true, "pod-v1": true,
	"daemonset-apps-v1": true, "statefulset-apps-v1": true,
	"poddisruptionbudget-policy-v1": true, "horizontalpodautoscaler-autoscaling-v2": true,
	"role-rbac-v1": true, "rolebinding-rbac-v1": true, "clusterrole-rbac-v1": true, "clusterrolebinding-rbac-v1": true,
	"networkpolicy-networking-v1": true, "ingress-networking-v1": true,
}

var definitions = []struct{ module, file string }{
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml"},
	{"github.com/prometheus-operator/prometheus-operator@v0.85.0", "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml"},
	{"sigs.k8s.io/gateway-api@v1.6.3", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"},
}

func main() {
	out := flag.String("o", "schemas", "directory to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "schemagen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	for _, version := range kubernetes {
		dir, err := download("k8s.io/kubernetes@" + version)
		if err != nil {
			return err
		}
		if err := fromSwagger(filepath.Join(dir, "api/openapi-spec/swagger.json"), filepath.Join(out, version)); err != nil {
			return fmt.Errorf("kubernetes %s: %w", version, err)
		}
	}
	for _, d := range definitions {
		dir, err := download(d.module)
		if err != nil {
			return err
		}
		if err := fromDefinition(filepath.Join(dir, d.file), filepath.Join(out, "crds")); err != nil {
			return fmt.Errorf("%s: %w", d.file, err)
		}
	}
	return nil
}

// download has the go command fetch a module and returns its directory.
func download(module string) (string, error) {
	b, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return "", fmt.Errorf("download %s: %w: %s", module, err, b)
	}
	var m struct{ Dir string }
	if err := json.Unmarshal(b, &m); err != nil {
		return "", err
	}
	return m.Dir, nil
}

func write(path string, v any) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// fileName is what kubeconform looks for: kind, first part of the group, version.
func fileName(group, version, kind string) string {
	parts := []string{strings.ToLower(kind)}
	if group != "" {
		parts = append(parts, strings.SplitN(group, ".", 2)[0])
	}
	return strings.Join(append(parts, version), "-")
}
