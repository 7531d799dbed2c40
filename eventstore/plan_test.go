package eventstore_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tender/eventstore"
)

// planned is how many events the log holds whose statistics say that it holds none.
const planned = 6000

// scan matches how a plan reads a table of the log, and filtered an index that is
// read from end to end all the same.
var (
	scan     = regexp.MustCompile(`-?>? *([A-Z]\w+(?: [A-Z]\w+)*) (?:using \w+ )?on (?:log_test\.)?(?:events|claims|idempotency_)`)
	filtered = regexp.MustCompile(`Scan [^\n]*on (?:events|claims|idempotency_)[^\n]*\n(?: +Index Cond:[^\n]*\n)? +Filter:`)
)

// TestPlansWithStaleStatistics looks at the plans of every statement of append and
// of every read, when PostgreSQL believes the tables to be empty: each row is found
// by an index, whatever the statistics say.
func TestPlansWithStaleStatistics(t *testing.T) {
	b := setup(t)
	var plans []string
	appends, err := eventstore.AppendConfig(b.SuperURL, testLog)
	if err != nil {
		t.Fatal(err)
	}
	reads, err := pgx.ParseConfig(b.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	reads.RuntimeParams = eventstore.ReadConfig(b.store).RuntimeParams
	for _, config := range []*pgx.ConnConfig{appends, reads} {
		explain(config, &plans)
	}

	// All plans are made, and kept, while the tables are empty and known to be so.
	asSuper(t, b, `ANALYZE log_test.events, log_test.claims, log_test.idempotency_command, log_test.idempotency_answer`)
	together := eventstore.NewTogetherVia(appends, testLog)
	defer together.Close()
	for range 10 {
		if o := together.Append([]eventstore.Command{write("none", 0, 0)}); o[0].Err != nil {
			t.Fatal(o[0].Err)
		}
	}
	conn, err := pgx.ConnectConfig(b.ctx, reads)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(b.ctx) }()
	readAll(t, b, conn, 10, func(string) {})

	fill(t, b)
	plans = nil
	for _, o := range together.Append(batchOfAll(t, b)) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	judgePlans(t, "append", plans, 10)
	for _, mode := range []string{"auto", "force_generic_plan", "force_custom_plan"} {
		if _, err := conn.Exec(b.ctx, `SET plan_cache_mode = `+mode); err != nil {
			t.Fatal(err)
		}
		plans = nil
		readAll(t, b, conn, 1, func(query string) {
			judgePlans(t, mode+query, plans, 1)
			plans = nil
		})
	}
}

// explain lets PostgreSQL send the plan of every statement, those inside functions
// among them, as a notice.
func explain(config *pgx.ConnConfig, plans *[]string) {
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { *plans = append(*plans, n.Message) }
	for name, value := range map[string]string{
		"session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_nested_statements": "on",
		"auto_explain.log_level": "notice", "client_min_messages": "notice",
	} {
		config.RuntimeParams[name] = value
	}
}

// readAll sends each read a number of times, after which its plan is kept.
func readAll(t *testing.T, b *testBundle, conn *pgx.Conn, times int, done func(query string)) {
	t.Helper()
	for query, arguments := range eventstore.Queries(testLog) {
		for range times {
			rows, err := conn.Query(b.ctx, query, arguments...)
			if err != nil {
				t.Fatal(err)
			}
			rows.Close()
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
		done(query)
	}
}

// judgePlans fails the test unless every table of the log is read by an index, at
// least min times.
func judgePlans(t *testing.T, what string, plans []string, min int) {
	t.Helper()
	all := strings.Join(plans, "\n")
	scans := 0
	for _, m := range scan.FindAllStringSubmatch(all, -1) {
		switch m[1] {
		case "Index Scan", "Index Only Scan", "Index Scan Backward", "Index Only Scan Backward", "Bitmap Heap Scan", "Bitmap Index Scan":
			scans++
		case "Insert":
		default:
			t.Errorf("%s: %s\n%s", what, m[0], all)
			return
		}
	}
	if filtered.MatchString(all) {
		t.Errorf("%s: an index is read without a condition\n%s", what, all)
	}
	if scans < min {
		t.Errorf("%s: %d index scans\n%s", what, scans, all)
	}
}

func asSuper(t *testing.T, b *testBundle, statement string) {
	t.Helper()
	conn, err := pgx.Connect(b.ctx, b.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(b.ctx) }()
	if _, err := conn.Exec(b.ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// fill writes many events while nobody looks at the statistics.
func fill(t *testing.T, b *testBundle) {
	t.Helper()
	for _, table := range append(tablesOf(t, b), "events", "claims") {
		asSuper(t, b, `ALTER TABLE log_test.`+table+` SET (autovacuum_enabled = off)`)
	}
	together := eventstore.NewTogether(b.store)
	defer together.Close()
	for n := 0; n < planned; {
		var commands []eventstore.Command
		for range 500 {
			c := key(write(fmt.Sprint("ps_", n), 0, 1), fmt.Sprint(n))
			c.Claims, c.Answer = claimOf(c.Events[0].Stream), answerTo(c)
			commands = append(commands, c)
			n++
		}
		for _, o := range together.Append(commands) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
		}
	}
}

// batchOfAll returns commands that make append go through every statement that it
// has and whose rows are all there: a duplicate, a key, claims, answers.
func batchOfAll(t *testing.T, b *testBundle) []eventstore.Command {
	t.Helper()
	all := events(t, b.store)
	duplicate := write("ps_1", 0, 1)
	duplicate.ID = all[len(all)/2].CommandID
	taker := key(write("ps_new", 0, 1), "new")
	taker.Claims, taker.Answer = claimOf("ps_new"), answerTo(taker)
	answers := write("ps_2", 1, 1)
	answers.Answer = &eventstore.Answer{CommandID: all[3].CommandID, Status: 200, Stream: "ps_3", Version: 1}
	return []eventstore.Command{duplicate, taker, answers}
}
