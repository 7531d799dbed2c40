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

// superuserEnv names the URL of a superuser. There is no option for it: the list
// of processes would show its password to everybody on the machine.
const superuserEnv = "TENDER_SUPERUSER_URL"

// runMigrate brings every schema up to this build.
func runMigrate(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	fs := newFlags("migrate", stderr)
	var admin string
	roles := fs.Bool("create-roles", false, "make the roles first, with the passwords in DATABASE_ADMIN_URL, DATABASE_URL, TENDER_VAULT_URL and TENDER_SIMULATOR_DATABASE_URL, as the superuser that "+superuserEnv+" names")
	err := parseSettings(fs, args, []setting{
		{"database-admin-url", "DATABASE_ADMIN_URL", "", "PostgreSQL, role tender_admin", true, &admin},
	})
	if err != nil {
		return err
	}
	if admin == "" {
		return usageError("tender: DATABASE_ADMIN_URL is not set: it names the database and the role tender_admin")
	}
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	if *roles {
		superuser := env(superuserEnv, "")
		if superuser == "" {
			return usageError("tender: " + superuserEnv + " is not set: the URL of a superuser, in the same database as DATABASE_ADMIN_URL")
		}
		if err := eventstore.CreateRoles(ctx, superuser, rolePasswords(admin)); err != nil {
			return err
		}
	}
	if err := migrateAll(ctx, admin); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "The database is at this build's version.")
	return err
}

// rolePasswords are the passwords of the roles, by the URLs that name them. A
// role whose URL isn't set keeps the password that it has.
func rolePasswords(admin string) map[string]string {
	passwords := map[string]string{}
	for role, address := range map[string]string{
		"tender_admin": admin, "tender_app": env("DATABASE_URL", ""),
		"tender_vault": env("TENDER_VAULT_URL", ""), "tender_simulator": env("TENDER_SIMULATOR_DATABASE_URL", ""),
	} {
		if password := passwordIn(address); password != "" {
			passwords[role] = password
		}
	}
	return passwords
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
