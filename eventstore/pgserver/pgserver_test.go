package pgserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"

	"tender/eventstore/pgserver"
)

// waitMax bounds every wait of these tests.
const waitMax = 60 * time.Second

// parentEnv makes the test binary the parent of a server, so that it can be
// killed: it names the data directory.
const parentEnv = "TENDER_TEST_PGSERVER_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		beParent(dir)
		return
	}
	os.Exit(m.Run())
}

func beParent(dir string) {
	s, err := pgserver.Start(context.Background(), config(dir))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Pid())
	select {} // until killed
}

func config(dir string) pgserver.Config {
	return pgserver.Config{DataDir: dir, Settings: map[string]string{
		"fsync": "off", "shared_buffers": "16MB", "max_connections": "20",
	}}
}

// newDir makes a directory that the server's user can reach, also as root, and
// deletes what a server puts there.
func newDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "pgserver-")
	must(t, err)
	must(t, os.Chmod(parent, 0o711))
	dir := filepath.Join(parent, "data")
	t.Cleanup(func() {
		if err := pgserver.Remove(context.Background(), dir); err != nil {
			t.Errorf("remove: %v", err)
		}
		_ = os.RemoveAll(parent)
	})
	return dir
}

func start(t *testing.T, c pgserver.Config) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Start(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, s *pgserver.Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(pgserver.Superuser, "postgres"))
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	var answer string
	must(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func do(t *testing.T, s *pgserver.Server, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL(pgserver.Superuser, "postgres"))
	must(t, err)
	defer func() { _ = conn.Close(context.Background()) }()
	_, err = conn.Exec(t.Context(), sql)
	must(t, err)
}

// refused demands an error of a kind whose sentence has these words.
func refused(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(waitMax)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", waitMax, what)
		}
		<-tick.C
	}
}

func TestASecondStartFindsEverythingAgain(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	do(t, first, "CREATE TABLE kept AS SELECT 'here'::text AS word")
	must(t, first.Stop(t.Context()))
	select {
	case <-first.Done():
	default:
		t.Error("Done is open after Stop")
	}

	second := start(t, config(dir))
	if second.URL("postgres", "x") != first.URL("postgres", "x") {
		t.Errorf("URL %s, was %s", second.URL("postgres", "x"), first.URL("postgres", "x"))
	}
	if got := ask(t, second, "SELECT word FROM kept"); got != "here" {
		t.Errorf("got %q", got)
	}
	must(t, second.Stop(t.Context()))
	must(t, second.Stop(t.Context()))
}

func TestTheClusterIsMadeAsItShouldBe(t *testing.T) {
	t.Parallel()
	c := config(newDir(t))
	c.SuperuserPassword = "it's mine"
	s := start(t, c)
	for setting, want := range map[string]string{
		"server_encoding": "UTF8", "lc_collate": "C", "data_checksums": "on", "fsync": "off",
		"listen_addresses": "127.0.0.1", "password_encryption": "scram-sha-256", "TimeZone": "UTC",
	} {
		sql := "SELECT coalesce(current_setting('" + setting + "', true), (SELECT datcollate FROM pg_database WHERE datname = 'postgres'))"
		if got := ask(t, s, sql); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	info, err := os.Stat(filepath.Join(c.DataDir, "superuser-password"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the password's file has mode %v", info.Mode())
	}
	_, err = pgx.Connect(t.Context(), s.URLWithPassword("postgres", "wrong", "postgres"))
	if err == nil {
		t.Error("a wrong password was let in")
	}
	if s.SocketDir() != "" {
		conn, err := pgx.Connect(t.Context(), fmt.Sprintf("host=%s port=%d user=postgres password='it\\'s mine' dbname=postgres", s.SocketDir(), s.Port()))
		if os.Geteuid() == 0 || s.Files() == c.DataDir {
			must(t, err)
		}
		must(t, conn.Close(t.Context()))
	}
}

func TestALostPasswordIsSetAnew(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	old := first.URL("postgres", "postgres")
	must(t, first.Stop(t.Context()))
	must(t, os.Remove(filepath.Join(dir, "superuser-password")))

	second := start(t, config(dir))
	if second.URL("postgres", "postgres") == old {
		t.Error("the password is the old one")
	}
	if got := ask(t, second, "SELECT 'in'"); got != "in" {
		t.Errorf("got %q", got)
	}
	if _, err := pgx.Connect(t.Context(), old); err == nil {
		t.Error("the old password still holds")
	}
}

func TestKillLosesNothingThatWasCommitted(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	do(t, first, "CREATE TABLE kept AS SELECT 'here'::text AS word")
	must(t, first.Kill())
	second := start(t, config(dir))
	if got := ask(t, second, "SELECT word FROM kept"); got != "here" {
		t.Errorf("got %q", got)
	}
	if first.Port() != second.Port() {
		t.Errorf("port %d, was %d", second.Port(), first.Port())
	}
}

func TestTheServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	parent, server := startParent(t, dir)
	must(t, parent.Process.Kill())
	_ = parent.Wait()
	eventually(t, "the server of a killed parent ends", func() bool { return !alive(server) })
	if got := ask(t, start(t, config(dir)), "SELECT 'again'"); got != "again" {
		t.Errorf("got %q", got)
	}
}

func TestAStartRightAfterTheParentWasKilled(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	for range 3 {
		parent, _ := startParent(t, dir)
		must(t, parent.Process.Kill())
		_ = parent.Wait() // the server may still be at work
		s := start(t, config(dir))
		if got := ask(t, s, "SELECT 'again'"); got != "again" {
			t.Errorf("got %q", got)
		}
		must(t, s.Stop(t.Context()))
	}
}

// startParent runs a process that starts a server, and reads the server's pid.
func startParent(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentEnv+"="+dir)
	out, err := parent.StdoutPipe()
	must(t, err)
	must(t, parent.Start())
	t.Cleanup(func() { _ = parent.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(line)
	}
	return parent, pid
}

func TestAServerThatWasLeftIsStopped(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"running": 0, "hanging": syscall.SIGSTOP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			first := start(t, config(dir))
			port := first.Port()
			args := strings.Split(commandLine(t, first.Pid()), "\x00")
			must(t, first.Stop(t.Context()))

			// The same server, but nobody's: what no death signal has reached.
			left := exec.Command(args[0], args[1:]...)
			left.Dir = first.Files()
			left.SysProcAttr = &syscall.SysProcAttr{Credential: ownerOf(t, filepath.Join(first.Files(), "cluster"))}
			must(t, left.Start())
			ended := make(chan struct{})
			go func() { _ = left.Wait(); close(ended) }()
			pidFile := filepath.Join(first.Files(), "cluster", "postmaster.pid")
			eventually(t, "the left server is ready", func() bool {
				content, _ := os.ReadFile(pidFile)
				return strings.Contains(string(content), "ready")
			})
			if signal != 0 {
				must(t, left.Process.Signal(signal))
			}

			second := start(t, config(dir))
			select {
			case <-ended:
			case <-time.After(waitMax):
				t.Fatal("the left server still runs")
			}
			if second.Port() != port {
				t.Errorf("port %d, was %d", second.Port(), port)
			}
		})
	}
}

func commandLine(t *testing.T, pid int) string {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	must(t, err)
	return strings.TrimRight(string(content), "\x00")
}

func ownerOf(t *testing.T, path string) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(path)
	must(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	return &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}
}

func TestAnotherProcessWithTheOldPidIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	must(t, first.Kill())
	other := exec.Command("sleep", "600")
	must(t, other.Start())
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	pidFile := filepath.Join(first.Files(), "cluster", "postmaster.pid")
	content, err := os.ReadFile(pidFile)
	must(t, err)
	_, rest, _ := strings.Cut(string(content), "\n")
	must(t, os.WriteFile(pidFile, []byte(strconv.Itoa(other.Process.Pid)+"\n"+rest), 0o600))

	start(t, config(dir))
	if !alive(other.Process.Pid) {
		t.Error("a stranger was stopped")
	}
}

func TestAKeptPortThatIsGoneIsReplaced(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	must(t, first.Stop(t.Context()))
	stranger, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", first.Port()))
	must(t, err)
	defer stranger.Close()

	second := start(t, config(dir))
	if second.Port() == first.Port() {
		t.Error("both have one port")
	}
	must(t, second.Stop(t.Context()))
	must(t, stranger.Close())
	if third := start(t, config(dir)); third.Port() != second.Port() {
		t.Errorf("port %d was not kept: %d", second.Port(), third.Port())
	}
}

func TestAPortThatIsTakenIsRefused(t *testing.T) {
	t.Parallel()
	stranger, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer stranger.Close()
	c := config(newDir(t))
	c.Port = stranger.Addr().(*net.TCPAddr).Port
	_, err = pgserver.Start(t.Context(), c)
	refused(t, err, pgserver.ErrPortTaken, strconv.Itoa(c.Port), "choose another port")
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := start(t, config(dir))
	_, err := pgserver.Start(t.Context(), config(dir))
	refused(t, err, pgserver.ErrInUse, dir, strconv.Itoa(os.Getpid()))
	if err := pgserver.Remove(t.Context(), dir); !errors.Is(err, pgserver.ErrInUse) {
		t.Errorf("removed under a running server: %v", err)
	}
	if got := ask(t, s, "SELECT 'unhurt'"); got != "unhurt" {
		t.Errorf("got %q", got)
	}
}

func TestADamagedClusterIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := start(t, config(dir))
	must(t, first.Stop(t.Context()))
	cluster := filepath.Join(first.Files(), "cluster")

	control := filepath.Join(cluster, "global", "pg_control")
	must(t, os.Rename(control, control+".away"))
	_, err := pgserver.Start(t.Context(), config(dir))
	refused(t, err, pgserver.ErrBroken, "remove the data directory "+dir, "pg_control")
	must(t, os.Rename(control+".away", control))

	version := filepath.Join(cluster, "PG_VERSION")
	kept, err := os.ReadFile(version)
	must(t, err)
	must(t, os.WriteFile(version, []byte("9\n"), 0o600))
	_, err = pgserver.Start(t.Context(), config(dir))
	refused(t, err, pgserver.ErrVersion, "made by PostgreSQL 9", "pg_upgrade")

	must(t, os.Remove(version))
	_, err = pgserver.Start(t.Context(), config(dir))
	refused(t, err, pgserver.ErrBroken, "PG_VERSION", "begin anew")

	must(t, os.WriteFile(version, kept, 0o600))
	must(t, os.Chown(version, int(ownerID(t, cluster)), -1))
	start(t, config(dir)) // none of the refusals has harmed it
}

func ownerID(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	return info.Sys().(*syscall.Stat_t).Uid
}

func TestAHalfMadeClusterIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	must(t, os.MkdirAll(filepath.Join(dir, "cluster.new", "base"), 0o700))
	must(t, os.Chmod(dir, 0o711))
	must(t, os.WriteFile(filepath.Join(dir, "cluster.new", "PG_VERSION"), []byte("15\n"), 0o600))
	if got := ask(t, start(t, config(dir)), "SELECT 'whole'"); got != "whole" {
		t.Errorf("got %q", got)
	}
}

// A directory that only its owner may enter: fine for an ordinary user, whose
// server it is, but out of reach of the user that root drops to.
func TestADirectoryOutOfReach(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	must(t, os.MkdirAll(dir, 0o700))
	first := start(t, config(dir))
	if elsewhere := first.Files() != dir; elsewhere != (os.Geteuid() == 0) {
		t.Fatalf("the cluster lies in %s", first.Files())
	}
	do(t, first, "CREATE TABLE kept AS SELECT 'here'::text AS word")
	must(t, first.Stop(t.Context()))

	second := start(t, config(dir))
	if second.Files() != first.Files() {
		t.Errorf("the cluster lies in %s, was in %s", second.Files(), first.Files())
	}
	if got := ask(t, second, "SELECT word FROM kept"); got != "here" {
		t.Errorf("got %q", got)
	}
	must(t, second.Stop(t.Context()))
	must(t, pgserver.Remove(t.Context(), dir))
	if _, err := os.Stat(first.Files()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s was left: %v", first.Files(), err)
	}
}

func TestAPointerToNowhereIsRefused(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	must(t, os.MkdirAll(dir, 0o711))
	pointer := filepath.Join(dir, "location")
	must(t, os.WriteFile(pointer, []byte("/nonexistent/tender\n"), 0o600))
	_, err := pgserver.Start(t.Context(), config(dir))
	refused(t, err, pgserver.ErrBroken, "/nonexistent/tender", "remove "+dir)
	must(t, os.Remove(pointer))
}

func TestACancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := pgserver.Start(ctx, config(dir))
	refused(t, err, context.Canceled)
	start(t, config(dir))
}
