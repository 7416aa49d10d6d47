package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/DataDog/dd-trace-go/v2/ddtrace/tracer"
	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/fluent/fluent-logger-golang/fluent"
	"github.com/stretchr/testify/require"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/sink"
)

// composeProject reads deploy/compose/compose.yaml as `docker compose` does:
// with its own loader, schema and interpolation.
func composeProject(t *testing.T, env ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(collector.Root(), "deploy/compose/compose.yaml")}, cli.WithEnv(env))
	require.NoError(t, err)
	return options.LoadProject(t.Context())
}

// composeCollector says how to run the container that stands for the agent as a
// process: its command, its files, its environment.
func composeCollector(t *testing.T, agent types.ServiceConfig) collector.Options {
	t.Helper()
	var opts collector.Options
	for _, arg := range agent.Command {
		file, ok := strings.CutPrefix(arg, "--config=/etc/otelcol-obs/")
		require.True(t, ok, arg)
		opts.Configs = append(opts.Configs, filepath.Join("config", file))
	}
	for name, value := range agent.Environment {
		require.NotNil(t, value, "%s is taken from the environment of docker compose", name)
		opts.Env = append(opts.Env, name+"="+*value)
	}
	return opts
}

// The application keeps its tracer, its variables and its logging driver; what
// it sends arrives as its own, logs under the spans that wrote them.
func TestComposeExampleTakesTheDatadogAgentsPlace(t *testing.T) {
	backend := sink.Start(t)
	project, err := composeProject(t, "NOTES_IMAGE=notes", "EXPORT=otlp", "OTEL_EXPORTER_OTLP_ENDPOINT="+backend.Endpoint)
	require.NoError(t, err)
	opts := composeCollector(t, project.Services["datadog-agent"])
	opts.Overlay = "exporters: {otlp_grpc: {sending_queue: {batch: {flush_timeout: 100ms}}}}"
	c := collector.Start(t, opts)

	notes := project.Services["notes"]
	host, port, err := net.SplitHostPort(c.Datadog)
	require.NoError(t, err)
	for name, value := range notes.Environment {
		require.NotNil(t, value)
		switch name {
		case "DD_AGENT_HOST": // the name the network of the composition gives it
			require.Contains(t, project.Services, *value)
			*value = host
		case "DD_TRACE_AGENT_PORT":
			require.Equal(t, "8126", *value)
			*value = port
		}
		t.Setenv(name, *value)
	}
	require.NoError(t, tracer.Start(tracer.WithLogStartup(false)))
	defer tracer.Stop()
	span := tracer.StartSpan("http.request", tracer.ResourceName("POST /notes"))
	line := `{"level":"info","message":"note saved","dd.trace_id":"` + span.Context().TraceID() +
		`","dd.span_id":"` + strconv.FormatUint(span.Context().SpanID(), 10) + `"}`
	span.Finish()
	tracer.Flush()

	// As the logging driver sends a line of the container.
	require.Equal(t, "fluentd", notes.Logging.Driver)
	host, port, err = net.SplitHostPort(c.Fluent)
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	driver, err := fluent.New(fluent.Config{FluentHost: host, FluentPort: n})
	require.NoError(t, err)
	defer driver.Close()
	require.NoError(t, driver.Post(notes.Logging.Options["tag"], map[string]string{
		"container_id": "c0ffee", "container_name": "/notes-notes-1", "source": "stdout", "log": line,
	}))

	backend.WaitFor(t, "the request and its log", func() bool {
		request := slices.ContainsFunc(backend.Spans(), func(s sink.Span) bool {
			return s.TraceID().String() == span.Context().TraceID() && s.Service() == "notes" &&
				sink.Str(s.Resource, "deployment.environment.name") == "dev" && sink.Str(s.Resource, "service.version") == "1.0"
		})
		saved := slices.ContainsFunc(backend.Logs(), func(l sink.Log) bool {
			return l.TraceID().String() == span.Context().TraceID() && l.Body().AsString() == "note saved"
		})
		return request && saved
	})
}

// Whatever backend is chosen, what the container is told is a configuration;
// what is missing is said in words.
func TestComposeExampleIsValidForEveryBackend(t *testing.T) {
	_, err := composeProject(t)
	require.ErrorContains(t, err, "NOTES_IMAGE is missing a value: the image of your application")

	bin, err := collector.Binary()
	require.NoError(t, err)
	const key, endpoint = "DD_API_KEY=0123456789abcdef0123456789abcdef", "OTEL_EXPORTER_OTLP_ENDPOINT=http://backend.test:4317"
	for _, tt := range []struct {
		env  []string
		says string // "" when it is valid
	}{
		{[]string{key}, ""},
		{[]string{key, "EXPORT=datadog-otlp", "DD_SITE=datadoghq.eu"}, ""},
		{[]string{key, "EXPORT=datadog"}, ""},
		{[]string{"EXPORT=otlp", endpoint}, ""},
		{[]string{"EXPORT=otlphttp", endpoint, "OTEL_EXPORTER_OTLP_HEADERS=x-key=1"}, ""},
		{[]string{"EXPORT=debug"}, ""},
		{nil, "DD_API_KEY is empty: set it to a Datadog API key"},
		{[]string{"EXPORT=otlp"}, "OTEL_EXPORTER_OTLP_ENDPOINT is empty"},
	} {
		t.Run(strings.Join(tt.env, " "), func(t *testing.T) {
			project, err := composeProject(t, append(tt.env, "NOTES_IMAGE=notes")...)
			require.NoError(t, err)
			opts := composeCollector(t, project.Services["datadog-agent"])
			validate := exec.Command(bin, "validate")
			for _, file := range opts.Configs {
				validate.Args = append(validate.Args, "--config", filepath.Join(collector.Root(), file))
			}
			validate.Env = append(opts.Env, "PATH="+os.Getenv("PATH"), "OTELCOL_OBS_DATA="+t.TempDir())
			said, err := validate.CombinedOutput()
			if tt.says == "" {
				require.NoError(t, err, string(said))
				return
			}
			require.Error(t, err)
			require.Contains(t, string(said), tt.says)
		})
	}
}
