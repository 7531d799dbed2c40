package streams_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/verify"
	"tender/cmd/tender/internal/verify/streams"
	"tender/domain"
	"tender/eventstore"
	"tender/eventstore/storetest"
	"tender/handlers/engine"
	"tender/projections"
)

// testBundle is a log of a test's own with every type of event in it, and read models
// that were made of it.
type testBundle struct {
	t      *testing.T
	ctx    context.Context
	store  *eventstore.Store
	runner *projections.Runner
	super  *pgx.Conn
}

func readModels() []projections.Projection {
	const mode = "test"
	return []projections.Projection{
		projections.Sessions(mode), projections.Payments(mode), projections.Endpoints(mode), projections.Customers(mode), projections.Methods(mode),
		projections.Mandates(mode), projections.Subscriptions(mode), projections.Clocks(mode), projections.Recoveries(mode), projections.Due(),
		projections.Journal(), projections.Deliveries(),
	}
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	db := storetest.Database(t)
	b := &testBundle{t: t, ctx: t.Context(), store: storetest.Open(t, db, "test")}
	var err error
	if b.super, err = pgx.Connect(b.ctx, db.SuperURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.super.Close(context.Background()) })
	b.fill()
	if b.runner, err = projections.NewRunner(b.store, nil, projections.NewCursors(b.store), readModels()...); err != nil {
		t.Fatal(err)
	}
	if err := b.runner.Prepare(b.ctx); err != nil {
		t.Fatal(err)
	}
	for _, p := range readModels() {
		name := p.Definition().Name
		number, err := b.runner.Rebuild(b.ctx, name)
		if err == nil {
			err = b.runner.Make(b.ctx, name, number, func(projections.Status) {})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// fill appends the golden log, its streams side by side.
func (b *testBundle) fill() {
	b.t.Helper()
	f, err := os.Open("../../../../../handlers/replay/testdata/golden-log.jsonl")
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	type line struct {
		Stream        string          `json:"stream"`
		Version       int             `json:"version"`
		Type          string          `json:"type"`
		SchemaVersion int             `json:"schema_version"`
		MerchantID    string          `json:"merchant_id"`
		At            time.Time       `json:"at"`
		EffectiveAt   time.Time       `json:"effective_at"`
		ActorKind     string          `json:"actor_kind"`
		ActorID       string          `json:"actor_id"`
		Payload       json.RawMessage `json:"payload"`
	}
	var all []line
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			b.t.Fatal(err)
		}
		if !strings.HasPrefix(l.Stream, "prj_") { // it names positions of the log that it comes from
			all = append(all, l)
		}
	}
	for version, found := 1, true; found; version++ {
		found = false
		for _, l := range all {
			if l.Version != version {
				continue
			}
			found = true
			if _, err := b.store.Append(b.ctx, eventstore.Command{
				ID: uuid.Must(uuid.NewV7()), MerchantID: l.MerchantID, Actor: domain.Actor{Kind: domain.ActorKind(l.ActorKind), ID: l.ActorID},
				Expect: []eventstore.Expectation{{Stream: l.Stream, Version: version - 1}},
				Events: []eventstore.NewEvent{{
					Stream: l.Stream, Type: l.Type, SchemaVersion: l.SchemaVersion, ID: uuid.Must(uuid.NewV7()), At: l.At, EffectiveAt: l.EffectiveAt, Payload: l.Payload,
				}},
			}); err != nil {
				b.t.Fatalf("%s %d: %v", l.Stream, version, err)
			}
		}
	}
}

// audit goes through the log, and returns what is found.
func (b *testBundle) audit() (found []verify.Finding, sum streams.Summary, compared []projections.Compared) {
	b.t.Helper()
	var all verify.Findings
	rows, err := b.runner.Compare(b.ctx, func(d projections.Difference) {
		all.Add(verify.Finding{Position: d.Position, Check: verify.CheckReadModel, Name: d.Projection, Subject: d.Table + " " + d.Key, Detail: string(d.What) + " " + d.Detail})
	})
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close(b.ctx)
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	sum, err = streams.Audit{Log: b.store, Steps: engine.New(b.store, time.Now).Steps(), Rows: rows, UpTo: head, Found: all.Add}.Run(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	found, _ = all.All()
	return found, sum, rows.Compared()
}

func (b *testBundle) exec(sql string) {
	b.t.Helper()
	if _, err := b.super.Exec(b.ctx, sql); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// ask returns the one value that a query gives, as a text.
func (b *testBundle) ask(sql string) (value string) {
	b.t.Helper()
	if err := b.super.QueryRow(b.ctx, sql).Scan(&value); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func TestACleanLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	found, sum, compared := b.audit()
	head, _, err := b.store.Head(b.ctx)
	if err != nil || len(found) != 0 || sum.Events != head || sum.Streams == 0 {
		t.Errorf("%+v of %d events: %v, %v", sum, head, found, err)
	}
	for i, p := range readModels() {
		var counts []string
		for _, table := range p.Definition().Tables {
			counts = append(counts, "(SELECT count(*) FROM read_test."+table.Name+")")
		}
		rows := b.ask("SELECT (" + strings.Join(counts, " + ") + ")::text")
		if c := compared[i]; c.Left == "" && (fmt.Sprint(c.Rows) != rows || c.Position != head) {
			t.Errorf("%+v, and there are %s rows, and %d events", c, rows, head)
		}
	}
}

// Whatever is done to a row that is shown is found, and named with the position of the
// event that the row should reflect.
func TestASpoiltRowIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, table := range []string{"sessions", "payments", "endpoints", "customers", "payment_methods", "mandates", "subscriptions", "recoveries", "due", "journal", "deliveries", "delivery_endpoints", "public_events"} {
		name := table
		if table == "delivery_endpoints" || table == "public_events" {
			name = "deliveries"
		}
		generation := b.ask(fmt.Sprintf(`SELECT 'read_test.%s_g' || generation FROM read_test.projections WHERE name = '%s' AND serving`, table, name))
		for what, spoil := range map[string]string{
			"different": `UPDATE %[1]s SET state = '{"x":1}' WHERE id = '%[2]s'`,
			"first":     `UPDATE %[1]s SET first_position = first_position + 1 WHERE id = '%[2]s'`,
			"position":  `UPDATE %[1]s SET position = position - 1 WHERE id = '%[2]s'`,
			"missing":   `DELETE FROM %[1]s WHERE id = '%[2]s'`,
			"added":     `UPDATE %[1]s SET id = id || 'x' WHERE id = '%[2]s'`,
		} {
			for _, which := range []string{"min", "max"} {
				key := b.ask(fmt.Sprintf(`SELECT %s(id) FROM %s`, which, generation))
				position := b.ask(fmt.Sprintf(`SELECT position::text FROM %s WHERE id = '%s'`, generation, key))
				b.exec(`DROP TABLE IF EXISTS public.saved`)
				b.exec(`CREATE TABLE public.saved AS SELECT * FROM ` + generation)
				b.exec(fmt.Sprintf(spoil, generation, key))
				found, _, _ := b.audit()
				first := verify.Finding{}
				if len(found) > 0 {
					first = found[0]
				}
				if fmt.Sprint(first.Position) != position || first.Name != name || !strings.HasPrefix(first.Subject, table+" "+key) || len(found) > 2 {
					t.Errorf("%s of %s %s, which is of position %s: found is %v", what, table, key, position, found)
				}
				b.exec(`DELETE FROM ` + generation)
				b.exec(`INSERT INTO ` + generation + ` SELECT * FROM public.saved`)
			}
		}
	}
	b.exec(`CREATE TABLE public.other AS SELECT * FROM read_test.payments; CREATE OR REPLACE VIEW read_test.payments AS SELECT * FROM public.other`)
	if found, _, _ := b.audit(); len(found) != 1 || !strings.Contains(found[0].Detail, "cursor") {
		t.Errorf("the view shows another table; found is %v", found)
	}
}

// What no rule would have let through is found though it was appended as everything
// else is.
func TestAnEventThatMustNotBeIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stream := b.ask(`SELECT stream FROM log_test.events WHERE type = 'payment.captured' LIMIT 1`)
	version := b.ask(fmt.Sprintf(`SELECT max(version)::text FROM log_test.events WHERE stream = '%s'`, stream))
	merchant := b.ask(fmt.Sprintf(`SELECT merchant_id FROM log_test.events WHERE stream = '%s' LIMIT 1`, stream))
	currency := b.ask(fmt.Sprintf(`SELECT payload::json->>'currency' FROM log_test.events WHERE stream = '%s' AND version = 1`, stream))
	head, _, err := b.store.Head(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	add := func(eventType, payload string) {
		t.Helper()
		var v int
		if _, err := fmt.Sscan(version, &v); err != nil {
			t.Fatal(err)
		}
		if _, err := b.store.Append(b.ctx, eventstore.Command{
			ID: uuid.Must(uuid.NewV7()), MerchantID: merchant, Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
			Expect: []eventstore.Expectation{{Stream: stream, Version: v}},
			Events: []eventstore.NewEvent{{Stream: stream, Type: eventType, SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()), At: time.Now().UTC().Truncate(time.Millisecond), Payload: json.RawMessage(payload)}},
		}); err != nil {
			t.Fatal(err)
		}
		version = fmt.Sprint(v + 1)
	}
	add("payment.captured", fmt.Sprintf(`{"capture_id":"cap_x","amount":999999,"currency":%q}`, currency))
	found, _, _ := b.audit()
	names := map[string]bool{}
	for _, f := range found {
		names[f.Name] = true
		if f.Position != head+1 || f.Subject != stream || f.Check != verify.CheckInvariant {
			t.Errorf("found is %+v", f)
		}
	}
	if !names["payment-sums"] || !names["payment-outcome"] || len(names) != 2 {
		t.Errorf("found are %v", names)
	}
	add("payment.captured", `{"capture_id":"cap_y","amount":1,"currency":"XXX"}`)
	found, _, _ = b.audit()
	if last := found[len(found)-1]; last.Position != head+2 || !strings.Contains(fmt.Sprint(found), "replay") {
		t.Errorf("what can't be folded is found as %v", found)
	}
}
