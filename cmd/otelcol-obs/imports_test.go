package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/otelcol-obs/otelcol-obs/"

// Who may import whom, as docs/architecture.md draws it: components meet only in
// the data, and what they share knows no component.
func TestPackagesImportOnlyDownwards(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, dir := range []string{root, filepath.Join(root, "ddcontext"), filepath.Join(root, "tests/e2e")} {
		for _, p := range packages(t, dir) {
			from, ours := strings.CutPrefix(p.ImportPath, module)
			if !ours {
				continue
			}
			checked++
			for _, path := range p.Imports {
				if to, ours := strings.CutPrefix(path, module); ours && !mayImport(from, to) {
					t.Errorf("%s must not import %s", from, to)
				}
			}
		}
	}
	require.Greater(t, checked, 20)
}

func mayImport(from, to string) bool {
	component := componentOf(to)
	switch area, _, _ := strings.Cut(from, "/"); area {
	case "cmd":
		return true // what a component keeps to itself is internal
	case "components":
		return componentOf(from) == component || to == "ddcontext" || strings.HasPrefix(to, "internal/")
	case "internal":
		return strings.HasPrefix(to, "internal/") || to == "ddcontext"
	case "ddcontext":
		return strings.HasPrefix(to, "ddcontext")
	case "tests":
		return to == "ddcontext" || strings.HasPrefix(to, "tests/")
	}
	return component == ""
}

// componentOf returns the folder below components that path is in, or "".
func componentOf(path string) string {
	below, ok := strings.CutPrefix(path, "components/")
	if !ok {
		return ""
	}
	component, _, _ := strings.Cut(below, "/")
	return component
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T, dir string) (all []goPackage) {
	t.Helper()
	list := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	list.Dir = dir
	out, err := list.Output()
	require.NoError(t, err, dir)
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		all = append(all, p)
	}
}

// The corpus is megabytes that no user needs.
func TestTheBinaryHasNoTestData(t *testing.T) {
	t.Parallel()
	list := exec.Command("go", "list", "-deps", ".")
	out, err := list.Output()
	require.NoError(t, err)
	for _, path := range []string{"internal/corpus", "internal/goldentest", "internal/readmetest"} {
		require.NotContains(t, strings.Split(string(out), "\n"), module+path)
	}
}
