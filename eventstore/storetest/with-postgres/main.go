// Command with-postgres runs a command with a private PostgreSQL for tests: it
// starts one, names it in TENDER_TEST_POSTGRES, and removes it when the command
// has ended, whose exit code it returns.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/cockroachdb/errors"

	"tender/eventstore/pgserver"
	"tender/eventstore/storetest"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: with-postgres COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "with-postgres:", err)
	}
	os.Exit(code)
}

func run(command []string) (code int, err error) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	started := make(chan *os.Process, 1)
	go obey(stop, started)

	parent, err := os.MkdirTemp("", "tender-test-run-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(parent)
	if err := os.Chmod(parent, 0o711); err != nil {
		return 1, err
	}
	config := storetest.PrivateConfig(filepath.Join(parent, "postgres"))
	server, err := pgserver.Start(ctx, config)
	if err != nil {
		return 1, err
	}
	defer func() {
		_ = server.Kill() // nothing in it is worth a shutdown in order
		if removed := pgserver.Remove(context.Background(), config.DataDir); removed != nil {
			err = errors.CombineErrors(err, removed)
		}
	}()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), storetest.ServerEnv+"="+server.URL(pgserver.Superuser, "postgres"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	started <- cmd.Process
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil // -1: a signal
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// obey handles the signals that would end us. Before the command has begun they
// end the start of the server. Afterwards Ctrl-C reaches the command by itself,
// and it decides what to do; what is sent only to us is passed on.
func obey(stop context.CancelFunc, started <-chan *os.Process) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	var command *os.Process
	for {
		select {
		case command = <-started:
		case s := <-signals:
			if command == nil {
				stop()
			} else if s != syscall.SIGINT {
				_ = command.Signal(s)
			}
		}
	}
}
