package pgserver

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
)

// process is a postmaster that we are the parent of.
type process struct {
	cmd    *exec.Cmd
	output *tail
	dead   chan struct{} // closed when it has ended
	err    error         // how; set before dead is closed
}

// launch starts the postmaster and returns when it accepts connections.
func (s *Server) launch(ctx context.Context) error {
	if err := s.emptyRunDir(); err != nil {
		return err
	}
	output := newTail(s.config.Log)
	// A pipe of our own, so that waiting for the postmaster doesn't mean waiting
	// for everyone who inherited its output.
	reader, writer, err := os.Pipe()
	if err != nil {
		return errors.Wrap(err, "pipe for the server's output")
	}
	cmd := exec.Command(s.programs.path("postgres"), s.arguments()...)
	cmd.Dir, cmd.Env = s.place.base, environment()
	cmd.Stdout, cmd.Stderr = writer, writer
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: s.place.credential,
		// A group of its own: Ctrl-C in the terminal is for us, and we stop the
		// server when we no longer need it.
		Setpgid: true,
		// A fast shutdown when we are killed.
		Pdeathsig: syscall.SIGINT,
	}
	s.process = &process{cmd: cmd, output: output, dead: make(chan struct{})}
	started := make(chan error, 1)
	go s.process.babysit(started)
	err = <-started
	_ = writer.Close()
	if err != nil {
		_ = reader.Close()
		return &fault{ErrBroken, fmt.Sprintf("PostgreSQL could not be started from %s in %s: %v.", s.programs.dir, s.place.base, err)}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(output, reader) // ends when its last process has
		_ = reader.Close()
	}()
	return s.awaitReady(ctx, read)
}

// babysit starts the postmaster and waits for its end, all on one thread: the
// kernel sends the death signal when the thread ends that made the child, not
// the process.
func (p *process) babysit(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
	close(p.dead)
}

// arguments are the server's settings: ours, then the caller's, then those that
// nobody may change.
func (s *Server) arguments() []string {
	settings := map[string]string{
		"max_connections": "200",
		"timezone":        "UTC",
		"log_timezone":    "UTC",
		"lc_messages":     "C",
		"ssl":             "off",
	}
	maps.Copy(settings, s.config.Settings)
	settings["listen_addresses"] = "127.0.0.1"
	settings["port"] = strconv.Itoa(s.port)
	settings["unix_socket_directories"] = s.place.socketDir()
	settings["unix_socket_permissions"] = "0700"
	settings["logging_collector"] = "off" // we read its output
	args := []string{"-D", s.place.cluster()}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

// emptyRunDir makes the socket's directory anew: no server of ours is running,
// so whatever lies there is a dead one's.
func (s *Server) emptyRunDir() error {
	if err := os.RemoveAll(s.place.run()); err != nil {
		return errors.Wrap(err, "empty the socket's directory")
	}
	return s.place.makeDir(s.place.run())
}

// awaitReady waits until the postmaster says in its pid file that it is ready.
func (s *Server) awaitReady(ctx context.Context, read <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readyMax)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.process.dead:
			select { // its last words explain it
			case <-read:
			case <-ctx.Done():
			}
			return s.explain()
		case <-ctx.Done():
			_ = killAll(s.place)
			<-s.process.dead
			return errors.Wrapf(ctx.Err(), "PostgreSQL in %s did not become ready", s.place.base)
		case <-tick.C:
			if ready(readPidFile(s.place.cluster()), s.Pid()) {
				return nil
			}
		}
	}
}

// ready reads a pid file: the first line is the postmaster, the eighth its state.
func ready(pidFile string, pid int) bool {
	lines := strings.Split(pidFile, "\n")
	return len(lines) >= 8 && strings.TrimSpace(lines[0]) == strconv.Itoa(pid) && strings.TrimSpace(lines[7]) == "ready"
}

// explain says why a postmaster ended before it was ready.
func (s *Server) explain() error {
	if s.process.output.has("Address already in use") {
		return s.portTaken()
	}
	return &fault{ErrBroken, fmt.Sprintf("PostgreSQL does not start in %s (%v). Mend what it says below, or remove the data directory %s to begin anew.\n%s",
		s.place.base, s.process.err, s.config.DataDir, strings.Join(s.process.output.lines(), "\n"))}
}

// stop ends the postmaster: fast, then at once, then by force.
func (p *process) stop(ctx context.Context, where place) error {
	if p.ended() {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	if p.await(ctx, fastMax) {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT)
	if p.await(context.WithoutCancel(ctx), immediateMax) {
		return nil
	}
	if err := killAll(where); err != nil {
		return err
	}
	<-p.dead
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

func (p *process) await(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.dead:
		return true
	case <-ctx.Done():
	case <-timer.C:
	}
	return p.ended()
}
