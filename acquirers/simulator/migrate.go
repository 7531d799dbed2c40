package simulator

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationLock keeps two migrations of one database apart.
const migrationLock = 0x73696d75 // "simu"

// ErrSchemaVersion says that the book's schema is not the one that this build
// works with: it must be migrated, or the build is too old for it.
var ErrSchemaVersion = errors.New("the simulator's schema has another version than this build")

// Migrate brings the simulator's schema to this build's version: forward only,
// each step in a transaction of its own, under a lock. adminURL names a role that
// may make the schema "simulator" where there is none, a member of the schema's
// owner, or a superuser. Whoever migrates owns the tables; where that is not
// tender_simulator, the server's own role can neither delete from the book nor
// change what an operation was about. The role tender_simulator must exist
// already. Migrating again changes nothing.
func Migrate(ctx context.Context, adminURL string) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return errors.Wrap(err, "connect to migrate the simulator")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()

	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, migrationLock); err != nil {
		return errors.Wrap(err, "lock the simulator's migrations")
	}
	if err := prepareSchema(ctx, conn); err != nil {
		return errors.Wrap(err, "prepare the simulator's schema")
	}
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return errors.Wrap(err, "list the simulator's migrations")
	}
	done, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if done > len(steps) {
		return errors.Wrapf(ErrSchemaVersion, "the schema is at %d, this build at %d", done, len(steps))
	}
	for i := done; i < len(steps); i++ {
		if err := migrateStep(ctx, conn, i+1, steps[i]); err != nil {
			return errors.Wrapf(err, "migrate the simulator: %s", steps[i])
		}
	}
	return nil
}

// prepareSchema makes the schema and the table of steps. It asks first, because
// who may migrate again need not be allowed to create schemas.
func prepareSchema(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	const find = `select to_regclass('simulator.migrations') is not null`
	if err := conn.QueryRow(ctx, find).Scan(&there); err != nil || there {
		return err
	}
	_, err := conn.Exec(ctx, `
		do $$ begin
			if to_regnamespace('simulator') is null then create schema simulator; end if;
		end $$;
		create table simulator.migrations (
			version integer primary key,
			applied_at timestamptz not null default now()
		)`)
	return err
}

// migrateStep performs one file and writes down that it did.
func migrateStep(ctx context.Context, conn *pgx.Conn, version int, path string) error {
	sql, err := migrations.ReadFile(path)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, string(sql)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into simulator.migrations (version) values ($1)`, version)
		return err
	})
}

// schemaVersion returns how many steps the database has seen.
func schemaVersion(ctx context.Context, db rowQuerier) (int, error) {
	var version int
	err := db.QueryRow(ctx, `select coalesce(max(version), 0) from simulator.migrations`).Scan(&version)
	return version, errors.Wrap(err, "read the version of the simulator's schema")
}

// checkSchema refuses any schema but this build's.
func checkSchema(ctx context.Context, db rowQuerier) error {
	steps, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return errors.Wrap(err, "list the simulator's migrations")
	}
	version, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if version != len(steps) {
		return errors.WithHint(
			errors.Wrap(ErrSchemaVersion, fmt.Sprintf("the schema is at %d, this build at %d", version, len(steps))),
			"Migrate the database with this build first.")
	}
	return nil
}

// rowQuerier is what a connection, a pool and a transaction have in common.
type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
