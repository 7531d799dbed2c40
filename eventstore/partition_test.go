package eventstore_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"tender/eventstore"
)

// TestAKeyIsFreeADayAfterItsAnswer puts keys into the past, which only a superuser
// can.
func TestAKeyIsFreeADayAfterItsAnswer(t *testing.T) {
	b := setup(t)
	asSuper(t, b, `SET ROLE tender_owner; SELECT log_test.make_partition(current_date - n) FROM generate_series(1, 40) AS n`)
	for name, c := range map[string]struct {
		taken, answered string // how long ago
		free            bool
	}{
		"answered just now":            {taken: "23 hours", answered: "1 minute"},
		"taken long ago":               {taken: "30 days", answered: "23 hours 59 minutes"},
		"answered a day ago":           {taken: "25 hours", answered: "24 hours 1 second", free: true},
		"answered long ago":            {taken: "39 days", answered: "38 days", free: true},
		"not answered, taken long ago": {taken: "35 days"},
	} {
		id := newID()
		asSuper(t, b, `INSERT INTO log_test.idempotency_command SELECT 'mer_1', 'secret', '`+name+`', '`+id.String()+`', '{}', 'ps_1', now() - interval '`+c.taken+`'`)
		if c.answered != "" {
			asSuper(t, b, `INSERT INTO log_test.idempotency_answer SELECT command_id, recorded_at, 201, 'ps_1', 1, NULL, command_id, now() - interval '`+c.answered+`'
				FROM log_test.idempotency_command WHERE command_id = '`+id.String()+`'`)
		}
		record, known, err := b.store.KeyRecord(b.ctx, "mer_1", "secret", name)
		if err != nil || known == c.free {
			t.Errorf("%s: known: %t, %v", name, known, err)
		}
		if known && record.CommandID != id {
			t.Errorf("%s: record %+v", name, record)
		}
		_, err = b.store.Append(b.ctx, key(write("ps_"+name, 0, 1), name))
		if c.free {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got := wantError[*eventstore.KeyTaken](t, err); got.Record.CommandID != id || (got.Record.Answer == nil) != (c.answered == "") {
			t.Errorf("%s: %+v", name, got.Record)
		}
	}
}

// TestPartitionsLeaveWhenEveryKeyIsFree makes past days in which one key is and one
// isn't free, and one without any.
func TestPartitionsLeaveWhenEveryKeyIsFree(t *testing.T) {
	b := setup(t)
	asSuper(t, b, `SET ROLE tender_owner; SELECT log_test.make_partition(current_date - n) FROM generate_series(1, 6) AS n`)
	take := func(days, key, answered string) {
		asSuper(t, b, `INSERT INTO log_test.idempotency_command SELECT 'mer_1', 'secret', '`+key+`', gen_random_uuid(), '{}', 'ps_1',
			(current_date - `+days+`)::timestamp AT TIME ZONE 'UTC' + interval '1 hour'`)
		if answered != "" {
			asSuper(t, b, `INSERT INTO log_test.idempotency_answer SELECT command_id, recorded_at, 201, 'ps_1', 1, NULL, command_id, now() - interval '`+answered+`'
				FROM log_test.idempotency_command WHERE key = '`+key+`'`)
		}
	}
	take("6", "free", "25 hours")
	take("5", "free too", "25 hours")
	take("5", "open", "")
	take("4", "answered late", "23 hours")
	take("3", "also free", "2 days")

	// A backup that reads the partitions holds nobody up.
	backup, err := pgx.Connect(b.ctx, b.AdminURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = backup.Close(context.Background()) }()
	if _, err := backup.Exec(b.ctx, `BEGIN; LOCK TABLE log_test.idempotency_command, log_test.idempotency_answer IN ACCESS SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	if _, dropped, err := b.store.KeepPartitions(b.ctx); dropped != 0 || err != nil {
		t.Errorf("during a backup: %d dropped, %v", dropped, err)
	}
	b.mustAppend(t, key(write("ps_1", 0, 1), "during a backup"))
	if _, err := backup.Exec(b.ctx, `ROLLBACK`); err != nil {
		t.Fatal(err)
	}

	made, dropped, err := b.store.KeepPartitions(b.ctx)
	if err != nil || dropped != 4 { // 6 and 3 days ago, and the empty ones of 2 days and 1 day
		t.Errorf("%d made, %d dropped, %v", made, dropped, err)
	}
	for name, want := range map[string]bool{"free": false, "free too": true, "open": true, "answered late": true, "also free": false} {
		var there bool
		err := b.store.Pool().QueryRow(b.ctx, `SELECT EXISTS (SELECT FROM log_test.idempotency_command WHERE key = $1)`, name).Scan(&there)
		if err != nil || there != want {
			t.Errorf("%s: there: %t, %v", name, there, err)
		}
	}
	if _, dropped, err := b.store.KeepPartitions(b.ctx); dropped != 0 || err != nil {
		t.Errorf("again: %d dropped, %v", dropped, err)
	}
}

// TestAppendsGoOnWithoutPartitions takes all partitions away, as if nobody had made
// any for days.
func TestAppendsGoOnWithoutPartitions(t *testing.T) {
	b := setup(t)
	for _, partition := range tablesOf(t, b) {
		asSuper(t, b, `DROP TABLE log_test.`+partition)
	}
	c := key(write("ps_1", 0, 1), "k")
	c.Answer = answerTo(c)
	b.mustAppend(t, c)
	if r, ok, err := b.store.KeyRecord(b.ctx, "mer_1", "secret", "k"); !ok || err != nil || r.Answer == nil {
		t.Errorf("record %+v, %t, %v", r, ok, err)
	}
	made, _, err := b.store.KeepPartitions(b.ctx)
	if err != nil || made < 2 {
		t.Errorf("%d made, %v", made, err)
	}
	// New partitions are as immutable as the first ones.
	var refused bool
	err = b.store.Pool().QueryRow(b.ctx, `SELECT bool_and(EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'A'))
		FROM pg_class c WHERE relnamespace = 'log_test'::regnamespace AND relispartition AND relkind = 'r'`).Scan(&refused)
	if err != nil || !refused {
		t.Errorf("changes of a new partition: refused: %t, %v", refused, err)
	}
}
