package eventstore

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"regexp"
	"strconv"
	"strings"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
)

// schemaFiles holds the numbered migrations, forward only. A file that has been
// released is never edited: what it made stands in databases.
//
//go:embed schema/*.sql
var schemaFiles embed.FS

// partitionDaysAhead is how many days ahead the partitions of idempotency rows are
// made, so that nobody misses the job that makes them for as long.
const partitionDaysAhead = 3

// ErrSchemaVersion says that a database's schema is not the one that this build
// was made for. Nothing is changed then.
var ErrSchemaVersion = errors.New("the log's schema has another version than this build needs")

// modePattern keeps schema names short of PostgreSQL's 63 bytes and free of quotes.
var modePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)

func (l Log) check() error {
	if !modePattern.MatchString(l.Mode) {
		return errors.Newf("%q is no mode of a log", l.Mode)
	}
	return nil
}

// table returns the quoted name of one of the log's tables or functions.
func (l Log) table(name string) string {
	return pgx.Identifier{l.Schema(), name}.Sanitize()
}

// lockKey is the advisory lock that an append holds to its commit. PostgreSQL
// keeps the locks of different databases apart.
func (l Log) lockKey() int64 { return advisoryKey("append", l.Schema()) }

func advisoryKey(purpose, name string) int64 {
	sum := sha256.Sum256([]byte("tender/" + purpose + "/" + name))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

type migration struct {
	number int
	name   string
	sql    string
}

// migrations returns the embedded files in order, for one log.
func migrations(log Log) ([]migration, error) {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		return nil, errors.Wrap(err, "embedded schema")
	}
	fill := strings.NewReplacer(
		"{{log}}", pgx.Identifier{log.Schema()}.Sanitize(),
		"{{log:literal}}", "'"+log.Schema()+"'",
		"{{work}}", pgx.Identifier{log.WorkSchema()}.Sanitize(),
		"{{lock}}", "("+strconv.FormatInt(log.lockKey(), 10)+")::bigint",
		"{{days_ahead}}", strconv.Itoa(partitionDaysAhead),
	)
	all := make([]migration, 0, len(entries))
	for i, entry := range entries {
		digits, _, _ := strings.Cut(entry.Name(), "_")
		number, err := strconv.Atoi(digits)
		if err != nil || number != i+1 {
			return nil, errors.AssertionFailedf("schema/%s is not number %d", entry.Name(), i+1)
		}
		text, err := schemaFiles.ReadFile("schema/" + entry.Name())
		if err != nil {
			return nil, errors.Wrap(err, "embedded schema")
		}
		all = append(all, migration{number: number, name: entry.Name(), sql: fill.Replace(string(text))})
	}
	return all, nil
}

// Migrate brings a log's schemas (log_, work_ and read_ with the mode's name) to
// the version of this build, as the role tender_admin or a superuser, in one
// transaction under a lock: it may be called by any number of processes at once.
// The roles must be there, see [CreateRoles]. It only goes forward: a schema newer
// than this build is [ErrSchemaVersion].
func Migrate(ctx context.Context, adminURL string, log Log) error {
	if err := log.check(); err != nil {
		return err
	}
	all, err := migrations(log)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return errors.Wrap(err, "connect to migrate")
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return migrate(ctx, tx, log, all) })
	return errors.Wrapf(err, "migrate %s", log.Schema())
}

func migrate(ctx context.Context, tx pgx.Tx, log Log, all []migration) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, advisoryKey("migrate", log.Schema())); err != nil {
		return err
	}
	if err := makeSchemas(ctx, tx, log); err != nil {
		return err
	}
	have, err := schemaVersion(ctx, tx, log)
	if err != nil {
		return err
	}
	if have > len(all) {
		return errors.Wrapf(ErrSchemaVersion, "found %d, know up to %d", have, len(all))
	}
	for _, m := range all[have:] {
		if _, err := tx.Exec(ctx, m.sql); err != nil {
			return errors.Wrap(err, m.name)
		}
		if _, err := tx.Exec(ctx, `RESET ROLE`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO `+log.table("schema_version")+` (version, name) VALUES ($1, $2)`, m.number, m.name); err != nil {
			return err
		}
	}
	return nil
}

// makeSchemas makes what the migrations themselves stand on, each schema owned by
// the role whose tables lie in it.
func makeSchemas(ctx context.Context, tx pgx.Tx, log Log) error {
	owners := []struct{ schema, owner string }{
		{log.Schema(), roleOwner}, {log.WorkSchema(), roleApp}, {log.ReadSchema(), roleApp},
	}
	for _, s := range owners {
		var there bool
		if err := tx.QueryRow(ctx, `SELECT to_regnamespace($1) IS NOT NULL`, s.schema).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := tx.Exec(ctx, `CREATE SCHEMA `+pgx.Identifier{s.schema}.Sanitize()+` AUTHORIZATION `+s.owner); err != nil {
			return err
		}
	}
	table := log.table("schema_version")
	_, err := tx.Exec(ctx, `
		SET LOCAL ROLE `+roleOwner+`;
		CREATE TABLE IF NOT EXISTS `+table+` (
			version    integer     NOT NULL PRIMARY KEY,
			name       text        NOT NULL,
			applied_at timestamptz NOT NULL DEFAULT now()
		);
		GRANT USAGE ON SCHEMA `+pgx.Identifier{log.Schema()}.Sanitize()+` TO `+roleApp+`;
		GRANT SELECT ON `+table+` TO `+roleApp+`;
		RESET ROLE`)
	return err
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func schemaVersion(ctx context.Context, db querier, log Log) (int, error) {
	var version int
	err := db.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM `+log.table("schema_version")).Scan(&version)
	return version, err
}

// checkSchema refuses a schema of another version than this build's.
func checkSchema(ctx context.Context, db querier, log Log) error {
	all, err := migrations(log)
	if err != nil {
		return err
	}
	var there bool
	if err := db.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, log.table("schema_version")).Scan(&there); err != nil {
		return errors.Wrap(err, "look for the log's schema")
	}
	if !there {
		return errors.Wrapf(ErrSchemaVersion, "%s is not there: migrate first", log.Schema())
	}
	have, err := schemaVersion(ctx, db, log)
	if err != nil {
		return errors.Wrap(err, "read the log's schema version")
	}
	if have != len(all) {
		return errors.Wrapf(ErrSchemaVersion, "%s has %d, this build needs %d", log.Schema(), have, len(all))
	}
	return nil
}
