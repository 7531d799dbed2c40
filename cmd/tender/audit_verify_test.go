package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/cmd/tender/internal/devenv"
)

// rechain computes the chain anew from a position on, as somebody would who knows how.
const rechain = `DO $$
DECLARE r record; previous bytea := (SELECT hash FROM log_test.events WHERE position = %[1]s - 1);
BEGIN
	FOR r IN SELECT * FROM log_test.events WHERE position >= %[1]s ORDER BY position LOOP
		previous := sha256(previous || record_send(ROW(1, r.position, r.stream, r.version, r.type, r.schema_version, r.event_id, r.command_id, r.merchant_id,
			r.at, r.effective_at, r.recorded_at, r.request_id, r.causation, r.actor_kind, r.actor_id, r.payload)));
		UPDATE log_test.events SET hash = previous WHERE position = r.position;
	END LOOP;
END $$`

// TestTheWholeLogIsVerified spoils what is shown of a log, and then what it says, and
// has tender audit verify find it.
func TestTheWholeLogIsVerified(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	i.mustRun("trigger", "payment.captured", "payment.refunded", "payment.voided", "mandate.created")
	i.eventually(30*time.Second, "all is shown", func() bool {
		return i.sql(`SELECT (bool_and(position = (SELECT max(position) FROM log_test.events)))::text FROM read_test.projections WHERE name IN ('journal', 'payments', 'sessions')`) == "true"
	})
	if out := i.mustRun("audit", "verify"); !strings.Contains(out, "The test log holds") || !strings.Contains(out, "read models show what the log folds to") ||
		!strings.Contains(out, "checkpoints signed for ") {
		t.Fatalf("audit verify says\n%s", out)
	}
	wrong := func(position string, says ...string) {
		t.Helper()
		out, err := i.run("audit", "verify")
		for _, text := range append(says, "first at position "+position+":", "the first at position "+position+".") {
			if err == nil || !strings.Contains(out, text) {
				t.Errorf("audit verify says not %q, but %v\n%s", text, err, out)
			}
		}
	}
	change := func(sql string) {
		t.Helper()
		i.sql(`WITH changed AS (` + sql + ` RETURNING 1) SELECT count(*)::text FROM changed`)
	}

	position := i.sql(`SELECT max(position)::text FROM read_test.payments`)
	change(`UPDATE read_test.payments SET status = 'failed' WHERE position = ` + position)
	wrong(position, "read_model payments", "tender rebuild")
	i.mustRun("rebuild", "payments")
	first := i.sql(`SELECT min(first_position)::text FROM read_test.journal`)
	change(`UPDATE read_test.journal SET amount = 2 * amount WHERE first_position = ` + first)
	wrong(first, "journal: pay_", "read_model journal")
	if out, err := i.run("audit", "verify", "--log-only"); err == nil || !strings.Contains(out, "first at position "+first) || strings.Contains(out, "read_model") {
		t.Errorf("audit verify --log-only says %v\n%s", err, out)
	}
	i.mustRun("rebuild", "journal")
	if out := i.mustRun("audit", "verify"); !strings.Contains(out, "The test log holds") {
		t.Errorf("after both were made anew audit verify says\n%s", out)
	}

	as := func(role, sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), i.env[role])
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	position = i.sql(`SELECT min(position)::text FROM log_test.events WHERE type = 'payment.captured'`)
	as(devenv.DatabaseAdminURL, `SET ROLE tender_owner; ALTER TABLE log_test.events DISABLE TRIGGER immutable;
		UPDATE log_test.events SET payload = regexp_replace(payload::text, '"amount":\d+', '"amount":999999')::json WHERE position = `+position+`;
		`+fmt.Sprintf(rechain, position)+`; ALTER TABLE log_test.events ENABLE ALWAYS TRIGGER immutable`)
	as(devenv.DatabaseURL, `DELETE FROM work_test.checkpoints; DELETE FROM work_test.tiles`)
	wrong(position, "The test log holds", "invariant payment-sums", "invariant payment-outcome", "tender audit history")
	out, err := i.run("audit", "verify", "--json")
	var said struct {
		Holds bool   `json:"holds"`
		First int64  `json:"first_wrong_position"`
		Total int    `json:"findings_total"`
		Chain string `json:"chain"`
	}
	begin, end := strings.Index(out, "{"), strings.LastIndex(out, "}")
	if begin < 0 || json.Unmarshal([]byte(out[begin:end+1]), &said) != nil || err == nil || said.Holds || fmt.Sprint(said.First) != position || said.Total < 2 || len(said.Chain) != 64 {
		t.Errorf("audit verify --json says %v\n%s", err, out)
	}
}
