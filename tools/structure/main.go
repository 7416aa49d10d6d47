package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// entries are where an item enters a component: the functions that the
// collector or an HTTP server calls with data.
var entries = map[string][]string{
	"datadogexporter":    {"push"},
	"datadogreceiver":    {"decodeTraces"},
	"datadogrumreceiver": {"ServeHTTP"},
	"ddpropagation":      {"processTraces", "processLogs"},
	"ddsampler":          {"processTraces", "processLogs"},
	"durablestorage":     {"Batch"},
	"fluentreceiver":     {"handle"},
	"jsonlog":            {"processLogs"},
	"obfuscate":          {"processTraces", "processLogs"},
	"retrypolicy":        {"RoundTrip", "intercept"},
	"rumlinkprocessor":   {"processTraces", "processLogs"},
	"tagtruncate":        {"processTraces", "processLogs"},
}

func main() {
	log.SetFlags(0)
	root := flag.String("root", "../..", "folder of the product's module")
	verbose := flag.Bool("v", false, "name the calls that go up, and the way")
	flag.Parse()
	components := flag.Args()
	if len(components) == 0 {
		var err error
		if components, err = listComponents(*root); err != nil {
			log.Fatal(err)
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "component\tfiles\tfloors\tcalls between files\tup\tshare\titem\tfunctions\tfiles\tstays\treturns")
	var notes []string
	for _, name := range components {
		g, err := load(*root, name)
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		notes = append(notes, report(out, g, *verbose)...)
	}
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	for _, n := range notes {
		fmt.Println(n)
	}
}

func listComponents(root string) (names []string, err error) {
	found, err := filepath.Glob(filepath.Join(root, "components", "*", "factory.go"))
	for _, f := range found {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	return names, err
}

func report(out *tabwriter.Writer, g *graph, verbose bool) (notes []string) {
	floors := g.floors()
	calls, up := 0, 0
	for _, from := range g.files {
		for _, to := range g.calls[from] {
			calls++
			if floors[to] < floors[from] {
				up++
				if verbose {
					notes = append(notes, fmt.Sprintf("%s: up from %s (floor %d) to %s (floor %d)", g.name, from, floors[from], to, floors[to]))
				}
			}
		}
	}
	highest := 0
	for _, f := range floors {
		highest = max(highest, f+1)
	}
	head := fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%.0f %%", g.name, len(g.files), highest, calls, up, 100*float64(up)/float64(max(1, calls)))
	names := entries[g.name]
	if len(names) == 0 {
		fmt.Fprintln(out, head+"\t-\t\t\t\t")
	}
	for i, name := range names {
		w := g.way(name)
		if w.functions == nil {
			notes = append(notes, fmt.Sprintf("%s: there is no function %s any more: see entries in tools/structure/main.go", g.name, name))
		}
		if i > 0 {
			head = strings.Repeat("\t", strings.Count(head, "\t"))
		}
		fmt.Fprintf(out, "%s\t%s\t%d\t%d\t%d\t%d\n", head, name, len(w.functions), w.files, w.stays, w.stays-w.files)
		if verbose {
			notes = append(notes, fmt.Sprintf("%s: %s goes %s", g.name, name, strings.Join(w.path, " > ")))
		}
	}
	for _, s := range g.structs {
		if s.fields > 12 {
			notes = append(notes, fmt.Sprintf("%s: struct %s has %d fields", g.name, s.name, s.fields))
		}
	}
	for _, p := range slices.Sorted(mapsKeys(g.lines)) {
		if g.lines[p] > 1500 {
			notes = append(notes, fmt.Sprintf("%s: package %s has %d lines", g.name, p, g.lines[p]))
		}
	}
	return notes
}
