package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/cockroachdb/errors"

	"tender/acquirers/simulator"
	"tender/eventstore"
	"tender/vault"
)

// migrateTimeout bounds a migration: one that takes longer waits for a lock that
// somebody holds.
const migrateTimeout = 10 * time.Minute

// runMigrate brings every schema up to this build.
func runMigrate(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("migrate", stderr)
	admin := fs.String("database-admin-url", env("DATABASE_ADMIN_URL", ""), "PostgreSQL, role tender_admin (DATABASE_ADMIN_URL)")
	super := fs.String("superuser-url", "", "PostgreSQL, a superuser: makes the roles first, with the passwords of the URLs in the environment")
	if err := parseFlags(fs, args); err != nil {
		return err
	}
	if *admin == "" {
		return usageError("tender: DATABASE_ADMIN_URL is not set: it names the database and the role tender_admin")
	}
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	if *super != "" {
		passwords := map[string]string{}
		for role, name := range map[string]string{
			"tender_admin": "DATABASE_ADMIN_URL", "tender_app": "DATABASE_URL",
			"tender_vault": "TENDER_VAULT_URL", "tender_simulator": "TENDER_SIMULATOR_DATABASE_URL",
		} {
			passwords[role] = passwordIn(env(name, ""))
		}
		if err := eventstore.CreateRoles(ctx, *super, passwords); err != nil {
			return err
		}
	}
	if err := migrateAll(ctx, *admin); err != nil {
		return err
	}
	_, err := fmt.Fprintln(stdout, "The database is at this build's version.")
	return err
}

func passwordIn(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.User == nil {
		return ""
	}
	p, _ := u.User.Password()
	return p
}

// migrateAll brings the logs, the vault and the simulator's book up to this build.
func migrateAll(ctx context.Context, adminURL string) error {
	for _, mode := range []string{"test", "live"} {
		if err := eventstore.Migrate(ctx, adminURL, eventstore.Log{Mode: mode}); err != nil {
			return errors.Wrapf(err, "migrate the %s log", mode)
		}
	}
	if err := vault.Migrate(ctx, adminURL); err != nil {
		return errors.Wrap(err, "migrate the vault")
	}
	return errors.Wrap(simulator.Migrate(ctx, adminURL), "migrate the simulator's book")
}
