package eventstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/errors"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The SQLSTATEs of a change that is refused by privilege and by trigger.
const (
	insufficientPrivilege = "42501"
	restrictViolation     = "23001"
)

func TestTheLogCannotBeChanged(t *testing.T) {
	b := setup(t)
	c := key(write("ps_1", 0, 1), "k")
	c.Claims = claimOf("ps_1")
	c.Answer = answerTo(c)
	b.mustAppend(t, c)
	tables := append(tablesOf(t, b), "events", "claims", "idempotency_command", "idempotency_answer")
	if len(tables) < 6 {
		t.Fatalf("tables %v", tables)
	}
	owner := "SET ROLE tender_owner"
	replica := "SET session_replication_role = replica"
	for _, who := range []struct{ name, url, prepare, state string }{
		{"app", b.AppURL, "", insufficientPrivilege},
		{"admin", b.AdminURL, "", restrictViolation},
		{"owner", b.AdminURL, owner, restrictViolation},
		{"superuser", b.SuperURL, "", restrictViolation},
		{"superuser as a replica", b.SuperURL, replica, restrictViolation},
	} {
		conn, err := pgx.Connect(b.ctx, who.url)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(b.ctx, who.prepare); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			for _, change := range []string{"UPDATE %s SET stream = 'x'", "DELETE FROM %s", "DELETE FROM %s WHERE false", "TRUNCATE %s", "TRUNCATE %s CASCADE"} {
				statement := fmt.Sprintf(change, "log_test."+table)
				if got := sqlstate(conn, statement); got != who.state {
					t.Errorf("%s: %s: SQLSTATE %q, want %s", who.name, statement, got, who.state)
				}
			}
		}
		_ = conn.Close(b.ctx)
	}
	events(t, b.store)
}

func tablesOf(t *testing.T, b *testBundle) []string {
	t.Helper()
	rows, err := b.store.Pool().Query(b.ctx, `SELECT relname FROM pg_class WHERE relnamespace = 'log_test'::regnamespace
		AND relkind = 'r' AND relispartition`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// sqlstate returns the SQLSTATE that a statement fails with, "" if it doesn't.
func sqlstate(conn *pgx.Conn, statement string) string {
	_, err := conn.Exec(context.Background(), statement)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// TestWhatTheApplicationMayDo goes through what else could change the log or get
// around append.
func TestWhatTheApplicationMayDo(t *testing.T) {
	b := setup(t)
	conn, err := pgx.Connect(b.ctx, b.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	for _, statement := range []string{
		"INSERT INTO log_test.claims VALUES ('k', 'v', 's')",
		"INSERT INTO log_test.events SELECT * FROM log_test.events",
		"INSERT INTO log_test.schema_version VALUES (99, 'x')",
		"DROP TABLE log_test.schema_version",
		"SELECT log_test.make_partition('2020-01-01')",
		"CREATE TABLE log_test.mine ()",
		"CREATE FUNCTION log_test.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT NULL::bytea'",
		"CREATE TABLE public.mine ()",
		"SET ROLE tender_owner",
	} {
		if got := sqlstate(conn, statement); got != insufficientPrivilege {
			t.Errorf("%s: SQLSTATE %q", statement, got)
		}
	}
	for _, statement := range []string{
		"ALTER TABLE log_test.events DISABLE TRIGGER immutable",
		"DROP FUNCTION log_test.refuse_change() CASCADE",
		"DROP TABLE log_test.events",
	} {
		if got := sqlstate(conn, statement); got != insufficientPrivilege {
			t.Errorf("%s: SQLSTATE %q", statement, got)
		}
	}
	// Its own schemas are its own, and names in them don't reach the function.
	for _, statement := range []string{
		"CREATE TABLE read_test.t (id int)", "CREATE TABLE work_test.t (id int)",
		"CREATE FUNCTION read_test.sha256(bytea) RETURNS bytea LANGUAGE sql AS 'SELECT ''''::bytea'",
		"SET search_path = read_test, pg_catalog",
	} {
		if got := sqlstate(conn, statement); got != "" {
			t.Errorf("%s: SQLSTATE %q", statement, got)
		}
	}
	if got := sqlstate(conn, "BEGIN ISOLATION LEVEL SERIALIZABLE; "+emptyAppend()); got != "25000" {
		t.Errorf("append under SERIALIZABLE: SQLSTATE %q", got)
	}
	b.mustAppend(t, write("ps_1", 0, 1))
	events(t, b.store)
}

// emptyAppend calls append with no commands.
func emptyAppend() string {
	return "SELECT log_test.append(" + strings.Join(strings.Split(strings.Repeat("'{}',", 32), ",")[:32], ", ") + ")"
}
