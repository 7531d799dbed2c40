// Package pgserver runs a private PostgreSQL for development and for tests:
// it finds or installs the server's programs, makes a cluster once, and starts
// it on loopback under a port that is kept. It knows nothing of what the
// database is used for, and it is no way to run PostgreSQL in production.
//
// It works on Linux: whose server a process is, is read from /proc.
//
// A server belongs to the process that started it and ends with it. After
// kill -9 of that process the kernel tells the server to stop; whatever is left
// all the same is stopped by the next Start on the same data directory.
package pgserver

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
)

// Superuser is the name of the role that owns the cluster.
const Superuser = "postgres"

// The limits of this package.
const (
	// readyMax bounds how long a server may take to accept connections,
	// recovery after a crash included.
	readyMax = 2 * time.Minute
	// fastMax is what a fast shutdown gets before it becomes an immediate one,
	// immediateMax what that gets before the processes are killed, and killedMax
	// how long killed processes may take to be gone.
	fastMax      = 5 * time.Second
	immediateMax = 2 * time.Second
	killedMax    = 5 * time.Second
	// pollEvery is how often a condition is looked at that nothing signals.
	pollEvery = 20 * time.Millisecond
	// portTriesMax bounds the search for a free port.
	portTriesMax = 50
	// launchTriesMax bounds the starts whose port was taken from under them.
	launchTriesMax = 5
	// versionMin is the oldest major version that Tender is tested with.
	versionMin = 15
	// tailLinesMax is how many of the server's last lines an error may quote.
	tailLinesMax = 12
	// socketPathMax is the longest path of a Unix socket, in bytes.
	socketPathMax = 107
)

// What can be wrong, for errors.Is. The errors themselves are sentences that
// say what to do.
var (
	// ErrNotInstalled: no server programs, and installing them failed.
	ErrNotInstalled = errors.New("PostgreSQL is not installed")
	// ErrInUse: a living process has a server on this data directory.
	ErrInUse = errors.New("data directory in use")
	// ErrPortTaken: the port that was asked for is another's.
	ErrPortTaken = errors.New("port taken")
	// ErrBroken: the data directory doesn't hold what it should.
	ErrBroken = errors.New("data directory broken")
	// ErrVersion: the cluster was made by a version that isn't installed, or
	// what is installed is too old.
	ErrVersion = errors.New("PostgreSQL version mismatch")
)

// fault is an error for people: it reads as one sentence and is of a kind.
type fault struct {
	kind     error
	sentence string
}

func (f *fault) Error() string { return f.sentence }
func (f *fault) Unwrap() error { return f.kind }

// Config says how the server is to run.
type Config struct {
	// DataDir is where everything is kept. It is made if it isn't there. As
	// root, the files of the cluster may come to lie elsewhere (see Server.Files):
	// then a file in DataDir says where.
	DataDir string
	// Port on 127.0.0.1; 0: a free one, kept across starts for as long as it
	// stays free.
	Port int
	// SuperuserPassword, where empty, is generated and kept in DataDir, readable
	// by its owner only.
	SuperuserPassword string
	// Settings are PostgreSQL's configuration parameters, on top of the
	// defaults of this package.
	Settings map[string]string
	// Log gets the server's own output; nil: nobody does. A writer that blocks
	// holds up the server.
	Log io.Writer
	// Notice gets a line for the person who waits when the start takes long,
	// which only the installation of PostgreSQL does; nil: standard error.
	Notice io.Writer
}

// Server is a running PostgreSQL.
type Server struct {
	config   Config
	place    place
	programs programs
	password string
	port     int
	lock     *os.File
	process  *process
}

// Start starts the server of a data directory, having made it if it is new and
// having stopped a server that an earlier process left behind. It returns once
// connections are accepted. Its errors are sentences, of the kinds above.
func Start(ctx context.Context, config Config) (*Server, error) {
	dir, err := filepath.Abs(config.DataDir)
	if err != nil {
		return nil, errors.Wrap(err, "data directory")
	}
	config.DataDir = dir
	if config.Log == nil {
		config.Log = io.Discard
	}
	if config.Notice == nil {
		config.Notice = os.Stderr
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, lock: lock}
	if err := s.start(ctx); err != nil {
		_ = lock.Close()
		if ctx.Err() != nil { // whatever it broke off
			return nil, errors.Wrap(ctx.Err(), "start PostgreSQL")
		}
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	found, err := findOrInstall(ctx, s.config.Log, s.config.Notice)
	if err != nil {
		return err
	}
	if s.place, err = locate(s.config.DataDir); err != nil {
		return err
	}
	if err := stopLeft(ctx, s.place); err != nil {
		return err
	}
	if s.programs, err = choose(found, s.place); err != nil {
		return err
	}
	if s.password, err = s.ensureCluster(ctx); err != nil {
		return err
	}
	return s.launchOnFreePort(ctx)
}

// Port is the port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// Pid is the process id of the postmaster.
func (s *Server) Pid() int { return s.process.cmd.Process.Pid }

// Files is the directory that holds the cluster: the data directory, or as
// root, where the user postgres can't reach that, another one.
func (s *Server) Files() string { return s.place.base }

// SocketDir is the directory of the server's Unix socket, open to the user that
// it runs as only; "" where its path would be too long for a socket.
func (s *Server) SocketDir() string { return s.place.socketDir() }

// Done is closed when the server has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.process.dead }

// URL is where a role reaches a database. It holds the password of the
// superuser; that of other roles is theirs to add (see URLWithPassword).
func (s *Server) URL(user, db string) string {
	if user == Superuser {
		return s.URLWithPassword(user, s.password, db)
	}
	return s.url(url.User(user), db)
}

// URLWithPassword is where a role reaches a database with this password.
func (s *Server) URLWithPassword(user, password, db string) string {
	return s.url(url.UserPassword(user, password), db)
}

func (s *Server) url(user *url.Userinfo, db string) string {
	return (&url.URL{
		Scheme: "postgres", User: user,
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)),
		Path:     "/" + db,
		RawQuery: "sslmode=disable",
	}).String()
}

// Stop ends the server: connections are cut and what is committed is written
// (fast shutdown). What takes longer than 5 s, or than ctx allows, is ended at
// once; the next start then recovers. Stopping twice does no harm.
func (s *Server) Stop(ctx context.Context) error {
	defer s.lock.Close()
	return s.process.stop(ctx, s.place)
}

// Kill ends all processes of the server with SIGKILL, as a crash would, and
// returns when they are gone. A Start on the same data directory recovers.
func (s *Server) Kill() error {
	defer s.lock.Close()
	if err := killAll(s.place); err != nil {
		return err
	}
	<-s.process.dead
	return nil
}

// Remove deletes a data directory and what it keeps elsewhere; a server that
// was left there is stopped first. One that is in use is an error (ErrInUse).
func Remove(ctx context.Context, dataDir string) error {
	dir, err := filepath.Abs(dataDir)
	if err != nil {
		return errors.Wrap(err, "data directory")
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	place, err := locateExisting(dir)
	if err != nil {
		return err
	}
	if err := stopLeft(ctx, place); err != nil {
		return err
	}
	if err := os.RemoveAll(place.base); err != nil {
		return errors.Wrap(err, "remove the cluster")
	}
	return errors.Wrap(os.RemoveAll(dir), "remove the data directory")
}
