package main

import (
	"go/types"
	"slices"
)

func (g *graph) connectFiles() {
	for _, f := range g.order {
		from := g.funcs[f]
		for _, callee := range from.calls {
			to := g.funcs[callee]
			if to.file != from.file && !slices.Contains(g.calls[from.file], to.file) {
				g.calls[from.file] = append(g.calls[from.file], to.file)
			}
		}
	}
}

// floors returns each file's longest way from factory.go. Calls that close a
// circle, found depth first in source order, lengthen no way.
func (g *graph) floors() map[string]int {
	const (
		entered = 1
		done    = 2
	)
	state, floor := map[string]int{}, map[string]int{}
	back := map[[2]string]bool{}
	var order []string // callees before callers
	var visit func(file string)
	visit = func(file string) {
		state[file] = entered
		for _, to := range g.calls[file] {
			switch state[to] {
			case entered:
				back[[2]string{file, to}] = true
			case 0:
				visit(to)
			}
		}
		state[file] = done
		order = append(order, file)
	}
	visit("factory.go")
	for _, file := range g.files { // what only the collector or init calls
		if state[file] == 0 {
			visit(file)
		}
	}
	for _, file := range slices.Backward(order) {
		for _, to := range g.calls[file] {
			if !back[[2]string{file, to}] {
				floor[to] = max(floor[to], floor[file]+1)
			}
		}
	}
	return floor
}

type way struct {
	functions []string
	path      []string // of files, one for each stay
	files     int
	stays     int
}

// way follows an item from the functions called entry.
func (g *graph) way(entry string) (w way) {
	seen, files := map[*types.Func]bool{}, map[string]bool{}
	var visit func(f *types.Func)
	visit = func(f *types.Func) {
		if seen[f] {
			return
		}
		seen[f] = true
		is := g.funcs[f]
		w.functions = append(w.functions, is.name)
		if n := len(w.path); n == 0 || w.path[n-1] != is.file {
			w.path = append(w.path, is.file)
			files[is.file] = true
		}
		for _, callee := range is.calls {
			visit(callee)
		}
	}
	for _, f := range g.order {
		if g.funcs[f].name == entry {
			visit(f)
		}
	}
	w.stays, w.files = len(w.path), len(files)
	return w
}
