package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"iter"
	"maps"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
)

// function is one declared function or method.
type function struct {
	name  string
	file  string // relative to the component
	calls []*types.Func
}

type structSize struct {
	name   string
	fields int
}

// graph is one component with its sub-packages.
type graph struct {
	name    string
	files   []string
	calls   map[string][]string // between files, each once, in source order
	funcs   map[*types.Func]*function
	order   []*types.Func // in source order
	structs []structSize
	lines   map[string]int // by package
}

func mapsKeys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }

func load(root, component string) (*graph, error) {
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports,
		Dir:  root,
	}, "./components/"+component+"/...")
	if err != nil {
		return nil, err
	}
	base, err := filepath.Abs(filepath.Join(root, "components", component))
	if err != nil {
		return nil, err
	}
	g := &graph{name: component, calls: map[string][]string{}, funcs: map[*types.Func]*function{}, lines: map[string]int{}}
	l := &loader{g: g, base: base, byName: map[string]*types.Func{}}
	for _, p := range pkgs {
		for _, e := range p.Errors {
			return nil, errors.New(e.Error())
		}
		if strings.HasSuffix(p.PkgPath, "/metadata") || strings.HasSuffix(p.PkgPath, "/metadatatest") {
			continue // generated
		}
		l.declare(p)
	}
	for _, p := range pkgs {
		l.connect(p)
	}
	g.connectFiles()
	if len(g.files) == 0 {
		return nil, fmt.Errorf("no files")
	}
	return g, nil
}

// loader fills a graph. A function that one package declares is another object
// where another package uses it, so functions are matched by their full names.
type loader struct {
	g      *graph
	base   string
	byName map[string]*types.Func
	types  []types.Type // for interfaces
}

func (l *loader) path(fset *token.FileSet, pos token.Pos) string {
	rel, err := filepath.Rel(l.base, fset.Position(pos).Filename)
	if err != nil {
		return fset.Position(pos).Filename
	}
	return rel
}

func (l *loader) declare(p *packages.Package) {
	for _, file := range p.Syntax {
		path := l.path(p.Fset, file.Package)
		l.g.files = append(l.g.files, path)
		l.g.lines[p.PkgPath] += p.Fset.File(file.Package).LineCount()
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				f := p.TypesInfo.Defs[d.Name].(*types.Func)
				l.g.funcs[f] = &function{name: d.Name.Name, file: path}
				l.g.order = append(l.g.order, f)
				l.byName[f.FullName()] = f
			case *ast.GenDecl:
				l.declareTypes(p, path, d)
			}
		}
	}
}

func (l *loader) declareTypes(p *packages.Package, path string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		t, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		typ := p.TypesInfo.Defs[t.Name].Type()
		if !types.IsInterface(typ) {
			l.types = append(l.types, types.NewPointer(typ))
		}
		if s, ok := typ.Underlying().(*types.Struct); ok && filepath.Base(path) != "config.go" {
			l.g.structs = append(l.g.structs, structSize{p.Name + "." + t.Name.Name, s.NumFields()})
		}
	}
}

func (l *loader) connect(p *packages.Package) {
	for _, file := range p.Syntax {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			from := l.g.funcs[p.TypesInfo.Defs[f.Name].(*types.Func)]
			if from == nil {
				continue
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if used, ok := p.TypesInfo.Uses[id].(*types.Func); ok {
						from.calls = append(from.calls, l.targets(used.Origin())...)
					}
				}
				return true
			})
		}
	}
}

// targets are the functions of the component that a use of f can run.
func (l *loader) targets(f *types.Func) []*types.Func {
	if ours := l.byName[f.FullName()]; ours != nil {
		return []*types.Func{ours}
	}
	recv := f.Signature().Recv()
	if recv == nil || !types.IsInterface(recv.Type()) || f.Pkg() == nil || !strings.Contains(f.Pkg().Path(), "otelcol-obs/components/") {
		return nil
	}
	var all []*types.Func
	for _, t := range l.types {
		if m, _, _ := types.LookupFieldOrMethod(t, true, f.Pkg(), f.Name()); m != nil {
			if impl, ok := m.(*types.Func); ok && types.Identical(impl.Signature().Params(), f.Signature().Params()) {
				if ours := l.byName[impl.FullName()]; ours != nil {
					all = append(all, ours)
				}
			}
		}
	}
	return all
}
