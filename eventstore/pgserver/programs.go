package pgserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
)

// programs is one installation of PostgreSQL's server.
type programs struct {
	dir   string
	major int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// debianDirs is where Debian and its kin keep each major version.
const debianDirs = "/usr/lib/postgresql/*/bin"

// findOrInstall finds the installed servers, best first: what PATH names, then
// Debian's, newest first. If there are none, the distribution's is installed.
func findOrInstall(ctx context.Context, log, notice io.Writer) ([]programs, error) {
	if found := find(ctx); len(found) > 0 {
		return found, nil
	}
	if err := install(ctx, log, notice); err != nil {
		return nil, err
	}
	if found := find(ctx); len(found) > 0 {
		return found, nil
	}
	return nil, &fault{ErrNotInstalled, "PostgreSQL was installed, but its server programs (initdb, postgres) are neither on PATH nor in " + debianDirs + "."}
}

func find(ctx context.Context) []programs {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		// What PATH names may be a link; initdb lies beside its target.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	debian, _ := filepath.Glob(debianDirs) // the pattern is sound
	slices.SortFunc(debian, func(a, b string) int { return debianMajor(b) - debianMajor(a) })
	var found []programs
	for _, dir := range append(dirs, debian...) {
		if slices.ContainsFunc(found, func(p programs) bool { return p.dir == dir }) {
			continue
		}
		p := programs{dir: dir}
		if _, err := exec.LookPath(p.path("initdb")); err != nil {
			continue
		}
		var err error
		if p.major, err = majorOf(ctx, p.path("postgres")); err == nil {
			found = append(found, p)
		}
	}
	return found
}

// debianMajor is the version in a directory's name, 0 if there is none.
func debianMajor(dir string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	return n
}

// majorOf asks a server for its version: "postgres (PostgreSQL) 15.18 (…)".
func majorOf(ctx context.Context, postgres string) (int, error) {
	cmd := exec.CommandContext(ctx, postgres, "--version")
	cmd.Env = environment()
	out, err := cmd.Output()
	if err != nil {
		return 0, errors.Wrap(err, "ask PostgreSQL for its version")
	}
	fields := strings.Fields(string(out))
	if len(fields) < 3 {
		return 0, errors.Newf("unexpected version %q", out)
	}
	digits := fields[2]
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	return strconv.Atoi(digits)
}

// choose takes the installation that fits the cluster: the one that made it, or
// for a new cluster the best.
func choose(found []programs, p place) (programs, error) {
	exists, err := p.exists()
	if err != nil {
		return programs{}, err
	}
	if !exists {
		for _, f := range found {
			if f.major >= versionMin {
				return f, nil
			}
		}
		return programs{}, &fault{ErrVersion, fmt.Sprintf("Tender needs PostgreSQL %d or newer, and only %s is installed: install a newer one.", versionMin, majors(found))}
	}
	made, err := os.ReadFile(filepath.Join(p.cluster(), "PG_VERSION"))
	if err != nil {
		return programs{}, &fault{ErrBroken, fmt.Sprintf("The database in %s is damaged (%v): bring it back from a backup, or remove the data directory to begin anew.", p.cluster(), err)}
	}
	version := strings.TrimSpace(string(made))
	for _, f := range found {
		if strconv.Itoa(f.major) == version {
			return f, nil
		}
	}
	return programs{}, &fault{ErrVersion, fmt.Sprintf("The database in %s was made by PostgreSQL %s, and only %s is installed: install postgresql-%s, bring the data over with pg_upgrade, or remove the data directory to begin anew.", p.cluster(), version, majors(found), version)}
}

func majors(found []programs) string {
	var out []string
	for _, f := range found {
		if v := strconv.Itoa(f.major); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return strings.Join(out, ", ")
}

// environment is all that the server's programs get of ours: libpq's variables
// and the locale would otherwise change what they do.
func environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
