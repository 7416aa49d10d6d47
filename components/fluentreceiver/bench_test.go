package fluentreceiver

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/open-telemetry/opentelemetry-collector-contrib/receiver/fluentforwardreceiver"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/receiver/receivertest"

	. "github.com/otelcol-obs/otelcol-obs/components/fluentreceiver/internal/wire"
)

const benchRecords = 1000

// dockerChunk is what Fluentd or Docker send of a container's access log.
func dockerChunk() Raw {
	entries := make([]any, benchRecords)
	for i := range entries {
		entries[i] = Array(EventTime(sent, uint32(i)), Map("container_id", fmt.Sprintf("%064x", 7), "container_name", "/shop-web-1", "source", "stdout",
			"log", fmt.Sprintf(`127.0.0.1 - - [27/Nov/2026:16:00:00 +0000] "GET /orders/%06d HTTP/1.1" 200 512`, i*7919%1000000)))
	}
	return Array("docker.0123456789ab", Array(entries...), Map("chunk", "c1"))
}

// kubernetesChunk is what Fluent Bit's kubernetes filter makes of the lines of ten pods, without metadata, which contrib can't read.
func kubernetesChunk() Raw {
	entries := make([]any, benchRecords)
	for i := range entries {
		pod := i % 10
		entries[i] = Array(EventTime(sent, uint32(i)), Map(
			"time", fmt.Sprintf("2026-11-27T16:00:00.%09dZ", i), "stream", "stdout", "_p", "F",
			"log", fmt.Sprintf(`{"event":"order placed","level":"info","logger":"shop.orders","order":%d,"amount":12.5}`, i*7919%1000000),
			"kubernetes", Map("pod_name", fmt.Sprintf("shop-7d9f8c6b5-%05d", pod), "namespace_name", "demo", "pod_id", fmt.Sprintf("8b6cbf4e-6c3b-4d8e-9d2e-%012d", pod),
				"host", "ip-10-0-0-1.eu-west-1.compute.internal", "container_name", "shop", "docker_id", fmt.Sprintf("%064x", pod),
				"container_hash", "registry.example/shop/web@sha256:"+strings.Repeat("ab", 32), "container_image", "registry.example/shop/web:1.2.3", "pod_ip", "10.0.0.7",
				"labels", Map("app", "shop", "pod-template-hash", "7d9f8c6b5", "app.kubernetes.io/name", "shop", "app.kubernetes.io/version", "1.2.3", "tags.datadoghq.com/env", "prod"),
				"annotations", Map("kubernetes.io/psp", "eks.privileged", "prometheus.io/scrape", "true", "checksum/config", strings.Repeat("cd", 32)))))
	}
	return Array("kube.var.log.containers.shop", Array(entries...), Map("chunk", "c1"))
}

// BenchmarkReceive sends chunks of 1 000 records over a Unix socket to this receiver and to contrib's, each acknowledged: one
// iteration is one chunk.
func BenchmarkReceive(b *testing.B) {
	for name, chunk := range map[string]Raw{"docker": dockerChunk(), "kubernetes": kubernetesChunk()} {
		b.Run(name+"/fluent", func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "s")
			start(b, consumertest.NewNop(), func(c *Config) { c.Endpoint = "unix://" + path })
			send(b, path, chunk)
		})
		b.Run(name+"/fluent_forward", func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "s")
			factory := fluentforwardreceiver.NewFactory()
			cfg := factory.CreateDefaultConfig().(*fluentforwardreceiver.Config)
			cfg.ListenAddress = "unix://" + path
			r, err := factory.CreateLogs(context.Background(), receivertest.NewNopSettings(factory.Type()), cfg, consumertest.NewNop())
			require.NoError(b, err)
			require.NoError(b, r.Start(context.Background(), componenttest.NewNopHost()))
			defer func() { require.NoError(b, r.Shutdown(context.Background())) }()
			send(b, path, chunk)
		})
	}
}

func send(b *testing.B, path string, chunk Raw) {
	conn, err := net.Dial("unix", path)
	require.NoError(b, err)
	defer conn.Close()
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	answer := make([]byte, 512)
	before := cpuTime(b)
	defer func() {
		b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N)/benchRecords, "cpu-ns/record")
	}()
	for b.Loop() {
		if _, err := conn.Write(chunk); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what the process has used, the sender's part included. It says more than the clock on a machine that others use too.
func cpuTime(b *testing.B) int64 {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}
