package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"tender/acquirers/simulator"
	"tender/cmd/tender/internal/devenv"
	"tender/eventstore"
	"tender/eventstore/feed"
	"tender/eventstore/pgserver"
)

// Limits of a development installation.
const (
	devStopTimeout = 4 * time.Second
	devDatabase    = "tender"
	postgresDir    = "postgres" // within the data directory
	sealKeyFile    = "seal.key"
)

// Names in credentials.env, which holds what the parts of a development
// installation know each other by.
const (
	credAdmin     = "ADMIN_PASSWORD"
	credApp       = "APP_PASSWORD"
	credVault     = "VAULT_PASSWORD"
	credSimulator = "SIMULATOR_PASSWORD"
	credRelay     = "NATS_RELAY_PASSWORD"
	credReader    = "NATS_READER_PASSWORD"
	credKey       = "SIMULATOR_KEY"
	credSecret    = "SIMULATOR_SECRET"
	credNATSPort  = "NATS_PORT"
	credSimPort   = "SIMULATOR_PORT"
)

// dev is a whole installation in one process.
type dev struct {
	dir    string
	listen string
	level  string
	roles  []string
	// liveLimits gives test mode live mode's limits against abuse.
	liveLimits bool
	out        io.Writer
	notice     io.Writer // what must be read, also where stdout is not
	log        *slog.Logger

	cred     map[string]string
	listener net.Listener
	lock     *os.File
	logFile  *os.File
	postgres *pgserver.Server
	nats     *feed.Server
	sim      *simulator.Server
	simAt    net.Listener
	app      *app
	keys     []devenv.Entry // the lines of dev.env that name keys
}

// runDev runs everything that it takes to try the engine, and nothing that
// anybody else has to have started.
func runDev(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	d := &dev{out: stdout, notice: stderr}
	fs := newFlags("dev", stderr)
	fs.StringVar(&d.dir, "data-dir", env("TENDER_DATA_DIR", ".tender"), "where everything is kept")
	fs.StringVar(&d.listen, "listen", env("TENDER_LISTEN", "127.0.0.1:8080"), "address to serve HTTP on, on the loopback interface")
	fs.StringVar(&d.level, "log-level", env("TENDER_LOG_LEVEL", "info"), "debug, info, warn or error; the log is tender.log in the data directory")
	roles := fs.String("roles", strings.Join(allRoles, ","), "roles to play, by comma; tender serve plays the others beside it, told by dev.env what it needs")
	liveLimitsOption(fs, &d.liveLimits)
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	var err error
	if d.roles, err = parseRoles(*roles); err != nil {
		return err
	}
	defer d.stop()
	if err := d.start(ctx); err != nil {
		return err
	}
	simulating := make(chan error, 1)
	simCtx, stopSim := context.WithCancel(context.WithoutCancel(ctx))
	go func() { simulating <- d.sim.Serve(simCtx, d.simAt) }()
	err = d.app.run(ctx, func() {
		if err := d.announce(); err != nil {
			d.log.ErrorContext(ctx, "dev.env could not be written", "error", err)
		}
	})
	stopSim()
	return errors.CombineErrors(err, <-simulating)
}

// start brings the parts up, in the order in which they need each other.
func (d *dev) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		d.openDirectory, d.openListener, d.readCredentials, d.startPostgres, d.migrate, d.startNATS, d.startSimulator, d.startApp, d.issueKeys, d.openShop,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// openDirectory makes the data directory ours.
func (d *dev) openDirectory(context.Context) error {
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return errors.Wrap(err, "find the data directory")
	}
	d.dir = dir
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errors.Wrapf(err, "can't make the data directory %s: choose another with --data-dir", dir)
	}
	if d.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o600); err != nil {
		return errors.Wrapf(err, "can't write to the data directory %s: choose another with --data-dir", dir)
	}
	if err := unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.Newf("another tender dev runs in %s: stop it, or choose another directory with --data-dir", dir)
	}
	if d.logFile, err = os.OpenFile(filepath.Join(dir, "tender.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return errors.Wrap(err, "open the log")
	}
	d.log, err = newLogger(d.logFile, d.level)
	if err != nil {
		return err
	}
	slog.SetDefault(d.log)
	return nil
}

func (d *dev) openListener(context.Context) error {
	host, _, err := net.SplitHostPort(d.listen)
	if err != nil {
		return usageError("tender: --listen must be an address with a port, for example 127.0.0.1:8080")
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError("tender: tender dev listens on the loopback interface only, for example --listen 127.0.0.1:8081")
	}
	if d.listener, err = net.Listen("tcp", d.listen); err != nil {
		return errors.Newf("%s is taken, or can't be listened on: choose another address, for example --listen 127.0.0.1:8081", d.listen)
	}
	d.listen = d.listener.Addr().String()
	return nil
}

// readCredentials reads what the parts know each other by; what is missing is
// drawn anew.
func (d *dev) readCredentials(context.Context) error {
	path := filepath.Join(d.dir, "credentials.env")
	entries, err := devenv.Read(path)
	if err != nil {
		return errors.Wrapf(err, "%s is broken: delete it, new credentials are drawn", path)
	}
	d.cred = map[string]string{}
	for _, e := range entries {
		d.cred[e.Name] = e.Value
	}
	for _, name := range []string{credAdmin, credApp, credVault, credSimulator, credRelay, credReader, credKey, credSecret} {
		if d.cred[name] == "" {
			d.cred[name] = newSecret("")
		}
	}
	return d.keepCredentials()
}

func (d *dev) keepCredentials() error {
	var entries []devenv.Entry
	for _, name := range []string{credAdmin, credApp, credVault, credSimulator, credRelay, credReader, credKey, credSecret, credNATSPort, credSimPort} {
		if d.cred[name] != "" {
			entries = append(entries, devenv.Entry{Name: name, Value: d.cred[name]})
		}
	}
	return devenv.Write(filepath.Join(d.dir, "credentials.env"), entries)
}

func (d *dev) startPostgres(ctx context.Context) (err error) {
	d.say("Starting PostgreSQL …")
	d.postgres, err = pgserver.Start(ctx, pgserver.Config{
		DataDir: filepath.Join(d.dir, postgresDir), Log: d.logFile, Notice: d.notice,
	})
	return err
}

// migrate makes the database and brings it up to this build.
func (d *dev) migrate(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, d.postgres.URL("postgres", "postgres"))
	if err != nil {
		return errors.Wrap(err, "connect to PostgreSQL")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, devDatabase).Scan(&there); err != nil {
		return errors.Wrap(err, "look for the database")
	}
	if !there {
		if _, err := conn.Exec(ctx, `CREATE DATABASE `+devDatabase); err != nil {
			return errors.Wrap(err, "make the database")
		}
	}
	passwords := map[string]string{
		"tender_admin": d.cred[credAdmin], "tender_app": d.cred[credApp],
		"tender_vault": d.cred[credVault], "tender_simulator": d.cred[credSimulator],
	}
	if err := eventstore.CreateRoles(ctx, d.postgres.URL("postgres", devDatabase), passwords); err != nil {
		return err
	}
	return migrateAll(ctx, d.url("tender_admin", credAdmin))
}

func (d *dev) url(role, credential string) string {
	return d.postgres.URLWithPassword(role, d.cred[credential], devDatabase)
}

func (d *dev) startNATS(context.Context) (err error) {
	cfg := feed.ServerConfig{
		StoreDir: filepath.Join(d.dir, "nats"), Port: freePort(d.cred[credNATSPort]),
		RelayPassword: d.cred[credRelay], ReaderPassword: d.cred[credReader],
	}
	if d.nats, err = feed.StartServer(cfg); err != nil {
		return errors.Wrapf(err, "the feed does not start. Remove %s and start again: all that it holds is in the log, too", cfg.StoreDir)
	}
	d.cred[credNATSPort] = fmt.Sprint(d.nats.Port())
	return d.keepCredentials()
}

// freePort returns the port that was kept, if nobody has taken it; 0: any.
func freePort(kept string) int {
	l, err := net.Listen("tcp", "127.0.0.1:"+kept)
	if err != nil || kept == "" {
		return 0
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (d *dev) startSimulator(ctx context.Context) (err error) {
	if d.simAt, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", freePort(d.cred[credSimPort]))); err != nil {
		return errors.Wrap(err, "start the simulator")
	}
	d.cred[credSimPort] = fmt.Sprint(d.simAt.Addr().(*net.TCPAddr).Port)
	if err := d.keepCredentials(); err != nil {
		return err
	}
	d.sim, err = simulator.NewServer(ctx, simulator.ServerConfig{
		DatabaseURL: d.url("tender_simulator", credSimulator), PublicURL: d.simURL(),
		APIKey: d.cred[credKey], NotificationSecret: d.cred[credSecret],
		NotifyURL: "http://" + d.listen + notificationsPath, Logger: d.log,
	})
	return err
}

func (d *dev) simURL() string { return "http://" + d.simAt.Addr().String() }

func (d *dev) startApp(ctx context.Context) (err error) {
	if err := makeDevSealKey(filepath.Join(d.dir, sealKeyFile)); err != nil {
		return err
	}
	d.app, err = newApp(ctx, d.config(), d.log)
	return err
}

func (d *dev) config() config {
	return config{
		roles: d.roles, listen: d.listen, listener: d.listener, baseURL: "http://" + d.listen, logLevel: d.level,
		databaseURL: d.url("tender_app", credApp), vaultURL: d.url("tender_vault", credVault),
		natsURL: d.nats.ReaderURL(), relayNATSURL: d.nats.RelayURL(),
		masterKey: filepath.Join(d.dir, "master.key"), sealKey: filepath.Join(d.dir, sealKeyFile), checkpointDir: filepath.Join(d.dir, "checkpoints"),
		simulatorURL: d.simURL(), simulatorKey: d.cred[credKey], simulatorSecret: d.cred[credSecret],
		loopbackWebhooks: true, liveLimits: d.liveLimits,
	}
}

func (d *dev) say(text string) { fmt.Fprintln(d.out, strings.TrimRight(text, "\n")) }

// stop takes the parts down, in the reverse order.
func (d *dev) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), devStopTimeout)
	defer cancel()
	if d.app != nil {
		d.app.close()
	}
	if d.listener != nil {
		_ = d.listener.Close()
	}
	if d.sim != nil {
		d.sim.Close()
	}
	if d.nats != nil {
		d.nats.Stop()
	}
	if d.postgres != nil {
		if err := d.postgres.Stop(ctx); err != nil {
			d.say("PostgreSQL did not stop by itself: " + err.Error())
		}
	}
	for _, f := range []*os.File{d.logFile, d.lock} {
		if f != nil {
			_ = f.Close()
		}
	}
}
