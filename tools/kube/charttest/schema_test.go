package charttest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Bad values are refused with their path before anything reaches a cluster.
func TestBadValuesAreRefused(t *testing.T) {
	timed(t)
	const secret = "datadog.apiKeySecret.name=datadog"
	for name, tt := range map[string]struct {
		json string
		err  string
	}{
		"unknown top key":         {`replicas=3`, "additional properties 'replicas' not allowed"},
		"unknown agent key":       {`agent.replicas=3`, "at '/agent': additional properties 'replicas' not allowed"},
		"unknown gateway key":     {`gateway.hostPort=true`, "at '/gateway': additional properties 'hostPort' not allowed"},
		"unknown backend":         {`backend="splunk"`, "at '/backend': value must be one of"},
		"unknown protocol":        {`otlp.protocol="thrift"`, "at '/otlp/protocol': value must be one of"},
		"an api key":              {`datadog.apiKey="abc"`, "at '/datadog': additional properties 'apiKey' not allowed"},
		"a secret's value":        {`datadog.apiKeySecret.value="abc"`, "additional properties 'value' not allowed"},
		"an empty secret key":     {`datadog.apiKeySecret.key=""`, "at '/datadog/apiKeySecret/key': minLength"},
		"no replicas":             {`gateway.replicas=0`, "at '/gateway/replicas': minimum: got 0, want 1"},
		"replicas as a string":    {`gateway.replicas="2"`, "at '/gateway/replicas': got string, want integer"},
		"a switch as a string":    {`agent.datadog.socket="yes"`, "at '/agent/datadog/socket': got string, want boolean"},
		"a size without a unit":   {`gateway.persistence.size="10"`, "at '/gateway/persistence/size': '10' does not match pattern"},
		"a size in GB":            {`gateway.persistence.size="10GB"`, "does not match pattern"},
		"no memory limit":         {`agent.resources={"limits":{"memory":null}}`, "at '/agent/resources/limits': missing property 'memory'"},
		"a wait without a unit":   {`gateway.join.wait="2"`, "at '/gateway/join/wait': '2' does not match pattern"},
		"a relative socket dir":   {`agent.datadog.socketDir="run"`, "at '/agent/datadog/socketDir': 'run' does not match pattern"},
		"a tiny queue":            {`agent.queue.maxBytes=1000`, "at '/agent/queue/maxBytes': minimum"},
		"kafka without brokers":   {`kafka.enabled=true`, "at '/kafka/brokers': minItems: got 0, want 1"},
		"a broker without port":   {`kafka.brokers=["kafka"]`, "at '/kafka/brokers/0': 'kafka' does not match pattern"},
		"an ingress without host": {`gateway.rum.ingress.enabled=true`, "at '/gateway/rum/ingress/host': minLength"},
		"a route without parent":  {`gateway.rum.httpRoute.enabled=true`, "at '/gateway/rum/httpRoute/parentRefs': minItems"},
		"a digest with a tag":     {`image.digest="v1"`, "at '/image/digest': 'v1' does not match pattern"},
		"env values as numbers":   {`agent.env=[{"name":"A","value":1}]`, "at '/agent/env/0/value': got number, want string"},
		"annotations as numbers":  {`gateway.podAnnotations={"a":1}`, "at '/gateway/podAnnotations/a': got number, want string"},
		"a list as config":        {`agent.config=["receivers"]`, "at '/agent/config': got array, want null or string or object"},
		"no connections":          {`intake.maxConnections=0`, "at '/intake/maxConnections': minimum: got 0, want 1"},
		"service type":            {`gateway.service.type="ExternalName"`, "at '/gateway/service/type': value must be one of"},
	} {
		t.Run(name, func(t *testing.T) {
			_, errs, err := helm(t, "template", "obs", chart, "--kube-version", recent, "--set", secret, "--set-json", tt.json)
			require.Error(t, err)
			require.Contains(t, errs, tt.err)
		})
	}
}

// What the schema cannot see is said by the templates.
func TestMissingValuesAreNamed(t *testing.T) {
	timed(t)
	for name, tt := range map[string]struct {
		set string
		err string
	}{
		"no secret":       {"backend=datadog", "datadog.apiKeySecret.name is needed with backend=datadog: kubectl create secret generic datadog --from-literal=api-key=..."},
		"no endpoint":     {"backend=otlp", "otlp.endpoint is needed with backend=otlp"},
		"nothing to do":   {"backend=debug,agent.otlp.enabled=false,agent.datadog.enabled=false,agent.fluent.enabled=false", "agent: every receiver is turned off, so there is nothing to do; set agent.enabled=false instead"},
		"config no YAML":  {"backend=debug,agent.config=\\{", "agent.config: "},
		"little memory":   {"backend=debug,agent.resources.limits.memory=256Mi", "agent.resources.limits.memory is 256Mi: one request of 8 MiB needs 384Mi"},
		"a small gateway": {"backend=debug,gateway.resources.limits.memory=300M", "gateway.resources.limits.memory is 300M: one request of 8 MiB needs 384Mi"},
		"old Kubernetes":  {"backend=debug", "chart requires kubeVersion: >=1.30.0-0"},
	} {
		t.Run(name, func(t *testing.T) {
			version := recent
			if name == "old Kubernetes" {
				version = "v1.29.0"
			}
			_, errs, err := helm(t, "template", "obs", chart, "--kube-version", version, "--set", tt.set)
			require.Error(t, err)
			require.Contains(t, errs, tt.err)
		})
	}
}

func TestAParentChartMaySetGlobalAndEnabled(t *testing.T) {
	timed(t)
	render(t, recent, "--set", "backend=debug,enabled=true,global.anything=1")
}
