// Package storetest gives tests a real PostgreSQL: one server for the whole run,
// a template database that is migrated once, and a database of its own for every
// test, cloned from that. It is for tests only, and it knows the log's schema but
// not those of other packages: what they need comes with the test (see With).
//
// The server is the one that TENDER_TEST_POSTGRES names (the URL of a superuser;
// `make test` starts one). Without it a private one is started, shared by all
// test processes of the machine's user, that ends when it has been idle for a
// minute. It doesn't sync to disk and its roles belong to all tests: whoever
// wants to kill it or to change roles takes a Server.
package storetest

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/eventstore"
)

// ServerEnv names the environment variable with the URL of the run's server.
const ServerEnv = "TENDER_TEST_POSTGRES"

// Modes are the logs that every test database has.
var Modes = []string{"test", "live"}

// The limits of this package.
const (
	setupMax   = 3 * time.Minute // a start of the server, a template
	cleanupMax = 30 * time.Second
	idleMax    = time.Minute // how long the shared server outlives its last user
)

// DB is a test's own database, with everything migrated.
type DB struct {
	Name string
	// The URLs are those of the roles tender_app, tender_admin, the superuser,
	// tender_vault and tender_simulator.
	AppURL, AdminURL, SuperURL, VaultURL, SimulatorURL string
}

// MigrateFunc migrates a schema that the log doesn't know. It gets the URL of
// the superuser in the new database, in which the roles exist.
type MigrateFunc func(ctx context.Context, superURL string) error

type extra struct {
	name    string
	migrate MigrateFunc
}

// Option changes what a test database holds.
type Option func(*[]extra)

// With adds a schema of another package to the database. The name stands for
// the function: in one test binary it must always name the same one.
func With(name string, migrate MigrateFunc) Option {
	return func(extras *[]extra) { *extras = append(*extras, extra{name, migrate}) }
}

// collect orders the extras by name, so that the order in which a test names
// them makes no other template.
func collect(options []Option) []extra {
	var extras []extra
	for _, option := range options {
		option(&extras)
	}
	slices.SortStableFunc(extras, func(a, b extra) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(extras, func(a, b extra) bool { return a.name == b.name })
}

// Database makes a database for this test and drops it when the test is over.
func Database(t testing.TB, options ...Option) DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), setupMax)
	defer cancel()
	run, err := theRun()
	if err != nil {
		t.Fatalf("the test server: %+v", err)
	}
	template, err := run.template(ctx, collect(options))
	if err != nil {
		t.Fatalf("the template database: %+v", err)
	}
	name := "t_" + strings.ToLower(rand.Text())
	if err := run.clone(ctx, template, name); err != nil {
		t.Fatalf("the test's database: %+v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanupMax)
		defer cancel()
		if err := run.drop(ctx, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return database(run.superURL, name)
}

// Open opens the log of a mode ("test" or "live") as the application does, and
// closes it when the test is over.
func Open(t testing.TB, db DB, mode string, options ...eventstore.Option) *eventstore.Store {
	t.Helper()
	store, err := eventstore.Open(t.Context(), eventstore.Log{Mode: mode}, db.AppURL, options...)
	if err != nil {
		t.Fatalf("open log %s: %+v", mode, err)
	}
	t.Cleanup(store.Close)
	return store
}

// database derives all URLs of a database from the superuser's.
func database(superURL *url.URL, name string) DB {
	as := func(role string) string {
		u := *superURL
		u.Path = "/" + name
		if role != "" {
			u.User = url.UserPassword(role, rolePassword(superURL, role))
		}
		return u.String()
	}
	return DB{
		Name: name, SuperURL: as(""), AppURL: as("tender_app"), AdminURL: as("tender_admin"),
		VaultURL: as("tender_vault"), SimulatorURL: as("tender_simulator"),
	}
}

// rolePassword is the same in all processes of a run, and nobody else's.
func rolePassword(superURL *url.URL, role string) string {
	secret, _ := superURL.User.Password()
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(role))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// rolePasswords are those of all roles that log in.
func rolePasswords(superURL *url.URL) map[string]string {
	passwords := map[string]string{}
	for _, role := range []string{"tender_admin", "tender_app", "tender_vault", "tender_simulator"} {
		passwords[role] = rolePassword(superURL, role)
	}
	return passwords
}

// migrate brings an empty database to where tests begin.
func migrate(ctx context.Context, db DB, passwords map[string]string, extras []extra) error {
	if err := eventstore.CreateRoles(ctx, db.SuperURL, passwords); err != nil {
		return err
	}
	for _, mode := range Modes {
		if err := eventstore.Migrate(ctx, db.AdminURL, eventstore.Log{Mode: mode}); err != nil {
			return err
		}
	}
	for _, e := range extras {
		if err := e.migrate(ctx, db.SuperURL); err != nil {
			return err
		}
	}
	return nil
}
