package published

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// walk calls f for a schema and all that it is made of.
func walk(place string, s *Schema, f func(place string, s *Schema)) {
	f(place, s)
	for name, member := range s.Properties {
		walk(place+"/"+name, member, f)
	}
	for i, a := range s.AnyOf {
		walk(place+" or "+strconv.Itoa(i), a, f)
	}
	if s.Items != nil {
		walk(place+"/*", s.Items, f)
	}
	if s.Others != nil && s.Others.Values != nil {
		walk(place+"/any", s.Others.Values, f)
	}
}

func TestSchemasAreClosedAndTyped(t *testing.T) {
	t.Parallel()
	for name, s := range schemas() {
		walk(name, s, func(place string, s *Schema) {
			switch {
			case s.Type == "" && len(s.AnyOf) == 0:
				t.Errorf("%s may be anything", place)
			case s.Type == "object" && s.Others == nil:
				t.Errorf("%s is open", place)
			case s.Type == "array" && s.Items == nil:
				t.Errorf("%s may hold anything", place)
			}
			for _, required := range s.Required {
				if s.Properties[required] == nil {
					t.Errorf("%s requires %s, which it doesn't describe", place, required)
				}
			}
		})
	}
}

// constants are the values of all constants of a type, by its package's source.
func constants(t *testing.T, of reflect.Type) []string {
	t.Helper()
	path, ok := strings.CutPrefix(of.PkgPath(), "tender/")
	if !ok {
		t.Fatalf("%s is not ours", of)
	}
	sources, err := filepath.Glob(filepath.Join(root, path, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != of.Name() {
				return true
			}
			for _, v := range spec.Values {
				if literal, ok := v.(*ast.BasicLit); ok {
					value, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, value)
				}
			}
			return true
		})
	}
	return values
}

func TestSetsAreThoseOfTheSource(t *testing.T) {
	t.Parallel()
	for of, set := range sets {
		want, got := constants(t, of), slices.Clone(set)
		slices.Sort(want)
		slices.Sort(got)
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s may be %q, not %q", of, want, got)
		}
	}
}

// A string type of ours among the fields is a closed set: it must be known as one.
func TestStringTypesAreSets(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var look func(typ reflect.Type)
	look = func(typ reflect.Type) {
		if _, shaped := shapes[typ]; shaped || seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			look(typ.Elem())
		case reflect.Struct:
			for f := range fieldsOf(typ) {
				look(f.Type)
			}
		case reflect.String:
			if _, known := sets[typ]; !known && typ.PkgPath() != "" {
				t.Errorf("what a %s may be is not known", typ)
			}
		}
	}
	for _, o := range objects {
		look(o)
	}
	if len(seen) < 30 {
		t.Errorf("only %d types were looked at", len(seen))
	}
	for f := range fields {
		var names []string
		for of := range fieldsOf(f.of) {
			wire, _, _ := strings.Cut(of.Tag.Get("json"), ",")
			names = append(names, wire)
		}
		if !slices.Contains(names, f.name) {
			t.Errorf("%s has no field %s", f.of, f.name)
		}
	}
}
