// Package order finds places among the processors in which rum_link joins little
// or nothing, and says what mends them.
package order

import (
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/pipeline"

	"github.com/otelcol-obs/otelcol-obs/internal/pipelineorder"
)

// neighbours are processors that must stand before or behind rum_link, and what
// goes wrong if they don't.
var neighbours = []struct {
	name   string
	before bool
	logs   bool // in logs pipelines alone
	why    string
}{
	{"dd_propagation", true, false, "it completes the ids by which logs and spans are joined"},
	{"json_log", true, true, "the ids are in the JSON that it reads"},
	{"dd_sampler", true, true, "a log can say that its trace was not sampled only once it knows"},
	{"tag_truncate", false, false, "what rum_link writes must be within the backend's limits too"},
}

// Misplacements returns what is wrong with where the processor stands, each with
// the sentence that mends it.
func Misplacements(all pipelineorder.Pipelines, self component.ID, linksOrphans bool) (wrong []string) {
	signals := map[pipeline.Signal]bool{}
	for _, id := range all.Names(self) {
		signals[id.Signal()] = true
		wrong = append(wrong, misplacedIn(id, all[id], self)...)
	}
	switch {
	case signals[pipeline.SignalLogs] && !signals[pipeline.SignalTraces]:
		wrong = append(wrong, missingFrom(all, self, pipeline.SignalTraces, "logs are joined to what passes there"))
	case signals[pipeline.SignalTraces] && !signals[pipeline.SignalLogs] && !linksOrphans:
		wrong = append(wrong, missingFrom(all, self, pipeline.SignalLogs, "spans count the logs that pass there"))
	}
	return wrong
}

func misplacedIn(id pipeline.ID, order []component.ID, self component.ID) (wrong []string) {
	at := slices.Index(order, self)
	for _, n := range neighbours {
		if n.logs && id.Signal() != pipeline.SignalLogs {
			continue
		}
		for i, p := range order {
			if p.Type().String() != n.name || (i < at) == n.before {
				continue
			}
			place := "behind"
			if n.before {
				place = "before"
			}
			wrong = append(wrong, fmt.Sprintf("put %s %s %s in service::pipelines::%s::processors: %s", p, place, self, id, n.why))
		}
	}
	return wrong
}

// missingFrom says that the processor stands in no pipeline of a signal, and
// which other processor of its type does.
func missingFrom(all pipelineorder.Pipelines, self component.ID, signal pipeline.Signal, why string) string {
	for _, id := range sorted(all) {
		for _, p := range all[id] {
			if id.Signal() == signal && p.Type() == self.Type() {
				return fmt.Sprintf("put %s in place of %s in service::pipelines::%s::processors: %s, and two ids share nothing", self, p, id, why)
			}
		}
	}
	return fmt.Sprintf("put %s in the processors of a %s pipeline too: %s", self, signal, why)
}

func sorted(all pipelineorder.Pipelines) []pipeline.ID {
	var ids []pipeline.ID
	for id := range all {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b pipeline.ID) int { return strings.Compare(a.String(), b.String()) })
	return ids
}
