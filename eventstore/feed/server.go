package feed

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"
)

// The two users of a private server. What each may do stands in permissions.
const (
	relayUser  = "relay"
	readerUser = "reader"
)

const (
	// serverStartTimeout bounds the recovery of the streams on disk at a start.
	serverStartTimeout = 30 * time.Second
	// serverStoreBytesMax is what a private server may keep on disk: room for
	// two streams of the default limit.
	serverStoreBytesMax = 4 << 30
	// serverPayloadBytesMax is the largest message. An event is a few hundred
	// bytes; what a request may bring is bounded far below this.
	serverPayloadBytesMax = 1 << 20
)

// ServerConfig says how a private nats-server is run.
type ServerConfig struct {
	// StoreDir is where JetStream keeps its files. What is in it may be deleted
	// while the server is down: the stream is made anew from the log.
	StoreDir string
	// Port on the loopback interface; 0 takes a free one.
	Port int
	// NoSync leaves it to the operating system when files reach the disk. The
	// default is to sync once per atomic batch, before it is acknowledged.
	NoSync bool
	// RelayPassword and ReaderPassword; empty: drawn at random.
	RelayPassword, ReaderPassword string
}

// Server is a nats-server within the process, for development and tests. It
// listens on the loopback interface only. In production a cluster takes its place.
type Server struct {
	ns                            *server.Server
	relayPassword, readerPassword string
}

// StartServer starts a private nats-server with JetStream and waits until it is
// ready for connections.
func StartServer(cfg ServerConfig) (*Server, error) {
	port := cfg.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	s := &Server{
		relayPassword:  orRandom(cfg.RelayPassword),
		readerPassword: orRandom(cfg.ReaderPassword),
	}
	users, err := s.users()
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "tender", Host: "127.0.0.1", Port: port,
		NoSigs: true, MaxPayload: serverPayloadBytesMax,
		JetStream: true, StoreDir: cfg.StoreDir, SyncAlways: !cfg.NoSync,
		JetStreamMaxStore: serverStoreBytesMax, DisableJetStreamBanner: true,
		Users: users,
	})
	if err != nil {
		return nil, errors.Wrap(err, "configure nats-server")
	}
	ns.SetLogger(serverLog{}, false, false)
	s.ns = ns
	ns.Start()
	if !ns.ReadyForConnections(serverStartTimeout) {
		s.Stop()
		return nil, errors.Newf("nats-server was not ready within %s on port %d, with its files in %s", serverStartTimeout, cfg.Port, cfg.StoreDir)
	}
	return s, nil
}

// Port is the port that the server listens on.
func (s *Server) Port() int { return s.ns.Addr().(*net.TCPAddr).Port }

// RelayURL is for the processes that publish the log: it holds the relay's
// password.
func (s *Server) RelayURL() string { return s.url(relayUser, s.relayPassword) }

// ReaderURL is for everybody else: it may read the feed and announce commits.
func (s *Server) ReaderURL() string { return s.url(readerUser, s.readerPassword) }

// Stop ends the server and waits until its files are closed.
func (s *Server) Stop() {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
}

func (s *Server) url(user, password string) string {
	u := url.URL{Scheme: "nats", User: url.UserPassword(user, password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port()))}
	return u.String()
}

// users are those of the server, with their passwords hashed: the server complains
// otherwise. The passwords are random, so the cheapest hash does.
func (s *Server) users() ([]*server.User, error) {
	var all []*server.User
	for _, u := range []struct {
		name, password string
		publish        []string
	}{
		{relayUser, s.relayPassword, relayPublishes},
		{readerUser, s.readerPassword, readerPublishes},
	} {
		hash, err := bcrypt.GenerateFromPassword([]byte(u.password), bcrypt.MinCost)
		if err != nil {
			return nil, errors.Wrapf(err, "the password of the NATS user %s", u.name)
		}
		all = append(all, &server.User{Username: u.name, Password: string(hash), Permissions: permissions(u.publish)})
	}
	return all, nil
}

// readerPublishes are the requests that reading takes: JetStream is asked by
// publishing, too. None of them changes a stream. The signal says no more than
// "look at the log": whoever appends may give it.
var readerPublishes = []string{
	"tender.*.signal",
	"$JS.API.INFO",
	"$JS.API.STREAM.INFO.*",
	"$JS.API.STREAM.NAMES",
	"$JS.API.STREAM.LIST",
	"$JS.API.STREAM.MSG.GET.*",
	"$JS.API.DIRECT.GET.>",
	"$JS.API.CONSUMER.CREATE.>",
	"$JS.API.CONSUMER.DELETE.>",
	"$JS.API.CONSUMER.INFO.>",
	"$JS.API.CONSUMER.MSG.NEXT.>",
}

// relayPublishes are the log's subjects and those of its checkpoints, and making the
// streams. Not even the relay may delete or purge one.
var relayPublishes = append([]string{
	"tender.*.events.>",
	"tender.*.checkpoints",
	"$JS.API.STREAM.CREATE.*",
	"$JS.API.STREAM.UPDATE.*",
}, readerPublishes...)

func permissions(publish []string) *server.Permissions {
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Allow: publish},
		Subscribe: &server.SubjectPermission{Allow: []string{"tender.>", "_INBOX.>"}},
	}
}

func orRandom(password string) string {
	if password == "" {
		return rand.Text()
	}
	return password
}

// serverLog hands what the server says to slog: its notices as details, and what
// is wrong as it is.
type serverLog struct{}

func (serverLog) Noticef(format string, v ...any) {
	slog.Debug("nats-server: " + fmt.Sprintf(format, v...))
}
func (serverLog) Warnf(format string, v ...any) {
	slog.Warn("nats-server: " + fmt.Sprintf(format, v...))
}
func (serverLog) Errorf(format string, v ...any) {
	slog.Error("nats-server: " + fmt.Sprintf(format, v...))
}
func (serverLog) Fatalf(format string, v ...any) {
	slog.Error("nats-server: " + fmt.Sprintf(format, v...))
}
func (serverLog) Debugf(string, ...any) {}
func (serverLog) Tracef(string, ...any) {}
