package clients

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/otelcol-obs/otelcol-obs/tests/e2e/internal/collector"
)

// partitions is how many every topic has.
const partitions = 6

// broker is an Apache Kafka of one node, its data and its ports its own.
type broker struct {
	addr  string
	admin *kadm.Client

	java   string
	args   []string
	config string
	run    *process
}

// startBroker starts a broker with the three topics of the shipped configurations.
func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{java: program(t, "java", "apt-get install --no-install-recommends openjdk-17-jre-headless")}
	jars := filepath.Dir(installed(t, "kafka/jars/pom.xml", ".ci/clients"))
	ports := collector.FreePorts(t, 2)
	b.addr = ports[0]
	dir := t.TempDir()
	b.config = filepath.Join(dir, "server.properties")
	require.NoError(t, os.WriteFile(b.config, fmt.Appendf(nil, `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@%[2]s
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://%[1]s,CONTROLLER://%[2]s
advertised.listeners=PLAINTEXT://%[1]s
log.dirs=%[3]s
auto.create.topics.enable=false
offsets.topic.num.partitions=3
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=250
`, ports[0], ports[1], filepath.Join(dir, "data")), 0o600))
	// The quickest start for a small load: one compiler, one heap, little of it.
	b.args = []string{
		"-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(jars, "*"),
	}

	var id [16]byte
	_, err := rand.Read(id[:])
	require.NoError(t, err)
	format := start(t, nil, b.java, append(b.args, "kafka.tools.StorageTool", "format",
		"-t", base64.RawURLEncoding.EncodeToString(id[:]), "-c", b.config)...)
	format.ends(t)
	b.start(t)

	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.DisableClientMetrics())
	require.NoError(t, err)
	t.Cleanup(client.Close)
	b.admin = kadm.NewClient(client)
	ctx, cancel := context.WithTimeout(t.Context(), upWithin)
	defer cancel()
	made, err := b.admin.CreateTopics(ctx, partitions, 1, nil, "otlp_spans", "otlp_logs", "otlp_metrics")
	require.NoError(t, err)
	require.NoError(t, made.Error())
	return b
}

// start runs the broker and waits until its port is open.
func (b *broker) start(t *testing.T) {
	t.Helper()
	b.run = start(t, nil, b.java, append(b.args, "kafka.Kafka", b.config)...)
	deadline := time.After(upWithin)
	for {
		conn, err := net.Dial("tcp", b.addr)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-b.run.done:
			b.run.done <- err
			t.Fatalf("the broker ended: %v\n%s", err, b.run.output())
		case <-deadline:
			t.Fatalf("the broker did not open %s within %s\n%s", b.addr, upWithin, b.run.output())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill ends the broker by kill -9.
func (b *broker) kill() {
	_ = b.run.cmd.Process.Kill()
	b.run.done <- <-b.run.done
}

// shares waits until each of the instances reads an equal share of a topic in
// the group, and returns which partitions each has.
func (b *broker) shares(t *testing.T, group string, instances ...string) map[string][]int32 {
	t.Helper()
	var said string
	for deadline := time.Now().Add(upWithin); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		groups, err := b.admin.DescribeGroups(t.Context(), group)
		said = fmt.Sprint(groups[group], err)
		if err != nil || groups[group].State != "Stable" {
			continue
		}
		shares := map[string][]int32{}
		for _, member := range groups[group].Members {
			if assigned, ok := member.Assigned.AsConsumer(); ok && member.InstanceID != nil && len(assigned.Topics) == 1 {
				shares[*member.InstanceID] = assigned.Topics[0].Partitions
			}
		}
		done := len(shares) == len(instances)
		for _, instance := range instances {
			done = done && len(shares[instance]) == partitions/len(instances)
		}
		if done {
			return shares
		}
	}
	t.Fatalf("%v do not share %s within %s: %s", instances, group, upWithin, said)
	return nil
}

// ends waits for a program that ends by itself, without an error.
func (p *process) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		require.NoError(t, err, p.output())
	case <-time.After(upWithin):
		t.Fatalf("%s did not end within %s\n%s", p.cmd.Path, upWithin, p.output())
	}
}
