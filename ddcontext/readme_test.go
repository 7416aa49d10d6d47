package ddcontext

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every option is in the README's table, and every name the README mentions exists.
func TestReadmeNamesWhatExists(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), entry.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				declared = append(declared, n.Name.Name)
			case *ast.TypeSpec:
				declared = append(declared, n.Name.Name)
			case *ast.ValueSpec:
				for _, name := range n.Names {
					declared = append(declared, name.Name)
				}
			}
			return true
		})
	}
	for _, name := range declared {
		if strings.HasPrefix(name, "With") && len(name) > len("With") && name != "Without" && !strings.Contains(string(readme), "| `"+name+"(") {
			t.Errorf("option %s is not in the README", name)
		}
	}
	foreign := []string{"HeaderCarrier", "MapCarrier", "TraceContext", "Baggage", "ParentBased", "String", "Binary"}
	for _, m := range regexp.MustCompile("`(?:ddcontext\\.)?([A-Z][A-Za-z0-9]+)[^`]*`").FindAllStringSubmatch(string(readme), -1) {
		if name := m[1]; name != "Error" && !slices.Contains(declared, name) && !slices.Contains(foreign, name) {
			t.Errorf("the README mentions %s, which does not exist", name)
		}
	}
}
