package devenv_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tender/cmd/tender/internal/devenv"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), devenv.FileName)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.StringMatching(`[^\n\r\x00]{0,20}`), 0, 8).Draw(t, "values")
		var entries []devenv.Entry
		for i, v := range values {
			entries = append(entries, devenv.Entry{Name: "NAME_" + string(rune('A'+i)), Value: v})
		}
		if err := devenv.Write(path, entries); err != nil {
			t.Fatal(err)
		}
		got, err := devenv.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, entries) {
			t.Fatalf("read %q, wrote %q", got, entries)
		}
	})
}

// The file is made to be sourced: `set -a; . .tender/dev.env`.
func TestAShellReadsTheSame(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), devenv.FileName)
	for _, value := range []string{
		"http://127.0.0.1:8080", "postgres://tender_app:a%20b@127.0.0.1:20000/tender?sslmode=disable&x=1",
		"two words", "it's", "$HOME `id` \\ \"", "#no comment", "", "a;b", "~", "*", "''",
	} {
		must(t, devenv.Write(path, []devenv.Entry{{Name: devenv.DatabaseURL, Value: value}}))
		out, err := exec.Command("sh", "-c", `set -a; . "$1"; printenv `+devenv.DatabaseURL, "sh", path).Output()
		must(t, err)
		if got := strings.TrimSuffix(string(out), "\n"); got != value {
			t.Errorf("the shell has %q, not %q", got, value)
		}
	}
}

func TestTheFileIsItsOwnersAndReplacedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, devenv.FileName)
	must(t, os.WriteFile(path, []byte("OLD=1\n"), 0o644))
	old, err := os.Open(path)
	must(t, err)
	defer old.Close()
	must(t, devenv.Write(path, []devenv.Entry{{Name: "NEW", Value: "2"}}))
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	content := make([]byte, 10)
	n, err := old.Read(content)
	must(t, err)
	if string(content[:n]) != "OLD=1\n" {
		t.Errorf("a reader of the old file sees %q", content[:n])
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("%d files were left", len(entries))
	}
}

func TestWhatCannotStandInTheFileIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), devenv.FileName)
	for _, entries := range [][]devenv.Entry{
		{{Name: "A", Value: "two\nlines"}}, {{Name: "A", Value: "zero\x00"}},
		{{Name: "A B", Value: ""}}, {{Name: "", Value: ""}}, {{Name: "1A", Value: ""}},
		{{Name: "A", Value: "1"}, {Name: "A", Value: "2"}},
	} {
		if err := devenv.Write(path, entries); err == nil {
			t.Errorf("%q was written", entries)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused write left a file")
	}
}

func TestReadingSaysWhichLineIsWrong(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), devenv.FileName)
	none, err := devenv.Read(path)
	must(t, err)
	if len(none) != 0 {
		t.Errorf("read %v from nothing", none)
	}
	must(t, os.WriteFile(path, []byte("# a comment\n\nA=1\r\nA='2'\n"), 0o600))
	entries, err := devenv.Read(path)
	must(t, err)
	if value, ok := devenv.Lookup(entries, "A"); !ok || value != "2" {
		t.Errorf("A is %q", value)
	}
	if _, ok := devenv.Lookup(entries, "B"); ok {
		t.Error("B is there")
	}
	for _, line := range []string{"secret-word", "A B=secret-word", "A='secret-word", `A=secret-word\`} {
		must(t, os.WriteFile(path, []byte("GOOD=1\n"+line+"\n"), 0o600))
		_, err := devenv.Read(path)
		if err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestAPortIsKeptWhileItIsFree(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "nats-port")
	first, err := devenv.Listen(file)
	must(t, err)
	kept := devenv.Port(first)
	if ip := first.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("listens on %v", ip)
	}

	second, err := devenv.Listen(file) // the kept one is taken
	must(t, err)
	if devenv.Port(second) == kept {
		t.Fatal("one port twice")
	}
	must(t, first.Close())
	must(t, second.Close())

	third, err := devenv.Listen(file)
	must(t, err)
	defer third.Close()
	if devenv.Port(third) != devenv.Port(second) {
		t.Errorf("port %d was not kept: %d", devenv.Port(second), devenv.Port(third))
	}
	must(t, os.WriteFile(file, []byte("nonsense"), 0o600))
	fourth, err := devenv.Listen(file)
	must(t, err)
	must(t, fourth.Close())
}
