package storetest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore/storetest"
)

// childEnv makes the test program print the server's address, as seen by a
// process of its own.
const childEnv = "TENDER_TEST_STORETEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		t := &outsideTest{}
		db := storetest.Database(t)
		fmt.Println(db.SuperURL)
		t.end()
		return
	}
	os.Exit(m.Run())
}

// outsideTest lets a process that is no test use the harness.
type outsideTest struct {
	testing.TB
	cleanups []func()
}

func (*outsideTest) Helper()                   {}
func (*outsideTest) Context() context.Context  { return context.Background() }
func (t *outsideTest) Cleanup(f func())        { t.cleanups = append(t.cleanups, f) }
func (*outsideTest) Errorf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (*outsideTest) Fatalf(s string, a ...any) { panic(fmt.Sprintf(s, a...)) }
func (t *outsideTest) end() {
	for _, f := range t.cleanups {
		f()
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	must(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func ask[T any](t *testing.T, url, sql string) T {
	t.Helper()
	var answer T
	must(t, connect(t, url).QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	a, b := storetest.Database(t), storetest.Database(t)
	_, err := connect(t, a.SuperURL).Exec(t.Context(), `CREATE TABLE mine ()`)
	must(t, err)
	if ask[bool](t, b.SuperURL, `SELECT to_regclass('mine') IS NOT NULL`) {
		t.Error("one test sees the other's table")
	}
	for role, url := range map[string]string{
		"tender_app": a.AppURL, "tender_admin": a.AdminURL, "postgres": a.SuperURL,
		"tender_vault": a.VaultURL, "tender_simulator": a.SimulatorURL,
	} {
		if got := ask[string](t, url, `SELECT current_user || '@' || current_database()`); got != role+"@"+a.Name {
			t.Errorf("%s is %s", role, got)
		}
	}
}

func TestBothLogsOpen(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	for _, mode := range storetest.Modes {
		position, _, err := storetest.Open(t, db, mode).Head(t.Context())
		must(t, err)
		if position != 0 {
			t.Errorf("log %s begins at %d", mode, position)
		}
	}
}

func TestAClonesGrantsAreTheTemplates(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	if !ask[bool](t, db.AdminURL, `SELECT has_database_privilege(current_database(), 'CREATE')`) {
		t.Error("the admin may not create schemas")
	}
	if ask[bool](t, db.AppURL, `SELECT has_database_privilege(current_database(), 'CREATE')`) {
		t.Error("the app may create schemas")
	}
}

func TestOtherSchemasAreMigratedOnce(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	other := storetest.With("other", func(ctx context.Context, url string) error {
		runs.Add(1)
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(ctx) }()
		_, err = conn.Exec(ctx, `CREATE TABLE other ()`)
		return err
	})
	for range 3 {
		db := storetest.Database(t, other, other)
		if !ask[bool](t, db.SuperURL, `SELECT to_regclass('other') IS NOT NULL`) {
			t.Error("the other schema is missing")
		}
	}
	if runs.Load() > 1 { // 0: an earlier run of this program left the template
		t.Errorf("migrated %d times", runs.Load())
	}
	if ask[bool](t, storetest.Database(t).SuperURL, `SELECT to_regclass('other') IS NOT NULL`) {
		t.Error("a test that didn't ask has the other schema")
	}
}

func TestTheDatabaseGoesWithItsTest(t *testing.T) {
	t.Parallel()
	var gone storetest.DB
	t.Run("a test", func(t *testing.T) {
		gone = storetest.Database(t)
		connect(t, gone.SuperURL) // still open when the database is dropped
	})
	there := ask[bool](t, storetest.Database(t).SuperURL,
		`SELECT EXISTS (SELECT FROM pg_database WHERE datname = '`+gone.Name+`')`)
	if there {
		t.Error("the database is still there")
	}
}

// Test programs that are told of no server find each other's.
func TestProcessesShareOneServer(t *testing.T) {
	t.Parallel()
	address := func() string {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childEnv+"=1", storetest.ServerEnv+"=")
		child.Stderr = os.Stderr
		out, err := child.Output()
		must(t, err)
		server, _, _ := strings.Cut(strings.TrimSpace(string(out)), "/t_")
		return server
	}
	first, second := address(), address()
	if first != second || !strings.HasPrefix(first, "postgres://") {
		t.Errorf("two servers: %d and %d bytes of address", len(first), len(second))
	}
}

func TestAServerOfItsOwnSurvivesKill(t *testing.T) {
	t.Parallel()
	server := storetest.Server(t)
	if got := ask[string](t, server.SuperURL, `SHOW fsync`); got != "on" {
		t.Errorf("fsync is %s", got)
	}
	_, err := connect(t, server.SuperURL).Exec(t.Context(), `CREATE TABLE kept ()`)
	must(t, err)
	server.Kill(t)
	if _, err := pgx.Connect(t.Context(), server.AppURL); err == nil {
		t.Error("a killed server answers")
	}
	server.Start(t)
	if !ask[bool](t, server.SuperURL, `SELECT to_regclass('kept') IS NOT NULL`) {
		t.Error("what was committed is gone")
	}
	storetest.Open(t, server.DB, "test")
}
