package pgserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/cockroachdb/errors"
)

// ensureCluster makes the cluster if it is new, and returns the superuser's
// password. One that was lost, or is to be another, is set anew.
func (s *Server) ensureCluster(ctx context.Context) (password string, err error) {
	file := filepath.Join(s.config.DataDir, passwordFile)
	kept := ""
	if content, err := os.ReadFile(file); err == nil {
		kept = strings.TrimSpace(string(content))
	}
	password = s.config.SuperuserPassword
	if password == "" {
		password = kept
	}
	if password == "" {
		password = rand.Text()
	}
	exists, err := s.place.exists()
	if err != nil {
		return "", err
	}
	if exists && password == kept {
		return password, nil
	}
	if exists {
		err = s.setPassword(ctx, password)
	} else {
		err = s.makeCluster(ctx, password)
	}
	if err != nil {
		return "", err
	}
	// Written last: a start that is cut off before here sets it once more.
	return password, writeFile(file, password+"\n")
}

// makeCluster makes the cluster beside its place and moves it there when it is
// whole, so that a start that is cut off leaves nothing half made.
func (s *Server) makeCluster(ctx context.Context, password string) error {
	fresh := s.place.fresh()
	if err := os.RemoveAll(fresh); err != nil {
		return errors.Wrap(err, "remove a cluster that was never finished")
	}
	if err := s.place.makeDir(fresh); err != nil {
		return err
	}
	secret := filepath.Join(s.place.base, passwordFile+".initdb")
	defer os.Remove(secret)
	if err := writeFile(secret, password+"\n"); err != nil {
		return err
	}
	if err := s.place.own(secret); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + fresh, "--username=" + Superuser, "--pwfile=" + secret,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--data-checksums",
	}
	if s.config.Settings["fsync"] == "off" {
		args = append(args, "--no-sync")
	}
	if out, err := s.run(ctx, "initdb", "", args...); err != nil {
		return &fault{ErrBroken, fmt.Sprintf("PostgreSQL could not make a database in %s (%v): %s", s.place.base, err, out)}
	}
	return errors.Wrap(os.Rename(fresh, s.place.cluster()), "put the new cluster in its place")
}

// setPassword sets the superuser's password without knowing the old one: in
// single-user mode PostgreSQL asks for none.
func (s *Server) setPassword(ctx context.Context, password string) error {
	statement := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s';\n", Superuser, strings.ReplaceAll(password, "'", "''"))
	out, err := s.run(ctx, "postgres", statement, "--single", "-j", "-D", s.place.cluster(),
		"-c", "password_encryption=scram-sha-256", "postgres")
	if err != nil || strings.Contains(out, "ERROR:") {
		return &fault{ErrBroken, fmt.Sprintf("The superuser's password could not be set in %s (%v): %s", s.place.cluster(), err, out)}
	}
	return nil
}

// run runs one of PostgreSQL's programs as the server's user to its end. It
// returns what the program said last.
func (s *Server) run(ctx context.Context, name, stdin string, args ...string) (string, error) {
	// The death signal below follows the thread, which must therefore live as
	// long as the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	last := newTail(s.config.Log)
	cmd := exec.CommandContext(ctx, s.programs.path(name), args...)
	cmd.Dir, cmd.Env = s.place.base, environment()
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = last, last
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: s.place.credential, Setpgid: true, Pdeathsig: syscall.SIGKILL,
	}
	err := cmd.Run()
	return strings.Join(last.lines(), "\n"), err
}

// splitLines cuts off the whole lines at the front of what was written so far.
func splitLines(buffered []byte) (lines []string, rest []byte) {
	for {
		line, after, found := bytes.Cut(buffered, []byte("\n"))
		if !found {
			return lines, buffered
		}
		lines = append(lines, string(line))
		buffered = after
	}
}
