package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is the import path that everything of ours begins with.
const module = "tender/"

// mayImport names, for each top-level directory, the others that its packages may
// import in files that are no tests. Imports point one way:
// cmd → handlers → projections → eventstore → domain, and handlers → acquirers,
// vault, which know neither each other nor the log.
var mayImport = map[string][]string{
	"cmd":         {"handlers", "projections", "eventstore", "acquirers", "vault", "domain"},
	"handlers":    {"projections", "eventstore", "acquirers", "vault", "domain"},
	"projections": {"eventstore", "domain"},
	"eventstore":  {"domain"},
	"acquirers":   {"domain"},
	"vault":       {"domain"},
	"deploy":      {},
	"domain":      {},
}

// domainForeign is all that the domain imports besides the standard library.
var domainForeign = []string{"github.com/google/uuid"}

// domainForbidden are the standard packages, and what lies below them, that do
// what the domain must not: input and output, and randomness without a seed.
var domainForbidden = []string{"database", "math/rand", "net", "os", "syscall"}

// demoShop is a merchant, who knows the API from outside and nothing of ours.
const demoShop = module + "handlers/demo"

// forTests says that a package is there for tests: a directory on its way ends in
// "test". Only tests and packages of that kind import it.
func forTests(path string) bool {
	return slices.ContainsFunc(strings.Split(path, "/"), func(dir string) bool {
		return strings.HasSuffix(dir, "test")
	})
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	packages := listPackages(t)
	if len(packages) < len(mayImport)/2 {
		t.Fatalf("only %d packages were found", len(packages))
	}
	for _, p := range packages {
		for _, imported := range p.Imports {
			if why := forbidden(p.ImportPath, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imported, why)
			}
		}
	}
}

func TestTheImportRuleForbidsWhatItShould(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"tender/cmd/tender", "tender/handlers/api", true},
		{"tender/handlers/api", "tender/vault", true},
		{"tender/handlers/api", "tender/cmd/tender", false},
		{"tender/projections", "tender/handlers/api", false},
		{"tender/projections", "tender/vault", false},
		{"tender/eventstore", "tender/projections", false},
		{"tender/eventstore", "tender/acquirers", false},
		{"tender/eventstore/feed", "tender/eventstore", true},
		{"tender/acquirers/simulator", "tender/vault", false},
		{"tender/vault", "tender/eventstore", false},
		{"tender/vault", "tender/domain/id", true},
		{"tender/domain/payment", "tender/eventstore", false},
		{"tender/domain/payment", "tender/domain/money", true},
		{"tender/domain/payment", "github.com/cockroachdb/errors", false},
		{"tender/domain/id", "github.com/google/uuid", true},
		{"tender/domain/id", "encoding/json", true},
		{"tender/domain/id", "os", false},
		{"tender/domain/codec/codectest", "os", true},
		{"tender/domain/id", "net/http", false},
		{"tender/domain/id", "math/rand/v2", false},
		{"tender/misc", "fmt", false},
		{"tender/handlers/api", "tender/eventstore/storetest", false},
		{"tender/eventstore/storetest/with-postgres", "tender/eventstore/storetest", true},
		{"tender/handlers/handlerstest", "tender/eventstore/storetest", true},
		{"tender/cmd/tender", "tender/handlers/handlerstest", false},
		{"tender/handlers/demo", "tender/domain/money", false},
		{"tender/handlers/demo", "tender/handlers/webhooks", false},
		{"tender/handlers/demo", "github.com/cockroachdb/errors", true},
	} {
		if why := forbidden(c.from, c.to); (why == "") != c.allowed {
			t.Errorf("%s imports %s: %q", c.from, c.to, why)
		}
	}
}

// forbidden says what is wrong with an import, or "".
func forbidden(from, to string) string {
	top := topLevel(from)
	allowed, known := mayImport[top]
	if !known {
		return "the directory " + top + " has no place in the import rule"
	}
	if strings.HasPrefix(to, module) {
		if from == demoShop {
			return "the demo shop is a merchant like any other"
		}
		if forTests(to) && !forTests(from) {
			return "only tests use it"
		}
		if other := topLevel(to); other != top && !slices.Contains(allowed, other) {
			return top + " may not know " + other
		}
		return ""
	}
	if top != "domain" || forTests(from) {
		return ""
	}
	if first, _, _ := strings.Cut(to, "/"); strings.Contains(first, ".") {
		if !slices.Contains(domainForeign, to) {
			return "the domain imports nothing foreign but " + strings.Join(domainForeign, ", ")
		}
		return ""
	}
	for _, f := range domainForbidden {
		if to == f || strings.HasPrefix(to, f+"/") {
			return "the domain is pure"
		}
	}
	return ""
}

func topLevel(path string) string {
	top, _, _ := strings.Cut(strings.TrimPrefix(path, module), "/")
	return top
}

type listedPackage struct {
	ImportPath string
	Imports    []string // of files that are no tests
}

func listPackages(t *testing.T) []listedPackage {
	t.Helper()
	list := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", module+"...")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatal(fmt.Errorf("go list: %w: %s", err, stderr.String()))
	}
	var packages []listedPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
