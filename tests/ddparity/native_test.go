package ddparity

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the list of differences")

// What the exporter sends of a tracer's payload is what a real Agent sends, but for the differences in testdata/native.txt.
func TestATracersPayloadLeavesAsTheAgentSendsIt(t *testing.T) {
	agentIntake, ourIntake := newIntake(t), newIntake(t)
	agent := startAgent(t, agentIntake)
	var lines []string
	for _, mode := range []string{"both", "lossless"} {
		ours := startOurs(t, ourIntake, mode)
		for _, c := range []struct{ file, path string }{
			{"go-v0.4.bin", "/v0.4/traces"}, {"js-v0.4.bin", "/v0.4/traces"}, {"js-v0.5.bin", "/v0.5/traces"},
		} {
			body, err := os.ReadFile("testdata/" + c.file)
			require.NoError(t, err)
			header := map[string]string{
				"X-Datadog-Trace-Count": "1", "Datadog-Meta-Lang": "nodejs", "Datadog-Meta-Tracer-Version": "5.132.0", "Datadog-Meta-Lang-Version": "22",
			}
			agentIntake.reset()
			ourIntake.reset()
			put(t, agent.url+c.path, body, header)
			put(t, ours+c.path, body, header)
			want, got := agentIntake.spans(t, 2), ourIntake.spans(t, 2)
			lines = append(lines, fmt.Sprintf("%s %s", c.file, mode))
			lines = append(lines, differences(want, got)...)
		}
	}
	compareList(t, "testdata/native.txt", lines)
}

func compareList(t *testing.T, file string, lines []string) {
	t.Helper()
	text := strings.Join(lines, "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), text)
}

// differences compares spans, chunks and payloads field by field. JSON is compared by its value.
func differences(want, got map[uint64]arrived) (lines []string) {
	for id, w := range want {
		g, ok := got[id]
		if !ok {
			lines = append(lines, fmt.Sprintf("  %s: span is missing", w.Name))
			continue
		}
		lines = append(lines, spanDifferences(w, g)...)
	}
	for id, g := range got {
		if _, ok := want[id]; !ok {
			lines = append(lines, fmt.Sprintf("  %s: span is more", g.Name))
		}
	}
	sort.Strings(lines)
	return lines
}

func spanDifferences(w, g arrived) (lines []string) {
	field := func(name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			lines = append(lines, fmt.Sprintf("  %s: %s: %.200q became %.200q", w.Name, name, fmt.Sprint(a), fmt.Sprint(b)))
		}
	}
	field("service", w.Service, g.Service)
	field("name", w.Name, g.Name)
	field("resource", w.Resource, g.Resource)
	field("type", w.Type, g.Type)
	field("ids", [3]uint64{w.TraceID, w.SpanID, w.ParentID}, [3]uint64{g.TraceID, g.SpanID, g.ParentID})
	field("times", [2]int64{w.Start, w.Duration}, [2]int64{g.Start, g.Duration})
	field("error", w.Error, g.Error)
	field("links", asJSON(w.SpanLinks), asJSON(g.SpanLinks))
	field("events", asJSON(w.SpanEvents), asJSON(g.SpanEvents))
	keys := map[string]bool{}
	for k := range w.Meta {
		keys[k] = true
	}
	for k := range g.Meta {
		keys[k] = true
	}
	for k := range keys {
		a, inWant := w.Meta[k]
		b, inGot := g.Meta[k]
		if !inWant || !inGot {
			field("meta "+k, or(inWant, a), or(inGot, b))
		} else if !sameJSON(a, b) {
			field("meta "+k, a, b)
		}
	}
	numbers := map[string]bool{}
	for k := range w.Metrics {
		numbers[k] = true
	}
	for k := range g.Metrics {
		numbers[k] = true
	}
	for k := range numbers {
		a, inWant := w.Metrics[k]
		b, inGot := g.Metrics[k]
		field("metric "+k, or(inWant, fmt.Sprint(a)), or(inGot, fmt.Sprint(b)))
	}
	field("meta_struct", fmt.Sprint(w.MetaStruct), fmt.Sprint(g.MetaStruct))
	field("chunk priority", w.chunk.Priority, g.chunk.Priority)
	field("chunk origin", w.chunk.Origin, g.chunk.Origin)
	field("chunk tags", fmt.Sprint(w.chunk.Tags), fmt.Sprint(g.chunk.Tags))
	field("chunk dropped", w.chunk.DroppedTrace, g.chunk.DroppedTrace)
	field("chunk spans", len(w.chunk.Spans), len(g.chunk.Spans))
	for _, f := range []struct {
		name string
		a, b any
	}{
		{"env", w.payload.Env, g.payload.Env}, {"host", w.payload.Hostname, g.payload.Hostname}, {"version", w.payload.AppVersion, g.payload.AppVersion},
		{"language", w.payload.LanguageName, g.payload.LanguageName}, {"language version", w.payload.LanguageVersion, g.payload.LanguageVersion},
		{"tracer version", w.payload.TracerVersion, g.payload.TracerVersion}, {"container", w.payload.ContainerID, g.payload.ContainerID},
		{"runtime id", w.payload.RuntimeID, g.payload.RuntimeID}, {"tags", fmt.Sprint(w.payload.Tags), fmt.Sprint(g.payload.Tags)},
		{"agent host", w.agent.HostName, g.agent.HostName}, {"agent env", w.agent.Env, g.agent.Env},
	} {
		field("payload "+f.name, f.a, f.b)
	}
	return lines
}

func or(there bool, value string) string {
	if !there {
		return "nothing"
	}
	return value
}

func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	if a == "" || b == "" || a[0] != '[' && a[0] != '{' {
		return false
	}
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func asJSON(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
