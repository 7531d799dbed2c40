package vault

import (
	"context"
	"embed"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrateLock is the advisory lock under which migrations run: of two that
// start at once the second waits, and finds nothing left to do.
const migrateLock = 0x7661756c74 // "vault"

// undefinedTable is PostgreSQL's code for a table or schema that is not there.
var undefinedTable = map[string]bool{"42P01": true, "3F000": true}

// ErrSchemaVersion says that the database is at another schema version than
// this build.
var ErrSchemaVersion = errors.New("the vault's schema is at another version than this build")

type migration struct {
	number int
	name   string
	sql    string
}

// Migrate brings the vault's schema to this build's version, forward only, each
// migration in a transaction of its own. The URL's role may be one that can make
// the schema "vault" where there is none, one that is a member of the schema's
// owner, or a superuser. Whoever migrates owns schema and tables; where that is
// not tender_vault itself, the vault's role can read and write, but change and drop
// nothing. The role tender_vault must exist; no other gets access. A database that
// is ahead of this build is refused with [ErrSchemaVersion].
func Migrate(ctx context.Context, adminURL string) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return errors.Wrap(err, "connect to migrate the vault")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // gives the lock back, too
	if _, err := conn.Exec(ctx, `select pg_advisory_lock($1)`, migrateLock); err != nil {
		return errors.Wrap(err, "lock the vault's migrations")
	}
	if err := makeSchema(ctx, conn); err != nil {
		return err
	}
	version, err := schemaVersion(ctx, conn)
	if err != nil {
		return err
	}
	if version > len(all) {
		return errors.Wrapf(ErrSchemaVersion, "%d instead of %d", version, len(all))
	}
	for _, m := range all[version:] {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, m.sql); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `insert into vault.migrations (number, name) values ($1, $2)`, m.number, m.name)
			return err
		})
		if err != nil {
			return errors.Wrapf(err, "vault migration %s", m.name)
		}
	}
	return nil
}

// makeSchema makes the schema, or takes it over from the vault's role, which could
// drop what is in it as its owner. It asks first, because who may migrate need not
// be allowed to make schemas.
func makeSchema(ctx context.Context, conn *pgx.Conn) error {
	var there, takeOver bool
	err := conn.QueryRow(ctx, `
		select to_regnamespace('vault') is not null,
			current_user <> 'tender_vault' and exists (
				select from pg_namespace n join pg_roles r on r.oid = n.nspowner
				where n.nspname = 'vault' and r.rolname = 'tender_vault')`).Scan(&there, &takeOver)
	if err != nil {
		return errors.Wrap(err, "look for the vault's schema")
	}
	switch {
	case !there:
		_, err = conn.Exec(ctx, `create schema vault`)
	case takeOver:
		_, err = conn.Exec(ctx, `alter schema vault owner to current_user; grant usage on schema vault to tender_vault`)
	}
	return errors.Wrap(err, "make the vault's schema")
}

// migrations lists the embedded files in their order and insists on 1, 2, 3 ….
func migrations() ([]migration, error) {
	entries, err := fs.ReadDir(migrationFiles, "migrations") // sorted by name
	if err != nil {
		return nil, errors.Wrap(err, "list the vault's migrations")
	}
	all := make([]migration, 0, len(entries))
	for i, e := range entries {
		prefix, _, _ := strings.Cut(e.Name(), "_")
		if number, err := strconv.Atoi(prefix); err != nil || number != i+1 {
			return nil, errors.AssertionFailedf("vault migration %s stands at place %d", e.Name(), i+1)
		}
		sql, err := fs.ReadFile(migrationFiles, "migrations/"+e.Name())
		if err != nil {
			return nil, errors.Wrap(err, "read a migration")
		}
		all = append(all, migration{number: i + 1, name: e.Name(), sql: string(sql)})
	}
	return all, nil
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// schemaVersion returns 0 for a database without a vault.
func schemaVersion(ctx context.Context, q querier) (int, error) {
	var version int
	err := q.QueryRow(ctx, `select coalesce(max(number), 0) from vault.migrations`).Scan(&version)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && undefinedTable[refused.Code] {
		return 0, nil
	}
	return version, errors.Wrap(err, "read the vault's schema version")
}

func checkVersion(ctx context.Context, pool *pgxpool.Pool) error {
	all, err := migrations()
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, pool)
	if err != nil {
		return err
	}
	if version != len(all) {
		return errors.Wrapf(ErrSchemaVersion, "%d instead of %d; run the migrations", version, len(all))
	}
	return nil
}
