package doctor

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	roleApp   = "tender_app"
	roleOwner = "tender_owner"
	// versionMin is the oldest PostgreSQL that the engine is made for.
	versionMin = 150000
)

// open connects with time limits on both sides.
func open(ctx context.Context, databaseURL string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, errors.New("the URL can't be read")
	}
	config.MaxConns = checksAtOnce
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.ConnConfig.RuntimeParams["application_name"] = "tender doctor"
	config.ConnConfig.RuntimeParams["statement_timeout"] = statementBounds
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// reachDatabase connects as the application does.
func (e *exam) reachDatabase(ctx context.Context, c *chart) error {
	pool, err := open(ctx, e.DatabaseURL)
	if err != nil {
		c.fail("PostgreSQL can't be reached as the application does.", err.Error(),
			"Find out whether it runs with `pg_isready -d \"$DATABASE_URL\"` and what its log says; then whether host, database and password in DATABASE_URL are right.")
		return nil
	}
	e.app = pool
	var version int
	var name, role string
	var super, standby bool
	begun := time.Now()
	err = pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'), current_user::text,
		(SELECT rolsuper FROM pg_roles WHERE rolname = current_user), pg_is_in_recovery()`).Scan(&version, &name, &role, &super, &standby)
	if err != nil {
		return err
	}
	took := time.Since(begun).Round(10 * time.Microsecond)
	switch {
	case super:
		c.fail("DATABASE_URL names a superuser: nothing keeps the application from changing the log.", "current_user is "+role,
			"Put the role tender_app into DATABASE_URL; `tender migrate --create-roles` gives it the password that stands there.")
	case role != roleApp:
		c.fail("DATABASE_URL names another role than tender_app.", "current_user is "+role,
			"Put the role tender_app into DATABASE_URL; `tender migrate --create-roles` gives it the password that stands there.")
	}
	if standby {
		c.fail("DATABASE_URL leads to a standby, which takes no writes.", "pg_is_in_recovery()",
			"Point DATABASE_URL at the primary, or promote this one with `SELECT pg_promote()` once the old primary is stopped for good.")
	}
	if version < versionMin {
		c.fail("PostgreSQL is older than 15.", "server_version is "+name, "Upgrade it, for instance with `pg_upgrade`.")
	}
	if !c.bad() {
		c.ok(fmt.Sprintf("PostgreSQL %s answers as %s.", name, role), fmt.Sprintf("a query took %s", took))
	}
	return nil
}

// reachAsAdmin connects as the role that sees more of the server.
func (e *exam) reachAsAdmin(ctx context.Context, c *chart) error {
	if e.AdminURL == "" {
		c.warn("What other roles' sessions do, and where the data lies, was not looked at.", "DATABASE_ADMIN_URL is not set",
			"Set DATABASE_ADMIN_URL, the role tender_admin, and run `tender doctor` again.")
		return nil
	}
	pool, err := open(ctx, e.AdminURL)
	if err != nil {
		c.fail("PostgreSQL can't be reached as the admin.", err.Error(),
			"Put the right password into DATABASE_ADMIN_URL; `tender migrate --create-roles` gives the role the one that stands there.")
		return nil
	}
	var sees bool
	if err := pool.QueryRow(ctx, `SELECT pg_has_role('pg_monitor', 'USAGE')`).Scan(&sees); err != nil {
		pool.Close()
		return err
	}
	if !sees {
		pool.Close()
		c.warn("The admin may not see what other roles' sessions do, nor where the data lies.", "the role is no member of pg_monitor",
			"Let it: `psql \"$TENDER_SUPERUSER_URL\" -c \"GRANT pg_monitor TO tender_admin\"`.")
		return nil
	}
	e.admin = pool
	c.ok("PostgreSQL answers as the admin.", "DATABASE_ADMIN_URL")
	return nil
}

// rule is what a setting has to be, as the application sees it.
type rule struct {
	name  string
	good  []string
	level Level
	harm  string // what happens otherwise
}

var rules = []rule{
	{"fsync", []string{"on"}, Fail, "a crash of the machine can destroy the database"},
	{"full_page_writes", []string{"on"}, Fail, "a crash of the machine can leave torn pages that nothing mends"},
	{"synchronous_commit", []string{"on", "remote_apply", "remote_write"}, Fail, "secrets that the log names can be lost in a crash"},
	{"zero_damaged_pages", []string{"off"}, Fail, "damaged pages vanish instead of being told of"},
	{"ignore_checksum_failure", []string{"off"}, Fail, "damaged pages are read as if they were whole"},
	{"default_transaction_read_only", []string{"off"}, Fail, "nothing can be written"},
	{"server_encoding", []string{"UTF8"}, Fail, "append refuses to work"},
	{"default_transaction_isolation", []string{"read committed"}, Warn, "read models and leases fail and try again"},
	{"data_checksums", []string{"on"}, Warn, "a disk that returns other bytes than were written goes unnoticed"},
	{"autovacuum", []string{"on"}, Warn, "read models and leases swell, and transaction ids run out some day"},
	{"track_counts", []string{"on"}, Warn, "autovacuum does nothing"},
	{"wal_level", []string{"replica", "logical"}, Warn, "neither a standby nor a backup to a point in time is possible"},
}

// settings compares what decides whether data is lost.
func (e *exam) settings(ctx context.Context, c *chart) error {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.name
	}
	rows, err := e.app.Query(ctx, `SELECT name, setting, source, context, quote_ident(current_database()) FROM pg_settings WHERE name = ANY ($1)`, names)
	if err != nil {
		return err
	}
	have := map[string]value{}
	var name string
	var v value
	if _, err := pgx.ForEachRow(rows, []any{&name, &v.setting, &v.source, &v.context, &v.database}, func() error { have[name] = v; return nil }); err != nil {
		return err
	}
	for _, r := range rules {
		v, there := have[r.name]
		if !there || slices.Contains(r.good, v.setting) {
			continue
		}
		c.add(r.level, fmt.Sprintf("PostgreSQL's %s is %s: %s.", r.name, v.setting, r.harm),
			fmt.Sprintf("pg_settings, set by: %s", v.source), v.mend(r.name, r.good[0]))
	}
	if !c.bad() {
		c.ok("PostgreSQL's settings keep what is written.", strings.Join(names, ", "))
	}
	return nil
}

// value is what a setting is, and where that was said.
type value struct{ setting, source, context, database string }

// mend says how a setting is changed, which depends on where it was set.
func (v value) mend(name, to string) string {
	super := func(sql string) string {
		return fmt.Sprintf("`psql \"$TENDER_SUPERUSER_URL\" -c \"%s\"`", sql)
	}
	const restart = "; processes that run keep it until they are restarted."
	switch {
	case name == "data_checksums":
		return "Stop PostgreSQL, run `pg_checksums --enable -D <data directory>`, and start it again."
	case name == "server_encoding":
		return "Make a database with the encoding UTF8, `createdb --encoding=UTF8 --locale=C --template=template0 tender`, and restore into it."
	case v.source == "user":
		return "Take it back from the role: " + super("ALTER ROLE tender_app RESET "+name) + restart
	case v.source == "database":
		return "Take it back from the database: " + super("ALTER DATABASE "+v.database+" RESET "+name) + restart
	case v.source == "database user":
		return "Take it back from the role: " + super("ALTER ROLE tender_app IN DATABASE "+v.database+" RESET "+name) + restart
	case v.source == "client":
		return "Take it out of DATABASE_URL."
	case v.source == "command line":
		return "Take it out of the command line that starts PostgreSQL."
	case v.context == "postmaster":
		return "Set it, then restart PostgreSQL: " + super("ALTER SYSTEM SET "+name+" = '"+to+"'") + "."
	}
	return fmt.Sprintf("Set it: `psql \"$TENDER_SUPERUSER_URL\" -c \"ALTER SYSTEM SET %s = '%s'\" -c \"SELECT pg_reload_conf()\"`.", name, to)
}

// local reports whether a server's address is this machine's.
func local(databaseURL string) bool {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return false
	}
	host := config.Host
	if u, err := url.Parse("//" + host); err == nil && u.Hostname() != "" {
		host = u.Hostname()
	}
	return strings.HasPrefix(host, "/") || host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1"
}
