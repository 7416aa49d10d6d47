// Package pipelineorder lets a component see which processors stand in which
// pipeline, and in which order, so that it can warn of an order that does not
// work.
//
// The collector shows its configuration to extensions alone, before any pipeline
// starts. An extension embeds a Watcher, which keeps the order; a component asks
// for it with Of when it starts. Libraries: the collector API alone.
package pipelineorder

import (
	"context"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/extension/extensioncapabilities"
	"go.opentelemetry.io/collector/pipeline"
)

// Pipelines are the processors of every pipeline, in their order.
type Pipelines map[pipeline.ID][]component.ID

// Names returns the pipelines that have a processor, sorted by name.
func (p Pipelines) Names(processor component.ID) []pipeline.ID {
	var names []pipeline.ID
	for name, processors := range p {
		if slices.Contains(processors, processor) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b pipeline.ID) int { return strings.Compare(a.String(), b.String()) })
	return names
}

// Watcher is embedded by an extension. It implements
// extensioncapabilities.ConfigSnapshotWatcher.
type Watcher struct {
	mu        sync.Mutex
	pipelines Pipelines
}

var _ extensioncapabilities.ConfigSnapshotWatcher = (*Watcher)(nil)

// NotifyConfigSnapshot keeps the order of processors. It never fails: what it
// cannot read it leaves out.
func (w *Watcher) NotifyConfigSnapshot(_ context.Context, snapshot extensioncapabilities.ConfigSnapshot) error {
	found := Pipelines{}
	if conf := snapshot.Effective(); conf != nil {
		all, _ := conf.Get("service::pipelines").(map[string]any)
		for name, one := range all {
			read(found, name, one)
		}
	}
	w.mu.Lock()
	w.pipelines = found
	w.mu.Unlock()
	return nil
}

func read(found Pipelines, name string, one any) {
	var id pipeline.ID
	fields, _ := one.(map[string]any)
	names, _ := fields["processors"].([]any)
	if id.UnmarshalText([]byte(name)) != nil {
		return
	}
	for _, n := range names {
		var processor component.ID
		text, ok := n.(string)
		if ok && processor.UnmarshalText([]byte(text)) == nil {
			found[id] = append(found[id], processor)
		}
	}
}

// ProcessorOrder returns what was in the last configuration.
func (w *Watcher) ProcessorOrder() Pipelines {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pipelines
}

// Of returns the order of processors, nil when no extension of host knows it.
func Of(host component.Host) Pipelines {
	for _, ext := range host.GetExtensions() {
		if w, ok := ext.(interface{ ProcessorOrder() Pipelines }); ok {
			if p := w.ProcessorOrder(); p != nil {
				return p
			}
		}
	}
	return nil
}
