package eventstore

import (
	"context"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles, one set per PostgreSQL cluster. The owner can't log in: nobody comes
// as the one who could change the log. The admin migrates and backs up; the app
// may read the log and call append; vault and simulator see their own schema only.
const (
	roleOwner     = "tender_owner"
	roleAdmin     = "tender_admin"
	roleApp       = "tender_app"
	roleVault     = "tender_vault"
	roleSimulator = "tender_simulator"
)

// loginRoles are the roles that CreateRoles takes a password for.
var loginRoles = []string{roleAdmin, roleApp, roleVault, roleSimulator}

// ownSchemas are the schemas that a role makes its own tables in.
var ownSchemas = map[string]string{roleVault: "vault", roleSimulator: "simulator"}

const (
	rolesTriesMax  = 20
	rolesRetryWait = 50 * time.Millisecond
)

// CreateRoles makes the roles that are missing and gives each of tender_admin,
// tender_app, tender_vault and tender_simulator the password under its name; one
// that isn't named keeps the password that it has. In the database of the URL it
// grants them what they need, and makes the schemas "vault" and "simulator", empty.
// It may be repeated, and called by several processes at once.
func CreateRoles(ctx context.Context, superuserURL string, passwords map[string]string) error {
	conn, err := pgx.Connect(ctx, superuserURL)
	if err != nil {
		return errors.Wrap(err, "connect to create roles")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for range rolesTriesMax {
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return createRoles(ctx, tx, passwords) })
		if !concurrentlyChanged(err) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rolesRetryWait):
		}
	}
	return errors.Wrap(err, "create roles")
}

// concurrentlyChanged reports an error that comes of two processes changing the
// roles of one cluster at a time: no lock of PostgreSQL's spans its databases.
func concurrentlyChanged(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	switch pgErr.Code {
	case "XX000", "23505", "42710", "40P01": // tuple concurrently updated; unique violation; duplicate object; deadlock
		return true
	}
	return false
}

func createRoles(ctx context.Context, tx pgx.Tx, passwords map[string]string) error {
	if err := createRole(ctx, tx, roleOwner, "NOLOGIN"); err != nil {
		return err
	}
	for _, role := range loginRoles {
		if err := createRole(ctx, tx, role, "LOGIN"); err != nil {
			return err
		}
		if password, given := passwords[role]; given {
			if err := setPassword(ctx, tx, role, password); err != nil {
				return err
			}
		}
	}
	if err := grantDatabase(ctx, tx); err != nil {
		return err
	}
	for role, schema := range ownSchemas {
		if _, err := tx.Exec(ctx, `CREATE SCHEMA IF NOT EXISTS `+schema+` AUTHORIZATION `+role); err != nil {
			return err
		}
	}
	return nil
}

func createRole(ctx context.Context, tx pgx.Tx, role, login string) error {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&there); err != nil {
		return err
	}
	if there {
		return nil
	}
	_, err := tx.Exec(ctx, `CREATE ROLE `+role+` NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS `+login)
	return err
}

// setPassword lets the server quote: CREATE and ALTER ROLE take no parameters.
func setPassword(ctx context.Context, tx pgx.Tx, role, password string) error {
	var statement string
	err := tx.QueryRow(ctx, `SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)`, role, password).Scan(&statement)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, statement)
	return err
}

// grantDatabase gives the roles their place in this database. The admin acts as
// any of the others when it migrates, reads everything when it backs up, and sees
// what the server does when something is wrong.
func grantDatabase(ctx context.Context, tx pgx.Tx) error {
	var name string
	if err := tx.QueryRow(ctx, `SELECT quote_ident(current_database())`).Scan(&name); err != nil {
		return err
	}
	statements := []string{
		`GRANT tender_owner, tender_app, tender_vault, tender_simulator, pg_read_all_data, pg_monitor TO tender_admin`,
		`GRANT CONNECT ON DATABASE ` + name + ` TO tender_admin, tender_app, tender_vault, tender_simulator`,
		`GRANT CREATE ON DATABASE ` + name + ` TO tender_admin, tender_vault, tender_simulator`,
		`REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}
