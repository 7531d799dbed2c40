package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore/pgserver"
)

// keeperEnv makes a test program the keeper of the shared server instead of
// running its tests: it names the directory.
const keeperEnv = "TENDER_TEST_POSTGRES_KEEPER"

// readyWord is what the keeper says when the server can be used.
const readyWord = "ready"

// sharedTriesMax bounds how often a keeper that is just leaving is met.
const sharedTriesMax = 5

// A test program is run a second time as the keeper, because nothing else is
// sure to be there: neither sources nor a Go installation.
func init() {
	dir := os.Getenv(keeperEnv)
	if dir == "" {
		return
	}
	if err := keep(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// PrivateConfig is how a server for tests runs: quick, and safe only against
// the end of its processes, not of the machine.
func PrivateConfig(dataDir string) pgserver.Config {
	return pgserver.Config{DataDir: dataDir, Settings: map[string]string{
		"fsync": "off", "full_page_writes": "off",
		"wal_level": "minimal", "max_wal_senders": "0",
		"max_connections": "400", "jit": "off", "log_checkpoints": "off",
	}}
}

// inUse is this process's connection to the keeper: as long as it is open the
// server stays. It is never closed; the kernel does that.
var inUse net.Conn //nolint:unused // held, never used: collected, it would be closed

// sharedServer returns the superuser's URL of the shared server, started if none
// is running.
func sharedServer() (string, error) {
	dir, err := sharedDir()
	if err != nil {
		return "", err
	}
	lock, err := lockFile(filepath.Join(dir, "start.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	for range sharedTriesMax {
		if address, conn, err := visit(dir); err == nil {
			inUse = conn
			return address, nil
		}
		if err := startKeeper(dir); err != nil {
			return "", err
		}
	}
	return "", errors.Newf("the shared server in %s ends as soon as it starts", dir)
}

// sharedDir makes this user's directory for the shared server. In a directory
// that all may write to, one of that name might be somebody else's.
func sharedDir() (string, error) {
	dir := filepath.Join(os.TempDir(), "tender-test-"+strconv.Itoa(os.Getuid()))
	if err := os.Mkdir(dir, 0o711); err != nil && !errors.Is(err, os.ErrExist) {
		return "", errors.Wrap(err, "directory of the shared server")
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", errors.Wrap(err, "directory of the shared server")
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Getuid() {
		return "", errors.Newf("%s is not a directory of ours: remove it", dir)
	}
	return dir, nil
}

func controlSocket(dir string) string { return filepath.Join(dir, "control.sock") }

// lockFile waits for an exclusive lock, which goes with the file or the process.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errors.Wrap(err, "open a lock")
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, errors.Wrap(err, "wait for a lock")
	}
	return f, nil
}

// visit asks the keeper for the server's URL. A keeper that is leaving closes
// the connection without a word.
func visit(dir string) (string, net.Conn, error) {
	conn, err := net.Dial("unix", controlSocket(dir))
	if err != nil {
		return "", nil, err
	}
	address, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		_ = conn.Close()
		return "", nil, err
	}
	return strings.TrimSpace(address), conn, nil
}

// startKeeper runs this program once more as the keeper and returns when its
// server can be used. It shares neither terminal nor output with us: `go test`
// waits for all who hold its output.
func startKeeper(dir string) error {
	program, err := os.Executable()
	if err != nil {
		return errors.Wrap(err, "find the test program")
	}
	output, err := os.Create(filepath.Join(dir, "keeper.log"))
	if err != nil {
		return errors.Wrap(err, "the keeper's output")
	}
	defer output.Close()
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), keeperEnv+"="+dir)
	cmd.Dir = dir
	cmd.Stderr = output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return errors.Wrap(err, "the keeper's output")
	}
	if err := cmd.Start(); err != nil {
		return errors.Wrap(err, "start the keeper of the shared server")
	}
	words, _ := io.ReadAll(said)
	if strings.TrimSpace(string(words)) != readyWord {
		_ = cmd.Wait()
		return errors.Newf("the shared server: %s", words)
	}
	return cmd.Process.Release()
}

// keep runs the shared server until it has been idle for long enough.
func keep(dir string) error {
	// The one before us may still be stopping.
	lock, err := lockFile(filepath.Join(dir, "keeper.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	server, err := startClean(ctx, PrivateConfig(filepath.Join(dir, "postgres")))
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop(context.Background()) }()
	_ = os.Remove(controlSocket(dir))
	listener, err := net.Listen("unix", controlSocket(dir))
	if err != nil {
		return errors.Wrap(err, "listen for test programs")
	}
	fmt.Println(readyWord)
	_ = os.Stdout.Close()
	serve(ctx, listener, server.URL(pgserver.Superuser, "postgres"), server.Done())
	return nil
}

// startClean starts the server without what earlier runs left. What can't be
// started or cleaned is thrown away: tests lose nothing by it.
func startClean(ctx context.Context, config pgserver.Config) (*pgserver.Server, error) {
	config.Log = os.Stderr
	server, err := pgserver.Start(ctx, config)
	if errors.Is(err, pgserver.ErrNotInstalled) || errors.Is(err, pgserver.ErrInUse) {
		return nil, err
	}
	if err == nil {
		if err = dropAll(ctx, server.URL(pgserver.Superuser, "postgres")); err == nil {
			return server, nil
		}
		_ = server.Kill()
	}
	if err := pgserver.Remove(ctx, config.DataDir); err != nil {
		return nil, err
	}
	return pgserver.Start(ctx, config)
}

// dropAll drops the databases and templates of runs that were cut off or are
// over.
func dropAll(ctx context.Context, superURL string) error {
	conn, err := pgx.Connect(ctx, superURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, `SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		quoted := pgx.Identifier{name}.Sanitize()
		if _, err := conn.Exec(ctx, `ALTER DATABASE `+quoted+` IS_TEMPLATE false`); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `DROP DATABASE `+quoted+` WITH (FORCE)`); err != nil {
			return err
		}
	}
	return nil
}

// serve tells every test program the server's URL and counts those that are
// there, until none has been for idleMax, or the server or we are ended.
func serve(ctx context.Context, listener net.Listener, address string, ended <-chan struct{}) {
	arrivals := make(chan net.Conn)
	departures := make(chan struct{})
	over := make(chan struct{})
	defer close(over)
	defer listener.Close()
	go accept(listener, arrivals, over)
	idle := time.NewTimer(idleMax)
	defer idle.Stop()
	for present := 0; ; {
		select {
		case conn := <-arrivals:
			present++
			idle.Stop()
			_, _ = fmt.Fprintln(conn, address)
			go func() {
				_, _ = io.Copy(io.Discard, conn) // until the program ends
				_ = conn.Close()
				select {
				case departures <- struct{}{}:
				case <-over:
				}
			}()
		case <-departures:
			if present--; present == 0 {
				idle.Reset(idleMax)
			}
		case <-idle.C:
			return
		case <-ended:
			return
		case <-ctx.Done():
			return
		}
	}
}

func accept(listener net.Listener, arrivals chan<- net.Conn, over <-chan struct{}) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		select {
		case arrivals <- conn:
		case <-over:
			_ = conn.Close()
			return
		}
	}
}
