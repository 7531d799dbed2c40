package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"tender/cmd/tender/internal/devenv"
	"tender/eventstore/seal"
	"tender/vault"
)

// finding is one line of tender doctor --json.
type finding struct{ Area, Level, What, Seen, Do string }

// ailment is something that goes wrong, and how the doctor tells it.
type ailment struct {
	name string
	// breaks makes it so, and returns what undoes it where no advice of the doctor's can.
	breaks func(t *testing.T, i *installation) (undo func())
	level  string
	says   string // part of what is found
	// advice are the numbers of the commands in the advice that are run, from 0. What
	// they don't mend, undo does.
	advice []int
}

// The doctor finds what is broken by hand, and its advice, followed to the letter,
// mends it.
func TestDoctorFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	i.pay(i.session("order", 10_000), "4242424242424242")
	i.must(http.StatusCreated, http.MethodPost, "/collect/customers", "anna", `{"name":"Anna"}`)
	i.healthy("at the beginning")
	for _, a := range ailments() {
		undo := a.breaks(t, i)
		found, err := i.doctor()
		if exit(err) != map[string]int{"fail": 1, "warn": 0}[a.level] {
			t.Errorf("%s: it ended with %v", a.name, err)
		}
		at := match(found, a.level, a.says)
		if at == nil {
			t.Errorf("%s was not found:\n%s", a.name, bad(found))
		}
		for _, n := range a.advice {
			if at == nil {
				break
			}
			if out, err := i.follow(at.Do, n); err != nil {
				t.Errorf("%s: the advice %q: %v\n%s", a.name, at.Do, err, out)
			}
		}
		if undo != nil {
			undo()
		}
		i.healthy("after " + a.name)
	}
	if out, err := i.run("keys", "create", "--staff", "Zoe", "--kind", "finance", "--days", "3"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if found, err := i.doctor(); err != nil || match(found, "warn", "A key of Zoe, finance, ends in") == nil {
		t.Errorf("%v: a key that ends soon was not found:\n%s", err, bad(found))
	}
}

// A stream that holds more than the log is found, and is made anew where it was
// removed.
func TestDoctorFindsAForeignFeed(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	i.session("order", 10_000)
	i.healthy("at the beginning")
	nc, err := nats.Connect(i.env["TENDER_RELAY_NATS_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Request("tender.test.events.forged", []byte(`{}`), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	found, err := i.doctor()
	if exit(err) != 1 || match(found, "fail", "The feed is ahead of the log, by 1 event") == nil {
		t.Errorf("%v:\n%s", err, bad(found))
	}
	i.stop()
	if err := os.RemoveAll(filepath.Join(i.dir, "nats")); err != nil {
		t.Fatal(err)
	}
	i.start()
	i.healthy("with a new stream")

	// What is down is a finding, and the rest is looked at.
	live := i.env
	for name, want := range map[string]struct{ says, other string }{
		devenv.DatabaseURL: {"PostgreSQL can't be reached", "nats"},
		devenv.NATSURL:     {"NATS can't be reached", "log test"},
		"TENDER_VAULT_URL": {"The vault can't be reached", "log test"},
	} {
		i.env = map[string]string{}
		for k, v := range live {
			i.env[k] = v
		}
		i.env[name] = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(live[name], "127.0.0.1:1")
		found, err := i.doctor()
		if exit(err) != 1 || match(found, "fail", want.says) == nil {
			t.Errorf("%s: %v\n%s", name, err, bad(found))
		}
		looked := false
		for _, f := range found {
			looked = looked || f.Area == want.other && f.Level == "ok"
		}
		if !looked {
			t.Errorf("without %s nothing was said about %s:\n%+v", name, want.other, found)
		}
	}
	i.env = live
	delete(i.env, devenv.DatabaseURL)
	if out, err := i.run("doctor"); exit(err) != 2 {
		t.Errorf("without a database: %v, %s", err, out)
	}
}

func exit(err error) int {
	if err == nil {
		return 0
	}
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		return ended.ExitCode()
	}
	return -1
}

// doctor runs tender doctor.
func (i *installation) doctor() ([]finding, error) {
	i.t.Helper()
	cmd := exec.Command(i.binary, "doctor", "--json")
	cmd.Env = i.environment()
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, failed := cmd.Output()
	var told struct{ Findings []finding }
	if err := json.Unmarshal(out, &told); err != nil {
		i.t.Fatalf("%v: %s %s", err, out, complaint.String())
	}
	for _, f := range told.Findings {
		if f.Area == "" || f.What == "" || f.Seen == "" || f.Level != "ok" && f.Do == "" {
			i.t.Errorf("a finding is not whole: %+v", f)
		}
	}
	return told.Findings, failed
}

// healthy waits until the doctor has nothing to say.
func (i *installation) healthy(when string) {
	i.t.Helper()
	var last []finding
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		found, err := i.doctor()
		if last = found; err == nil && len(bad(found)) == 0 {
			if len(found) < 40 {
				i.t.Errorf("%s: only %d things were looked at", when, len(found))
			}
			return
		}
	}
	i.t.Fatalf("%s the doctor isn't content:\n%s", when, bad(last))
}

// bad are the findings that want something. The disk is the machine's own affair.
func bad(found []finding) string {
	var text strings.Builder
	for _, f := range found {
		if f.Level != "ok" && f.Area != "disk" {
			fmt.Fprintf(&text, "%+v\n", f)
		}
	}
	return text.String()
}

func match(found []finding, level, says string) *finding {
	for _, f := range found {
		if f.Level == level && strings.Contains(f.What, says) {
			return &f
		}
	}
	return nil
}

// follow does what an advice says: the n-th command in it.
func (i *installation) follow(advice string, n int) (string, error) {
	i.t.Helper()
	commands := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(advice, -1)
	if n >= len(commands) {
		i.t.Fatalf("there is no command number %d in %q", n, advice)
	}
	psql, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	cmd := exec.Command("sh", "-c", commands[n][1])
	cmd.Env = append(i.environment(), "PATH="+strings.Join(append(psql, filepath.Dir(i.binary), os.Getenv("PATH")), ":"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// statements runs some as the admin, in the role of somebody else.
func (i *installation) statements(role string, statements ...string) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.env[devenv.DatabaseAdminURL])
	if err != nil {
		i.t.Fatal(err)
	}
	defer func() { _ = conn.Close(i.t.Context()) }()
	for _, statement := range append([]string{"SET ROLE " + role}, statements...) {
		if _, err := conn.Exec(i.t.Context(), statement); err != nil {
			i.t.Fatalf("%s: %v", statement, err)
		}
	}
}

// bySQL is an ailment that statements bring on, and others undo.
func bySQL(role string, breaks []string, mends ...string) func(*testing.T, *installation) func() {
	return func(_ *testing.T, i *installation) func() {
		i.statements(role, breaks...)
		if len(mends) == 0 {
			return nil
		}
		return func() { i.statements(role, mends...) }
	}
}

func ailments() []ailment {
	const owner, app = "tender_owner", "tender_app"
	return append([]ailment{
		{"a right to change events", bySQL(owner, []string{"GRANT UPDATE ON log_test.events TO tender_app"}), "fail", "tender_app may UPDATE on log_test.events", []int{0, 1}},
		{"a right to a column", bySQL(owner, []string{"GRANT INSERT (payload) ON log_live.events TO PUBLIC"}), "fail", "PUBLIC may INSERT", []int{0}},
		{"a log that can't be read", bySQL(owner, []string{"REVOKE SELECT ON log_test.claims FROM tender_app"}), "fail", "can't read log_test.claims", []int{0}},
		{"a trigger that is off", bySQL(owner, []string{"ALTER TABLE log_test.events DISABLE TRIGGER immutable"}), "fail", "refuses changes to log_test.events is switched off", []int{0, 1}},
		{"a trigger that is on for some", bySQL(owner, []string{"ALTER TABLE log_live.claims ENABLE TRIGGER immutable"}), "fail", "refuses changes to log_live.claims", []int{0}},
		{"a trigger that is gone", bySQL(owner, []string{"DROP TRIGGER immutable ON log_test.events"}), "fail", "Nothing refuses changes to log_test.events", []int{0}},
		{"a trigger of somebody else's", bySQL(owner, []string{"CREATE TRIGGER other BEFORE INSERT ON log_test.events FOR EACH STATEMENT EXECUTE FUNCTION log_test.refuse_change()"}),
			"fail", "a trigger that is not Tender's: other", []int{0}},
		{"a rule", bySQL(owner, []string{"CREATE RULE other AS ON DELETE TO log_test.claims DO INSTEAD NOTHING"}), "fail", "log_test.claims has a rule", []int{0}},
		{"a function without a path", bySQL(owner, []string{"ALTER FUNCTION log_test.keep_partitions() RESET search_path"}), "fail", "looks for names where its caller says", []int{0}},
		{"a function for all", bySQL(owner, []string{"GRANT EXECUTE ON FUNCTION log_test.make_partition(date) TO PUBLIC"}), "fail", "may be called by who has no business there", []int{0}},
		{"a function for nobody", bySQL(owner, []string{"REVOKE EXECUTE ON FUNCTION log_live.keep_partitions() FROM tender_app"}), "fail", "may not call log_live.keep_partitions", []int{0}},
		{"a function of its caller's", bySQL(owner, []string{"ALTER FUNCTION log_live.keep_partitions() SECURITY INVOKER"}), "fail", "does not run as its owner", []int{0}},
		{"a day that is left over", bySQL(owner, []string{"SELECT log_test.make_partition(current_date - 30)"}), "warn", "can be dropped, and are still there", []int{0}},
		{"a day without an answer", bySQL(owner, []string{"SELECT log_test.make_partition('2026-01-05')", `INSERT INTO log_test.idempotency_command
			VALUES ('mer_x', 'secret', 'k', gen_random_uuid(), '{}', 'pay_x', '2026-01-05 12:00+00')`},
			"DROP TABLE log_test.idempotency_command_20260105, log_test.idempotency_answer_20260105"), "warn", "1 command of that day got no answer", []int{0}},
		{"a read model that has stopped", bySQL(app, []string{"UPDATE read_test.projections SET state = 'stopped', error = 'no idea' WHERE name = 'payments'"}),
			"fail", "The read model payments has stopped: no idea.", []int{0}},
		{"a read model of another history", bySQL(app, []string{"UPDATE read_test.projections SET state = 'stopped', error = 'no idea' WHERE name = 'sessions'"}),
			"fail", "The read model sessions has stopped", []int{1}},
		{"an event that is set aside", bySQL(app, []string{`INSERT INTO read_test.parked_events SELECT name, generation, 1, 'pay_x', 'payment.x', 'no idea', now()
			FROM read_test.projections WHERE name = 'payments' AND serving`}), "fail", "payments has set 1 event aside", []int{0, 1}},
		{"a read model that was forgotten", bySQL(app, []string{"UPDATE read_live.projections SET state = 'paused', updated_at = now() - interval '2 hours' WHERE name = 'due'"}),
			"warn", "due is paused", []int{0}},
		{"another build's read model", bySQL(app, []string{"UPDATE read_test.projections SET definition = 'x' || definition WHERE name = 'clocks'"},
			"UPDATE read_test.projections SET definition = substr(definition, 2) WHERE name = 'clocks'"), "warn", "was made by another build", nil},
		{"work that is late", bySQL(app, []string{`INSERT INTO read_test.due (id, first_position, position, state, due_at, in_flight) VALUES ('ps_late', 1, 1, '{}', now() - interval '1 hour', false)`},
			`DELETE FROM read_test.due WHERE id = 'ps_late'`, `DELETE FROM work_test.leases WHERE id = 'ps_late'`), "warn", "1 object has been due", nil},
		{"a payment that its acquirer owes an answer about", bySQL(app, []string{`INSERT INTO read_test.due (id, first_position, position, state, due_at, in_flight, merchant_id, unanswered_at)
			VALUES ('pay_late', 1, 1, '{}', now() - interval '26 hours', true, 'mer_x', now() - interval '26 hours')`},
			`DELETE FROM read_test.due WHERE id = 'pay_late'`, `DELETE FROM work_test.leases WHERE id = 'pay_late'`), "warn", "1 payment is unresolved", nil},
		{"an acquirer that nobody hears", bySQL(app, []string{`INSERT INTO work_test.notifications VALUES ('gone', 'n', 'k', now() - interval '1 hour', '{}', '')`},
			`DELETE FROM work_test.notifications WHERE acquirer = 'gone'`), "warn", "1 thing was told us", nil},
		{"sealing that has stopped", bySQL(app, []string{"INSERT INTO work_test.seal_alarm (since, size, reason) VALUES (now(), 1, 'another history')"},
			"DELETE FROM work_test.seal_alarm"), "fail", "Sealing has stopped", nil},
	}, fileAilments()...)
}

// fileAilments are those of keys and checkpoints.
func fileAilments() []ailment {
	master := func(i *installation) string { return i.env["TENDER_MASTER_KEY_FILE"] }
	key := func(i *installation) string { return i.env["TENDER_SEAL_KEY_FILE"] }
	return []ailment{
		// A sealer that has begun anew compares what left the database, and adds to it:
		// these come before anything happens to its key.
		{"a checkpoint over more than there is", edited(checkpoints, func(text string) string {
			return regexp.MustCompile(`(?m)^\d+$`).ReplaceAllString(text, "999999")
		}), "fail", "is over more events than the log has", nil},
		{"something among the checkpoints that is none", edited(checkpoints, func(text string) string {
			return text + "by hand\n\n— somebody " + strings.Repeat("AAAA", 24) + "\n\n"
		}), "warn", "last is no checkpoint", nil},
		{"a checkpoint over another history", edited(checkpoints, func(text string) string {
			return regexp.MustCompile(`chain ...`).ReplaceAllString(text, "chain AAA")
		}), "fail", "is over another history", nil},
		{"a master key for all", loosened(master), "fail", "The master key can't be used", []int{0}},
		{"a sealing key for all", loosened(key), "fail", "The sealing key can't be used", []int{0}},
		{"a master key that is gone", replaced(master, nil), "fail", "There is no master key", nil},
		{"another master key", replaced(master, func(t *testing.T, path string) {
			if _, err := vault.LoadOrCreateMasterKey(path); err != nil {
				t.Fatal(err)
			}
		}), "fail", "The master key is not the one", nil},
		{"a master key of the same name", edited(master, func(text string) string {
			return regexp.MustCompile(`"key": *"...`).ReplaceAllString(text, `"key": "AAA`)
		}), "fail", "The master key is not the one", nil},
		{"a sealing key that is gone", replaced(key, nil), "fail", "There is no sealing key", nil},
		{"another sealing key", replaced(key, func(t *testing.T, path string) {
			if err := seal.CreateKeys(path, "other.example"); err != nil {
				t.Fatal(err)
			}
		}), "fail", "The sealing key is not one that signed the last checkpoint", nil},
	}
}

func checkpoints(i *installation) string {
	return filepath.Join(i.env["TENDER_CHECKPOINT_DIR"], "log_test.checkpoints")
}

// loosened lets everybody read a file.
func loosened(of func(*installation) string) func(*testing.T, *installation) func() {
	return func(t *testing.T, i *installation) func() {
		if err := os.Chmod(of(i), 0o644); err != nil {
			t.Fatal(err)
		}
		return nil
	}
}

// replaced puts a file aside, and what makes another in its place.
func replaced(of func(*installation) string, with func(t *testing.T, path string)) func(*testing.T, *installation) func() {
	return func(t *testing.T, i *installation) func() {
		path := of(i)
		if err := os.Rename(path, path+".aside"); err != nil {
			t.Fatal(err)
		}
		if with != nil {
			with(t, path)
		}
		return func() {
			if err := os.Rename(path+".aside", path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// edited changes what is in a file.
func edited(of func(*installation) string, change func(text string) string) func(*testing.T, *installation) func() {
	return func(t *testing.T, i *installation) func() {
		text, err := os.ReadFile(of(i))
		if err != nil {
			t.Fatal(err)
		}
		changed := change(string(text))
		if changed == string(text) {
			t.Fatalf("%s can't be changed so", of(i))
		}
		return replaced(of, func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
		})(t, i)
	}
}
