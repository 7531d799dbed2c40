package main_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore/storetest"
)

// TestMigrateMakesTheRoles begins with a PostgreSQL that has nothing of ours but a
// superuser, as a newcomer's.
func TestMigrateMakesTheRoles(t *testing.T) {
	t.Parallel()
	server := storetest.Server(t)
	execute(t, server.SuperURL, `CREATE DATABASE fresh`)
	as := func(role, password string) string {
		u, err := url.Parse(server.SuperURL)
		if err != nil {
			t.Fatal(err)
		}
		u.Path, u.User = "/fresh", url.UserPassword(role, password)
		return u.String()
	}
	i := newInstallation(t)
	i.env = map[string]string{
		"DATABASE_ADMIN_URL": as("tender_admin", "a1"), "DATABASE_URL": as("tender_app", "b1"),
		"TENDER_VAULT_URL": as("tender_vault", "c1"), "TENDER_SIMULATOR_DATABASE_URL": as("tender_simulator", "d1"),
	}
	if out, err := i.run("migrate", "--create-roles"); err == nil || !strings.Contains(out, "TENDER_SUPERUSER_URL is not set") {
		t.Errorf("without the superuser: %v, and it says:\n%s", err, out)
	}
	// Whoever lists processes would read the password.
	if out, err := i.run("migrate", "--superuser-url", as("postgres", "p")); err == nil || !strings.Contains(out, "not defined") {
		t.Errorf("with the superuser as an option: %v, and it says:\n%s", err, out)
	}
	i.env["TENDER_SUPERUSER_URL"] = as("postgres", passwordOf(t, server.SuperURL))
	i.mustRun("migrate", "--create-roles")
	for name, address := range i.env {
		if err := tryTo(t, address, `SELECT`); err != nil {
			t.Errorf("%s does not let in: %v", name, err)
		}
	}

	// Later on, the passwords that are not named stay, and those that are change.
	kept := i.env["DATABASE_URL"]
	delete(i.env, "DATABASE_URL")
	i.env["TENDER_VAULT_URL"] = as("tender_vault", "c2")
	i.mustRun("migrate", "--create-roles")
	for name, address := range map[string]string{"the app": kept, "the vault": i.env["TENDER_VAULT_URL"]} {
		if err := tryTo(t, address, `SELECT`); err != nil {
			t.Errorf("%s is not let in any more: %v", name, err)
		}
	}
	if tryTo(t, as("tender_vault", "c1"), `SELECT`) == nil {
		t.Error("the vault's old password is still good")
	}
	delete(i.env, "TENDER_SUPERUSER_URL")
	i.mustRun("migrate")
}

func execute(t *testing.T, address, statement string) {
	t.Helper()
	if err := tryTo(t, address, statement); err != nil {
		t.Fatal(err)
	}
}

// tryTo connects and executes a statement.
func tryTo(t *testing.T, address, statement string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(t.Context()) }()
	_, err = conn.Exec(t.Context(), statement)
	return err
}

// --help explains the names and never shows what stands in them.
func TestHelpShowsNoSecret(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.env = map[string]string{}
	names := map[string][]string{
		"serve":           {"DATABASE_URL", "TENDER_VAULT_URL", "NATS_URL", "TENDER_RELAY_NATS_URL", "TENDER_SIMULATOR_KEY", "TENDER_SIMULATOR_SECRET"},
		"simulator":       {"TENDER_SIMULATOR_DATABASE_URL", "TENDER_SIMULATOR_ADMIN_URL", "TENDER_SIMULATOR_KEY", "TENDER_SIMULATOR_SECRET"},
		"migrate":         {"DATABASE_ADMIN_URL", "TENDER_SUPERUSER_URL"},
		"merchant create": {"DATABASE_URL"}, "keys create": {"DATABASE_URL"}, "events tail": {"DATABASE_URL"},
	}
	for _, all := range names {
		for _, name := range all {
			i.env[name] = "postgres://user:hunter2@127.0.0.1:1/none"
		}
	}
	for command, all := range names {
		out, err := i.run(append(strings.Fields(command), "--help")...)
		if err != nil || strings.Contains(out, "hunter2") {
			t.Errorf("%s --help: %v, and it says:\n%s", command, err, out)
		}
		for _, name := range all {
			if !strings.Contains(out, name) {
				t.Errorf("%s --help does not explain %s", command, name)
			}
		}
		if out, err := i.run(append(strings.Fields(command), "--loud")...); err == nil || strings.Contains(out, "hunter2") {
			t.Errorf("%s --loud: %v, and it says:\n%s", command, err, out)
		}
	}
}
