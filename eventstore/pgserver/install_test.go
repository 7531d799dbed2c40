package pgserver_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tender/eventstore/pgserver"
)

// TestAnInstallationThatFails has a package manager of its own, which fails before
// anything is changed. It sets PATH, so it is the only test that isn't parallel.
func TestAnInstallationThatFails(t *testing.T) {
	bin := t.TempDir()
	program := func(name, script string) {
		must(t, os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	}
	program("apt-get", "echo 'Reading package lists...'; echo 'E: Could not resolve deb.example' >&2; exit 100")
	program("sudo", `shift; exec "$@"`) // sudo -n, as an ordinary user has it
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))

	var log, notice bytes.Buffer
	err := pgserver.Install(t.Context(), &log, &notice)
	refused(t, err, pgserver.ErrNotInstalled, "exit status 100", "sudo apt-get install -y postgresql", "\nE: Could not resolve deb.example")
	if got := notice.String(); got != "Installing PostgreSQL from the distribution's packages; this takes about a minute.\n" {
		t.Errorf("whoever waits is told %q", got)
	}
	if !strings.Contains(log.String(), "Reading package lists...") {
		t.Errorf("the log has %q", log.String())
	}

	program("sudo", "exit 1")
	t.Setenv("PATH", bin)
	notice.Reset()
	err = pgserver.Install(t.Context(), &log, &notice)
	if os.Geteuid() != 0 {
		refused(t, err, pgserver.ErrNotInstalled, "only root", "sudo apt-get install -y postgresql")
	}
	must(t, os.Remove(filepath.Join(bin, "apt-get")))
	refused(t, pgserver.Install(t.Context(), &log, &notice), pgserver.ErrNotInstalled, "no Debian", "15 or newer")
}
