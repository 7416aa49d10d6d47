package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// app returns how a traced shop is started. Its arguments are PORT and the URL of the service it calls.
type app func(r *recorder, format string) (env []string, name string, args []string, err error)

// tracer records one app while it speaks one trace format.
func tracer(format string, a app) func(*recorder) error {
	return func(r *recorder) error {
		r.format = format
		env, name, args, err := a(r, format)
		if err != nil {
			return err
		}
		port, err := freePort()
		if err != nil {
			return err
		}
		env = append(env, "DD_TRACE_AGENT_URL="+r.url, "DD_ENV=prod", "DD_VERSION=1.2.3", "DD_SERVICE=shop",
			"DD_TAGS=team:checkout,region:eu", "DD_TRACE_STARTUP_LOGS=false", "DD_RUNTIME_METRICS_ENABLED=false",
			"DD_INSTRUMENTATION_TELEMETRY_ENABLED=false", "DD_REMOTE_CONFIGURATION_ENABLED=false",
			"DD_TRACE_AGENT_PROTOCOL_VERSION="+strings.TrimPrefix(format, "v"))
		p, err := start(env, name, append(args, port, r.url)...)
		if err != nil {
			return err
		}
		base := "http://127.0.0.1:" + port
		if err := p.ready(base + "/ready"); err != nil {
			return err
		}
		if err := load(base); err != nil {
			return err
		}
		return p.stop()
	}
}

func goApp(r *recorder, _ string) ([]string, string, []string, error) {
	bin := filepath.Join(r.dir, "shop")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "./record/apps/golang")
	build.Stderr = os.Stderr
	return nil, bin, nil, build.Run()
}

func nodeApp(*recorder, string) ([]string, string, []string, error) {
	modules, err := filepath.Abs("clients/node/node_modules")
	return []string{"NODE_PATH=" + modules}, "node", []string{"record/apps/node/shop.js"}, err
}

func pythonApp(r *recorder, format string) ([]string, string, []string, error) {
	python, err := filepath.Abs("clients/python/.venv/bin/python")
	return []string{"DD_TRACE_API_VERSION=" + format, "SHOP_DATABASE=" + filepath.Join(r.dir, "shop.db")},
		python, []string{"record/apps/python/shop.py"}, err
}

func javaApp(r *recorder, format string) ([]string, string, []string, error) {
	jars := filepath.Join(r.dir, "jars")
	copyJars := exec.Command("mvn", "--batch-mode", "--quiet", "--file", "record/apps/java/pom.xml",
		"dependency:copy-dependencies", "-DoutputDirectory="+jars, "-Dmdep.stripVersion=true")
	copyJars.Stdout, copyJars.Stderr = os.Stderr, os.Stderr
	if err := copyJars.Run(); err != nil {
		return nil, "", nil, err
	}
	env := []string{"DD_TRACE_AGENT_V0_5_ENABLED=false", "DD_TRACE_OTEL_ENABLED=true", "DD_PROFILING_ENABLED=false", "DD_JMXFETCH_ENABLED=false"}
	if format == "v0.5" {
		env[0] = "DD_TRACE_AGENT_V0_5_ENABLED=true"
	}
	return env, "java", []string{"-javaagent:" + filepath.Join(jars, "dd-java-agent.jar"), "-cp", filepath.Join(jars, "*"), "record/apps/java/Shop.java"}, nil
}
