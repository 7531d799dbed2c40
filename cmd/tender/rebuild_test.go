package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/devenv"
)

// listPaths are all lists of a merchant's.
var listPaths = []string{
	"/collect/payment_sessions", "/collect/payments", "/collect/customers", "/collect/mandates", "/collect/subscriptions",
	"/webhooks/endpoints", "/webhooks/deliveries", "/webhooks/events",
}

// TestRebuildEverything rebuilds all read models of a log with nearly every event in
// it, while payments are made and everything is read. A row that was spoiled is right
// afterwards, what was kept and what was rebuilt are the same bytes, and nobody outside
// has heard of it.
func TestRebuildEverything(t *testing.T) {
	t.Parallel()
	newInstallation(t).rebuiltUnderLoad(1)
}

// rebuiltUnderLoad rebuilds everything so many times.
func (i *installation) rebuiltUnderLoad(rounds int) {
	t := i.t
	i.start()
	own := i.verified()
	out, _ := i.run("trigger")
	_, list, _ := strings.Cut(out, "out of:")
	types := strings.Fields(list)
	if out, err := i.run(append([]string{"trigger"}, types...)...); err != nil {
		t.Fatalf("%v, and it says:\n%s", err, out)
	}
	i.eventually(time.Minute, "all of it is told", func() bool {
		return own.has(types) && i.sql("SELECT count(*)::text FROM read_test.deliveries WHERE status = 'pending'") == "0"
	})
	i.sql(`WITH spoiled AS (UPDATE read_test.payments SET status = 'spoiled', state = '{}' WHERE id = (SELECT min(id) FROM read_test.payments) RETURNING 1) SELECT count(*)::text FROM spoiled`)
	before := i.outside()
	first := i.generations()
	i.mustRun("rebuild", "--all")
	if after := i.outside(); after != before {
		t.Errorf("outside there was %s, and is %s after a rebuild", before, after)
	}
	for name, g := range i.generations() {
		if g != first[name]+1 {
			t.Errorf("%s: generation %d is served after %d", name, g, first[name])
		}
	}
	if n := i.sql(`SELECT count(*)::text FROM read_test.payments WHERE status = 'spoiled'`); n != "0" {
		t.Errorf("%s rows are still spoiled", n)
	}

	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for client := range 2 {
		all.Go(func() { i.writeAndList(ctx, client) })
	}
	for _, path := range listPaths {
		all.Go(func() { i.readAll(ctx, path) })
	}
	for range rounds {
		i.mustRun("rebuild", "--all")
	}
	i.mustRun("rebuild", "--rollback", "payments")
	i.mustRun("rebuild", "--rollback", "deliveries")
	stop()
	all.Wait()
	i.sameBytes()
}

// writeAndList makes sessions, and finds each at once in a list that is to be as new.
func (i *installation) writeAndList(ctx context.Context, client int) {
	for n := 0; ctx.Err() == nil; n++ {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, i.env[devenv.URL]+"/collect/payment_sessions", strings.NewReader(`{"amount":100,"currency":"ZAR"}`))
		if err != nil {
			i.t.Error(err)
			return
		}
		reference := fmt.Sprintf("c%dn%d", client, n)
		r.Header.Set("Authorization", "Bearer "+i.env[devenv.SecretKey])
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", reference)
		made, err := http.DefaultClient.Do(r)
		if err != nil {
			if ctx.Err() == nil {
				i.t.Error(err)
			}
			return
		}
		_ = made.Body.Close()
		position := made.Header.Get("Event-Position")
		status, page, err := i.call(ctx, http.MethodGet, "/collect/payment_sessions?limit=1&min_position="+url.QueryEscape(position), "", "")
		switch data, _ := page["data"].([]any); {
		case ctx.Err() != nil:
			return
		case err != nil || made.StatusCode != http.StatusCreated || status != http.StatusOK:
			i.t.Errorf("made with %d, listed with %d: %v %v", made.StatusCode, status, page, err)
		case len(data) != 1:
			i.t.Errorf("the list is %v", page)
		}
	}
}

// readAll reads a list from end to end, and one object of it, again and again: no page
// fails, and what was there once is there for ever.
func (i *installation) readAll(ctx context.Context, path string) {
	seen := map[string]bool{}
	for ctx.Err() == nil {
		found := map[string]bool{}
		for cursor := ""; ; {
			status, page, err := i.call(ctx, http.MethodGet, path+"?limit=100"+cursor, "", "")
			if ctx.Err() != nil {
				return
			}
			if err != nil || status != http.StatusOK {
				i.t.Errorf("%s: %d %v %v", path, status, page, err)
				return
			}
			data, _ := page["data"].([]any)
			for _, o := range data {
				found[object(o.(map[string]any)).text("id")] = true
			}
			next := page.text("next_cursor")
			if next == "" {
				break
			}
			cursor = "&cursor=" + url.QueryEscape(next)
		}
		for one := range seen {
			if !found[one] {
				i.t.Errorf("%s has lost %s", path, one)
			}
		}
		seen = found
		for one := range seen {
			if status, o, err := i.call(ctx, http.MethodGet, path+"/"+one, "", ""); ctx.Err() == nil && (err != nil || status != http.StatusOK) {
				i.t.Errorf("%s/%s: %d %v %v", path, one, status, o, err)
			}
			break
		}
	}
}

// sameBytes compares the generation that is served of each read model with the one
// beside it, once nothing happens any more.
func (i *installation) sameBytes() {
	i.t.Helper()
	i.eventually(time.Minute, "all generations are at the log's end", func() bool {
		return i.sql(`SELECT (count(*) = 0)::text FROM read_test.projections WHERE position < (SELECT max(position) FROM log_test.events)`) == "true"
	})
	tables := strings.Fields(i.sql(`SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'read_test' AND tablename ~ '_g[0-9]+$'`))
	dumps := map[string][]string{}
	for _, table := range tables {
		name := table[:strings.LastIndex(table, "_g")]
		dumps[name] = append(dumps[name], i.sql(`SELECT coalesce(md5(string_agg(t::text, E'\n' ORDER BY id)), '') || ' of ' || count(*) FROM read_test.`+table+` t`))
	}
	if len(dumps) < 10 {
		i.t.Fatalf("there are tables of %d read models only: %v", len(dumps), tables)
	}
	for name, d := range dumps {
		if len(d) != 2 || d[0] != d[1] {
			i.t.Errorf("the generations of %s are %v", name, d)
		}
	}
}

// TestRebuildIsKilledAndInterrupted kills the command that rebuilds at one moment after
// another, and interrupts it: the same command always comes to an end afterwards.
func TestRebuildIsKilledAndInterrupted(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	for n := range 3 {
		i.pay(i.session(fmt.Sprint("s", n), 1000), "4242424242424242")
	}
	for n, after := range []time.Duration{0, 60, 120, 200, 300, 500} {
		cmd := exec.Command(i.binary, "rebuild", "payments")
		cmd.Env = i.environment()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.NewTimer(after * time.Millisecond)
		<-timer.C
		if n%2 == 0 {
			_ = cmd.Process.Kill()
		} else {
			_ = cmd.Process.Signal(os.Interrupt)
		}
		_ = cmd.Wait()
	}
	before := i.generations()["payments"]
	i.mustRun("rebuild", "payments")
	if after := i.generations()["payments"]; after <= before {
		t.Errorf("generation %d is served after %d", after, before)
	}
	i.eventually(time.Minute, "nothing is left behind", func() bool {
		return i.sql(`SELECT count(*)::text FROM read_test.projections WHERE name = 'payments'`) == "2"
	})
}

// generations are those that are served, by read model.
func (i *installation) generations() map[string]int {
	i.t.Helper()
	all := map[string]int{}
	for _, pair := range strings.Fields(i.sql(`SELECT string_agg(name || '=' || generation, ' ') FROM read_test.projections WHERE serving`)) {
		name, number, _ := strings.Cut(pair, "=")
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil {
			i.t.Fatal(err)
		}
		all[name] = n
	}
	return all
}

// outside counts what the outside world has heard: rows of the acquirer's, tries of
// webhooks, and events, without which nothing is decided.
func (i *installation) outside() string {
	i.t.Helper()
	rows := i.sql(`SELECT sum((xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I.%I', schemaname, tablename), false, true, '')))[1]::text::int)::text
		FROM pg_tables WHERE schemaname = 'simulator'`)
	return fmt.Sprintf("%s rows at the acquirer, %s tries of webhooks, %s events", rows,
		i.sql(`SELECT count(*)::text FROM work_test.delivery_attempts`), i.sql(`SELECT count(*)::text FROM log_test.events`))
}

// sql returns the one text that a query gives, asked as the admin who acts as the
// application.
func (i *installation) sql(query string) string {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.env[devenv.DatabaseAdminURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(i.t.Context())) }()
	var text *string
	if err := conn.QueryRow(i.t.Context(), query).Scan(&text); err != nil {
		i.t.Fatalf("%s: %v", query, err)
	}
	if text == nil {
		return ""
	}
	return *text
}
