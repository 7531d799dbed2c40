package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/storetest"
	"tender/projections"
	"tender/vault"
)

func TestMain(m *testing.M) { os.Exit(m.Run()) }

// clinic is a PostgreSQL of a test's own with a migrated database, and nobody who
// works on it.
type clinic struct {
	t      *testing.T
	server *storetest.PrivateServer
	super  *pgx.Conn
}

func newClinic(t *testing.T) *clinic {
	t.Helper()
	c := &clinic{t: t, server: storetest.Server(t, storetest.With("vault", vault.Migrate))}
	c.super = connect(t, c.server.SuperURL)
	return c
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, conn *pgx.Conn, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := conn.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func (c *clinic) config() Config {
	return Config{DatabaseURL: c.server.AppURL, AdminURL: c.server.AdminURL, VaultURL: c.server.VaultURL, Modes: []string{"test", "live"}}
}

// find returns the finding of a level that says something.
func find(found []Finding, level Level, says string) (Finding, bool) {
	for _, f := range found {
		if f.Level == level && strings.Contains(f.What, says) {
			return f, true
		}
	}
	return Finding{}, false
}

func shown(found []Finding) string {
	var text strings.Builder
	for _, f := range found {
		if f.Level != OK {
			fmt.Fprintf(&text, "%+v\n", f)
		}
	}
	return text.String()
}

// follow does what an advice says: its first command, as the superuser.
func (c *clinic) follow(advice string) {
	c.t.Helper()
	command := regexp.MustCompile("`([^`]+)`").FindStringSubmatch(advice)
	if command == nil {
		c.t.Fatalf("there is no command in %q", advice)
	}
	psql, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	cmd := exec.Command("sh", "-c", command[1])
	cmd.Env = []string{
		"PATH=" + strings.Join(append(psql, os.Getenv("PATH")), ":"),
		"TENDER_SUPERUSER_URL=" + c.server.SuperURL, "DATABASE_ADMIN_URL=" + c.server.AdminURL, "DATABASE_URL=" + c.server.AppURL,
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Errorf("%s: %v\n%s", command[1], err, out)
	}
}

// What a superuser got wrong is found, and mended by the advice.
func TestTheServerItself(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	for _, a := range []struct {
		breaks  []string
		level   Level
		says    string
		restart bool // before it holds, and before its mending does
	}{
		{[]string{"ALTER SYSTEM SET full_page_writes = off"}, Fail, "full_page_writes is off", false},
		{[]string{"ALTER SYSTEM SET autovacuum = off"}, Warn, "autovacuum is off", false},
		{[]string{"ALTER ROLE tender_app SET synchronous_commit = off"}, Fail, "synchronous_commit is off", false},
		{[]string{"ALTER DATABASE postgres SET default_transaction_isolation = 'serializable'"}, Warn, "default_transaction_isolation is serializable", false},
		{[]string{"ALTER ROLE tender_app IN DATABASE postgres SET default_transaction_read_only = on"}, Fail, "default_transaction_read_only is on", false},
		{[]string{"ALTER SYSTEM SET wal_level = minimal", "ALTER SYSTEM SET max_wal_senders = 0"}, Warn, "wal_level is minimal", true},
		{[]string{"ALTER ROLE tender_owner LOGIN PASSWORD 'x'"}, Fail, "owner can log in", false},
		{[]string{"ALTER ROLE tender_app CREATEROLE"}, Fail, "The role tender_app is CREATEROLE", false},
		{[]string{"GRANT tender_owner TO tender_app"}, Fail, "tender_app is a member of tender_owner", false},
		{[]string{"GRANT pg_write_all_data TO tender_vault"}, Fail, "tender_vault is a member of pg_write_all_data", false},
		{[]string{"GRANT USAGE ON SCHEMA vault TO tender_app"}, Fail, "tender_app reaches the schema vault", false},
		{[]string{"ALTER TABLE log_test.events OWNER TO tender_app"}, Fail, "log_test.events belongs to tender_app", false},
		{[]string{"REVOKE pg_monitor FROM tender_admin"}, Warn, "may not see what other roles' sessions do", false},
	} {
		execute(t, c.super, append(a.breaks, "SELECT pg_reload_conf()")...)
		c.settle(a.restart)
		if at := c.eventually(a.level, a.says, true); at.Do != "" {
			c.follow(at.Do)
			c.settle(a.restart)
			c.eventually(a.level, a.says, false)
		}
	}
}

func (c *clinic) settle(restart bool) {
	c.t.Helper()
	if !restart {
		return
	}
	_ = c.super.Close(c.t.Context())
	c.server.Stop(c.t)
	c.server.Start(c.t)
	c.super = connect(c.t, c.server.SuperURL)
}

// eventually waits until something is found, or no longer: a server takes a moment to
// read its configuration.
func (c *clinic) eventually(level Level, says string, want bool) Finding {
	c.t.Helper()
	var last []Finding
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		last = Examine(c.t.Context(), c.config())
		if at, there := find(last, level, says); there == want {
			return at
		}
	}
	c.t.Errorf("%s %q: wanted %t:\n%s", level, says, want, shown(last))
	return Finding{}
}

// Where nobody has ever worked that is said, and nothing breaks.
func TestAnInstallationThatNobodyRuns(t *testing.T) {
	t.Parallel()
	db := storetest.Database(t)
	config := Config{DatabaseURL: db.AppURL, Modes: []string{"test", "live"}}
	found := Examine(t.Context(), config)
	for says, level := range map[string]Level{
		"There are no read models": Fail, "The feed was not looked at": Warn, "The vault was not looked at": Warn, "other roles' sessions": Warn,
	} {
		if _, there := find(found, level, says); !there {
			t.Errorf("%q was not said:\n%s", says, shown(found))
		}
	}

	store := storetest.Open(t, db, "test")
	runner, err := projections.NewRunner(store, nil, projections.NewCursors(store), projections.Due(), projections.Deliveries(), projections.Endpoints("test"))
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := connect(t, db.AppURL)
	execute(t, conn,
		`INSERT INTO work_test.leases VALUES ('relay', 'LOG_test', 'dead', now() - interval '1 minute', NULL), ('projection', 'due_g1', 'dead', now() - interval '1 hour', NULL)`)
	appendOne(t, store)
	execute(t, conn,
		`INSERT INTO read_test.endpoints (id, first_position, position, state, merchant_id, status, created_at) VALUES ('whe_1', 1, 1, '{}', 'mer_1', 'enabled', now())`,
		`INSERT INTO read_test.deliveries (id, first_position, position, merchant_id, endpoint_id, event_id, event_type, source, source_version, status, version, created_at, updated_at, due_position, recovery_id, state)
			SELECT 'whd_1', 1, 1, 'mer_1', 'whe_1', 'evt_1', 't', 's', 1, 'pending', 1, now(), now(), 1, '', '{}'`,
		`INSERT INTO work_test.leases VALUES ('delivery', 'whd_1', '', now() - interval '1 hour', NULL)`)
	found = Examine(t.Context(), config)
	for says, level := range map[string]Level{
		"Nobody relays the log": Fail, "Nobody keeps the read models": Fail, "1 webhook has not been tried": Fail, "The log is not sealed": Warn,
	} {
		if _, there := find(found, level, says); !there {
			t.Errorf("%q was not said:\n%s", says, shown(found))
		}
	}
	// A schema of another version leaves the rest to be looked at.
	execute(t, connect(t, db.SuperURL), `INSERT INTO log_test.schema_version (version, name) VALUES (999, 'later')`)
	found = Examine(t.Context(), config)
	if _, there := find(found, Fail, "another version than this build"); !there {
		t.Errorf("another schema was not found:\n%s", shown(found))
	}
	if _, there := find(found, OK, "There are two ways into log_test"); !there {
		t.Errorf("its functions were not looked at:\n%+v", found)
	}
}

// Transactions that are in the way are found by whoever they belong to, and ended.
func TestTransactionsInTheWay(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	other := connect(t, c.server.SuperURL)
	execute(t, other, "BEGIN", "LOCK TABLE log_test.events IN EXCLUSIVE MODE")
	store := storetest.Open(t, c.server.DB, "test")
	appended := make(chan struct{})
	go func() { defer close(appended); appendOne(t, store) }()

	e := newExam(c.config())
	e.transactionOld, e.transactionIdle, e.lockHeld = time.Hour, 0, 0
	defer e.close()
	for _, k := range []check{{areaPostgreSQL, e.reachDatabase}, {areaPostgreSQL, e.reachAsAdmin}} {
		if found := k.perform(t.Context()); shown(found) != "" {
			t.Fatal(shown(found))
		}
	}
	var held Finding
	for deadline := time.Now().Add(20 * time.Second); ; {
		found := check{areaPostgreSQL, e.transactions}.perform(t.Context())
		at, there := find(found, Fail, "keeps every append waiting")
		if held = at; there {
			if _, idle := find(found, Warn, "A transaction of postgres has done nothing"); !idle {
				t.Errorf("an idle transaction was not found:\n%s", shown(found))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("who holds the lock was not found:\n%s", shown(found))
		}
	}
	c.follow(held.Do)
	<-appended
	if found := (check{areaPostgreSQL, e.transactions}).perform(t.Context()); shown(found) != "" {
		t.Errorf("something is in the way still:\n%s", shown(found))
	}
}

// appendOne appends an event.
func appendOne(t *testing.T, store *eventstore.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := eventstore.Command{
		ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_1", Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
		Expect: []eventstore.Expectation{{Stream: "x_1"}},
		Events: []eventstore.NewEvent{{
			Stream: "x_1", Type: "x.happened", SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
			At: time.Now().Truncate(time.Millisecond), Payload: []byte(`{}`),
		}},
	}
	if _, err := store.Append(ctx, c); err != nil {
		t.Error(err)
	}
}
