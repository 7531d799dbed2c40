// Package deploy_test holds the files of this directory to what the binary
// really reads and does.
package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	must(t, err)
	return string(content)
}

// binary builds tender once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tender-deploy-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "tender")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", path, "tender/cmd/tender").CombinedOutput()
	if err != nil {
		return "", &buildError{string(out)}
	}
	return path, nil
})

type buildError struct{ output string }

func (e *buildError) Error() string { return "build tender: " + e.output }

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// help is what the binary says about a command, which names the environment
// variables that it reads.
func help(t *testing.T, command ...string) string {
	t.Helper()
	path, err := binary()
	must(t, err)
	out, _ := exec.Command(path, append(slices.Clone(command), "--help")...).CombinedOutput() // the exit code is the flag package's
	if !strings.Contains(string(out), "-") {
		t.Fatalf("no help for %q: %s", command, out)
	}
	return string(out)
}

// environmentNames are all names of ours, and of the services that we are told of.
var environmentNames = regexp.MustCompile(`\b(TENDER_[A-Z_]*[A-Z]|DATABASE_URL|DATABASE_ADMIN_URL|NATS_URL)\b`)

// passwords are names that compose.yaml itself puts into URLs.
var passwords = regexp.MustCompile(`^TENDER_(ADMIN|APP|VAULT|SIMULATOR)_PASSWORD$`)

// readBySources are names that a command reads, but that no option stands for.
func readBySources(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("../cmd/tender/*.go")
	must(t, err)
	var all strings.Builder
	for _, f := range files {
		all.WriteString(read(t, f))
	}
	return all.String()
}

func TestEveryNameIsOneThatTenderReads(t *testing.T) {
	t.Parallel()
	known := help(t, "serve") + help(t, "migrate") + readBySources(t)
	for _, file := range []string{"tender.service", "tender.env.example", "compose.yaml", "compose.env.example", "Containerfile", "README.md"} {
		names := environmentNames.FindAllString(read(t, file), -1)
		if len(names) == 0 {
			t.Errorf("%s names nothing", file)
		}
		for _, name := range names {
			if !strings.Contains(known, name) && !passwords.MatchString(name) {
				t.Errorf("%s sets %s, which tender does not read", file, name)
			}
		}
	}
}

// roles are those of a comma-separated list, each checked against the binary's
// own list.
func checkRoles(t *testing.T, where, list string) {
	t.Helper()
	known := help(t, "serve")
	_, known, found := strings.Cut(known, "roles to play, by comma: ")
	if !found {
		t.Fatal("the help of serve doesn't list the roles")
	}
	known, _, _ = strings.Cut(known, "\n")
	for _, role := range strings.Split(list, ",") {
		if !slices.ContainsFunc(strings.FieldsFunc(known, func(r rune) bool { return r < 'a' || r > 'z' }), func(k string) bool { return k == role }) {
			t.Errorf("%s: there is no role %q in %q", where, role, known)
		}
	}
}

// examples gives the names in an env file.
func examples(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for line := range strings.SplitSeq(read(t, file), "\n") {
		if name, _, found := strings.Cut(line, "="); found && !strings.HasPrefix(line, "#") {
			names = append(names, name)
		}
	}
	return names
}
