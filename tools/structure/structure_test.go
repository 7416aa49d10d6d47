package main

import (
	"go/types"
	"slices"
	"testing"
)

// drawn is a graph of functions named FILE.NAME, each with what it calls, in source order.
func drawn(calls ...[]string) *graph {
	g := &graph{calls: map[string][]string{}, funcs: map[*types.Func]*function{}}
	byName := map[string]*types.Func{}
	for _, c := range calls {
		f := types.NewFunc(0, nil, c[0], types.NewSignatureType(nil, nil, nil, nil, nil, false))
		byName[c[0]] = f
		g.funcs[f] = &function{name: c[0][2:], file: map[byte]string{'f': "factory.go", 'a': "a.go", 'b': "b.go"}[c[0][0]]}
		g.order = append(g.order, f)
	}
	for i, c := range calls {
		for _, callee := range c[1:] {
			g.funcs[g.order[i]].calls = append(g.funcs[g.order[i]].calls, byName[callee])
		}
	}
	g.files = []string{"factory.go", "a.go", "b.go"}
	g.connectFiles()
	return g
}

func TestAFilesFloorIsItsLongestWayFromTheFactory(t *testing.T) {
	g := drawn([]string{"f.create", "b.leaf", "a.walk"}, []string{"a.walk", "b.leaf"}, []string{"a.count"}, []string{"b.leaf", "a.count"})
	floors := g.floors()
	if floors["factory.go"] != 0 || floors["a.go"]+floors["b.go"] != 3 {
		t.Errorf("floors: %v", floors)
	}
	up := 0
	for from, all := range g.calls {
		for _, to := range all {
			if floors[to] < floors[from] {
				up++
			}
		}
	}
	if up != 1 {
		t.Errorf("a and b call each other, so one call goes up, got %d", up)
	}
}

func TestAWayCountsReturnsToAFileThatWasLeft(t *testing.T) {
	g := drawn([]string{"f.create", "a.walk"}, []string{"a.walk", "b.leaf", "a.count", "b.leaf"}, []string{"a.count"}, []string{"b.leaf"})
	w := g.way("walk")
	if !slices.Equal(w.path, []string{"a.go", "b.go", "a.go"}) || w.files != 2 || w.stays-w.files != 1 || len(w.functions) != 3 {
		t.Errorf("%+v", w)
	}
}
