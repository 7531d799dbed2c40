package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"

	"github.com/cockroachdb/errors"

	"tender/acquirers/simulator"
)

// simulatorConfig is everything that a simulator can be told, by flag or by
// environment; the flag wins.
type simulatorConfig struct {
	listen      string
	publicURL   string
	databaseURL string
	adminURL    string
	key         string
	secret      string
	notifyURL   string
	logLevel    string
}

func (c *simulatorConfig) settings() []setting {
	return []setting{
		{"listen", "TENDER_SIMULATOR_LISTEN", "127.0.0.1:8090", "address to serve HTTP on", false, &c.listen},
		{"public-url", "TENDER_SIMULATOR_PUBLIC_URL", "", "where customers reach its pages, which play banks and telephones; default: http://<listen>", false, &c.publicURL},
		{"database-url", "TENDER_SIMULATOR_DATABASE_URL", "", "PostgreSQL, role tender_simulator", true, &c.databaseURL},
		{"admin-url", "TENDER_SIMULATOR_ADMIN_URL", "", "PostgreSQL, a role that may change the schema of its book, which is then brought up to this build at the start; default: tender migrate has done that", true, &c.adminURL},
		{"key", "TENDER_SIMULATOR_KEY", "", "API key that callers must show", true, &c.key},
		{"secret", "TENDER_SIMULATOR_SECRET", "", "secret to sign notifications with", true, &c.secret},
		{"notify-url", "TENDER_SIMULATOR_NOTIFY_URL", "", "where notifications go; default: Tender's own path for them at TENDER_URL", false, &c.notifyURL},
		{"log-level", "TENDER_LOG_LEVEL", "info", "debug, info, warn or error", false, &c.logLevel},
	}
}

// notificationsPath is where Tender takes the simulator's notifications.
const notificationsPath = "/acquirers/" + simulator.Name + "/notifications"

// check fills in what follows from the rest, and refuses what can't work.
func (c *simulatorConfig) check() error {
	if c.publicURL == "" {
		c.publicURL = "http://" + c.listen
	}
	if base := env("TENDER_URL", ""); c.notifyURL == "" && base != "" {
		c.notifyURL = strings.TrimSuffix(base, "/") + notificationsPath
	}
	for _, needed := range []struct{ name, value string }{
		{"TENDER_SIMULATOR_DATABASE_URL", c.databaseURL}, {"TENDER_SIMULATOR_KEY", c.key},
		{"TENDER_SIMULATOR_SECRET", c.secret}, {"TENDER_SIMULATOR_NOTIFY_URL", c.notifyURL},
	} {
		if needed.value == "" {
			return usageError("tender: " + needed.name + " is not set; see tender simulator --help")
		}
	}
	for _, address := range []struct{ name, value string }{
		{"TENDER_SIMULATOR_PUBLIC_URL", c.publicURL}, {"TENDER_SIMULATOR_NOTIFY_URL", c.notifyURL},
	} {
		if u, err := url.Parse(address.value); err != nil || u.Scheme == "" || u.Host == "" {
			return usageError(fmt.Sprintf("tender: %s must be a URL, for example http://127.0.0.1:8090", address.name))
		}
	}
	return nil
}

// runSimulator serves the acquirer of test mode as a service of its own, as an
// acquirer is: Tender reaches it over HTTP only, with a key.
func runSimulator(ctx context.Context, args []string, _, stderr io.Writer) error {
	var c simulatorConfig
	if err := parseSettings(newFlags("simulator", stderr), args, c.settings()); err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	log, err := newLogger(stderr, c.logLevel)
	if err != nil {
		return err
	}
	if c.adminURL != "" {
		if err := simulator.Migrate(ctx, c.adminURL); err != nil {
			return err
		}
	}
	return c.serve(ctx, log)
}

// serve runs the simulator until ctx ends.
func (c *simulatorConfig) serve(ctx context.Context, log *slog.Logger) error {
	listener, err := net.Listen("tcp", c.listen)
	if err != nil {
		return errors.Wrapf(err, "can't listen on %s: choose another address with --listen", c.listen)
	}
	defer listener.Close()
	server, err := simulator.NewServer(ctx, simulator.ServerConfig{
		DatabaseURL: c.databaseURL, PublicURL: c.publicURL, APIKey: c.key,
		NotifyURL: c.notifyURL, NotificationSecret: c.secret, Logger: log,
	})
	if err != nil {
		return errors.Wrap(err, "the simulator's book can't be used; tender migrate prepares it")
	}
	defer server.Close()
	log.InfoContext(ctx, "ready", loggedSettings(c.settings())...)
	return server.Serve(ctx, listener)
}
