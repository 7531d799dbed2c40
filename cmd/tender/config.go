package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/cmd/tender/internal/tracing"
	"tender/handlers/limits"
)

// Roles that a process may play.
const (
	roleAPI       = "api"
	roleCheckout  = "checkout"
	roleRelay     = "relay"
	roleProjector = "projector"
	roleWorker    = "worker"
)

var allRoles = []string{roleAPI, roleCheckout, roleRelay, roleProjector, roleWorker}

// envLiveLimits is the environment name of --live-limits.
const envLiveLimits = "TENDER_LIVE_LIMITS"

// config is everything that a serving process can be told, by flag or by
// environment; the flag wins.
type config struct {
	roles        []string
	listen       string
	listener     net.Listener // already open; nil: listen is opened
	staffListen  string       // "": the staff is served where everybody is
	baseURL      string
	databaseURL  string
	vaultURL     string
	natsURL      string
	relayNATSURL string
	natsReplicas string // how many servers of a cluster keep each stream; "": one
	masterKey    string // path
	// sealKey is the file of the sealing keys; "": this process doesn't seal.
	// checkpointDir is where checkpoints are appended to; "": to no file.
	sealKey, checkpointDir string
	// metricsListen is where metrics are shown without a key; "": nowhere.
	metricsListen string
	logLevel      string

	simulatorURL    string
	simulatorKey    string
	simulatorSecret string

	// loopbackWebhooks lets test-mode endpoints be plain HTTP on this machine.
	loopbackWebhooks bool
	// liveLimits gives test mode live mode's limits against abuse.
	liveLimits bool
	// trustedProxies and forwardedHeader say whom to believe where a request comes from.
	trustedProxies, forwardedHeader string
	proxies                         limits.Proxies
}

// setting is one option: its flag, its environment name, and where it goes.
type setting struct {
	flag, env, absent, does string
	secret                  bool
	into                    *string
}

// parseSettings parses args, with an option for each setting. What no option
// names is taken from the environment, after the flags were parsed: as a flag's
// default it would be shown by --help, secrets and all.
func parseSettings(fs *flag.FlagSet, args []string, settings []setting) error {
	for _, s := range settings {
		does := s.does + " (" + s.env + ")"
		if s.secret {
			does = s.does + " (" + s.env + ", which shows it to nobody; an option stands in the list of processes)"
		}
		fs.StringVar(s.into, s.flag, s.absent, does)
	}
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	named := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { named[f.Name] = true })
	for _, s := range settings {
		if !named[s.flag] {
			*s.into = env(s.env, s.absent)
		}
	}
	return nil
}

// databaseSetting is the option of commands that only need the log.
func databaseSetting(into *string) setting {
	return setting{"database-url", "DATABASE_URL", "", "PostgreSQL, role tender_app", true, into}
}

func (c *config) settings() []setting {
	return []setting{
		{"listen", "TENDER_LISTEN", "127.0.0.1:8080", "address to serve HTTP on", false, &c.listen},
		{"staff-listen", "TENDER_STAFF_LISTEN", "", "address of its own to serve /audit and /ops on; default: with everything else", false, &c.staffListen},
		{"metrics-listen", "TENDER_METRICS_LISTEN", "", "address of its own to serve /metrics on, to whoever reaches it; default: none, and operators with their key only", false, &c.metricsListen},
		{"base-url", "TENDER_URL", "", "where merchants and customers reach this server; default: http://<listen>", false, &c.baseURL},
		{"database-url", "DATABASE_URL", "", "PostgreSQL, role tender_app", true, &c.databaseURL},
		{"vault-url", "TENDER_VAULT_URL", "", "PostgreSQL, role tender_vault", true, &c.vaultURL},
		{"nats-url", "NATS_URL", "", "NATS, a user that may read the feed", true, &c.natsURL},
		{"relay-nats-url", "TENDER_RELAY_NATS_URL", "", "NATS, the user that may publish it (role relay)", true, &c.relayNATSURL},
		{"nats-replicas", "TENDER_NATS_REPLICAS", "1", "how many servers of a NATS cluster keep each stream: 3 where there are three (roles relay and seal)", false, &c.natsReplicas},
		{"master-key-file", "TENDER_MASTER_KEY_FILE", "", "file with the master key, mode 0600", false, &c.masterKey},
		{"seal-key-file", "TENDER_SEAL_KEY_FILE", "", "file with the sealing keys, mode 0600, which tender seal init makes; without it this process doesn't seal the log", false, &c.sealKey},
		{"checkpoint-dir", "TENDER_CHECKPOINT_DIR", "", "directory in which the signed checkpoints of each log are appended to a file", false, &c.checkpointDir},
		{"trusted-proxies", "TENDER_TRUSTED_PROXIES", "", "addresses or ranges of proxies, by comma, that are believed when they say for whom they ask", false, &c.trustedProxies},
		{"forwarded-header", "TENDER_FORWARDED_HEADER", limits.HeaderXForwardedFor, "the header in which they say so: X-Forwarded-For or Forwarded", false, &c.forwardedHeader},
		{"log-level", "TENDER_LOG_LEVEL", "info", "debug, info, warn or error", false, &c.logLevel},
		{"simulator-url", "TENDER_SIMULATOR_URL", "", "the simulator, acquirer of test mode", false, &c.simulatorURL},
		{"simulator-key", "TENDER_SIMULATOR_KEY", "", "API key of the simulator", true, &c.simulatorKey},
		{"simulator-secret", "TENDER_SIMULATOR_SECRET", "", "secret of the simulator's notifications", true, &c.simulatorSecret},
	}
}

// parseServe reads and checks the configuration of a serving process.
func parseServe(args []string, stderr io.Writer) (config, error) {
	var c config
	var roles string
	fs := newFlags("serve", stderr)
	fs.StringVar(&roles, "roles", env("TENDER_ROLES", strings.Join(allRoles, ",")), "roles to play, by comma: "+strings.Join(allRoles, ", "))
	fs.BoolVar(&c.loopbackWebhooks, "loopback-webhooks", env("TENDER_LOOPBACK_WEBHOOKS", "") == "true", "let test-mode webhook endpoints be plain HTTP on this machine")
	liveLimitsOption(fs, &c.liveLimits)
	if err := parseSettings(fs, args, c.settings()); err != nil {
		return c, err
	}
	var err error
	if c.roles, err = parseRoles(roles); err != nil {
		return c, err
	}
	return c, c.check()
}

// replicasMax is how many servers JetStream keeps a stream on at most.
const replicasMax = 5

// replicas is how many servers keep each stream.
func (c *config) replicas() (int, error) {
	if c.natsReplicas == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(c.natsReplicas)
	if err != nil || n < 1 || n > replicasMax {
		return 0, usageError(fmt.Sprintf("tender: TENDER_NATS_REPLICAS must be a number from 1 to %d: how many servers of the cluster keep each stream", replicasMax))
	}
	return n, nil
}

// liveLimitsOption is the option of serving processes to bear as little as live mode.
func liveLimitsOption(fs *flag.FlagSet, into *bool) {
	fs.BoolVar(into, "live-limits", env(envLiveLimits, "") == "true", "give test mode live mode's limits against abuse, to see them at work; without it bears 1000 times as much ("+envLiveLimits+")")
}

// parseRoles reads what a process is told to do.
func parseRoles(list string) ([]string, error) {
	roles := strings.Split(list, ",")
	for _, r := range roles {
		if !slices.Contains(allRoles, r) {
			return nil, usageError(fmt.Sprintf("tender: there is no role %q; the roles are %s", r, strings.Join(allRoles, ", ")))
		}
	}
	return roles, nil
}

func (c *config) check() error {
	if c.baseURL == "" {
		c.baseURL = "http://" + c.listen
	}
	c.baseURL = strings.TrimSuffix(c.baseURL, "/")
	if u, err := url.Parse(c.baseURL); err != nil || u.Scheme == "" || u.Host == "" {
		return usageError("tender: TENDER_URL must be a URL, for example https://pay.example")
	}
	var err error
	if c.proxies, err = limits.ParseProxies(c.trustedProxies, c.forwardedHeader); err != nil {
		return usageError("tender: TENDER_TRUSTED_PROXIES, TENDER_FORWARDED_HEADER: " + err.Error())
	}
	if _, err := c.replicas(); err != nil {
		return err
	}
	needed := map[string]string{"DATABASE_URL": c.databaseURL, "TENDER_MASTER_KEY_FILE": c.masterKey, "NATS_URL": c.natsURL, "TENDER_VAULT_URL": c.vaultURL}
	if c.publishes() {
		needed["TENDER_RELAY_NATS_URL"] = c.relayNATSURL
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if needed[name] == "" {
			return usageError("tender: " + name + " is not set; see tender serve --help")
		}
	}
	return nil
}

func (c *config) plays(role string) bool { return slices.Contains(c.roles, role) }

// publishes reports whether this process publishes to NATS what only the relay's user
// may: the log, or its checkpoints.
func (c *config) publishes() bool { return c.plays(roleRelay) || c.sealKey != "" }

// logged is the configuration as it may be logged.
func (c *config) logged() []any {
	return append([]any{"roles", strings.Join(c.roles, ",")}, loggedSettings(c.settings())...)
}

// loggedSettings are settings as they may be logged: secrets masked.
func loggedSettings(settings []setting) []any {
	var fields []any
	for _, s := range settings {
		value := *s.into
		if s.secret && value != "" {
			value = masked(value)
		}
		fields = append(fields, strings.ReplaceAll(s.flag, "-", "_"), value)
	}
	return fields
}

// masked keeps of a URL what is no secret, and of anything else nothing.
func masked(value string) string {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return "***"
	}
	return u.Redacted()
}

func env(name, absent string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return absent
}

func newFlags(name string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet("tender "+name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	return fs
}

// parseFlags parses args, all of which must be options.
func parseFlags(fs *flag.FlagSet, args []string) error {
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return usageError("")
		}
		return usageError("tender: " + err.Error())
	}
	if fs.NArg() > 0 {
		return usageError(fmt.Sprintf("tender: %q is too much; see %s --help", fs.Arg(0), fs.Name()))
	}
	return nil
}

// newLogger returns the process's logger: one JSON line per record.
func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError(fmt.Sprintf("tender: %q is no log level; use debug, info, warn or error", level))
	}
	return slog.New(tracing.Logged(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))), nil
}
