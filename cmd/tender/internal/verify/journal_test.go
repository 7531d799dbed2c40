package verify_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/cmd/tender/internal/verify"
	"tender/domain"
	"tender/eventstore"
	"tender/projections"
)

const journalPayment = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"

// money appends a payment's events, of every kind that moves money or contradicts
// what was said of it.
func (b *testBundle) money() {
	b.t.Helper()
	key := func(operation string) string { return journalPayment + "-" + operation }
	version := 0
	add := func(event, payload string) {
		b.t.Helper()
		if _, err := b.store.Append(b.ctx, eventstore.Command{
			ID: uuid.Must(uuid.NewV7()), MerchantID: "mer_01hzy3v7q8e4xk2m9c5b7d6f0a", Actor: domain.Actor{Kind: domain.ActorSystem, ID: "test"},
			Expect: []eventstore.Expectation{{Stream: journalPayment, Version: version}},
			Events: []eventstore.NewEvent{{
				Stream: journalPayment, Type: "payment." + event, SchemaVersion: 1, ID: uuid.Must(uuid.NewV7()),
				At: time.Now().UTC().Truncate(time.Millisecond), Payload: json.RawMessage(payload),
			}},
		}); err != nil {
			b.t.Fatal(err)
		}
		version++
	}
	amount := func(more string, n int) string { return fmt.Sprintf(`{%s,"amount":%d,"currency":"ZAR"}`, more, n) }
	add("initiated", `{"session_id":"ps_1","amount":100,"currency":"ZAR","capture_method":"automatic","intent":"payment"}`)
	add("attempt_started", fmt.Sprintf(`{"attempt_id":"a1","number":1,"key":%q}`, key("1")))
	add("attempt_failed", `{"attempt_id":"a1"}`)
	add("contradicted", amount(fmt.Sprintf(`"key":%q,"performed":true`, key("1")), 100))
	add("reversal_requested", amount(fmt.Sprintf(`"reversal_id":"rev_1","key":%q,"refund":true`, key("rev_1")), 100))
	add("reversal_failed", amount(`"reversal_id":"rev_1"`, 100))
	add("contradicted", amount(fmt.Sprintf(`"key":%q,"performed":true`, key("rev_1")), 100))
	add("authorised", amount(`"attempt_id":"a2"`, 100))
	add("capture_requested", amount(fmt.Sprintf(`"capture_id":"cap_1","key":%q`, key("cap_1")), 60))
	add("captured", amount(`"capture_id":"cap_1"`, 60))
	add("contradicted", amount(fmt.Sprintf(`"key":%q`, key("cap_1")), 60))
	add("void_requested", amount(fmt.Sprintf(`"void_id":"voi_1","key":%q`, key("voi_1")), 30))
	add("voided", amount(`"void_id":"voi_1"`, 30))
	add("contradicted", amount(fmt.Sprintf(`"key":%q`, key("voi_1")), 30))
	add("authorisation_expired", amount(`"x":1`, 10))
	for i, n := range []string{"1", "2"} {
		add("refund_requested", amount(fmt.Sprintf(`"refund_id":"ref_%s","key":%q`, n, key("ref_"+n)), 20+i))
		add("refunded", amount(fmt.Sprintf(`"refund_id":"ref_%s"`, n), 20+i))
	}
	add("refund_failed", amount(`"refund_id":"ref_1","late":true`, 20))
	add("refund_requested", amount(fmt.Sprintf(`"refund_id":"ref_3","key":%q`, key("ref_3")), 5))
	add("refund_failed", amount(`"refund_id":"ref_3"`, 5))
	add("contradicted", amount(fmt.Sprintf(`"key":%q,"performed":true`, key("ref_3")), 5))
	add("paid", amount(`"attempt_id":"a3"`, 100))
}

// verified verifies the log, and returns what is wrong with the journal.
func (b *testBundle) verified() (verify.Report, []verify.Finding) {
	b.t.Helper()
	var found verify.Findings
	b.log.Found = found.Add
	r, err := b.log.Verify(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	all, _ := found.All()
	return r, all
}

// TestTheJournalIsWhatTheLogAddsUpTo changes rows of the journal in every way.
func TestTheJournalIsWhatTheLogAddsUpTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if r, found := b.verified(); len(found) > 0 || r.Journal.Unread == "" {
		t.Errorf("without a journal: %+v, %v", r.Journal, found)
	}
	b.money()
	runner, err := projections.NewRunner(b.store, nil, projections.NewCursors(b.store), projections.Journal())
	if err == nil {
		err = runner.Prepare(b.ctx)
	}
	number := 0
	if err == nil {
		number, err = runner.Rebuild(b.ctx, projections.JournalName)
	}
	if err == nil {
		err = runner.Make(b.ctx, projections.JournalName, number, func(projections.Status) {})
	}
	if err != nil {
		t.Fatal(err)
	}
	r, found := b.verified()
	var sum int64
	for _, balance := range r.Journal.Accounts["ZAR"] {
		sum += balance
	}
	if len(found) > 0 || r.Journal.Compared != r.Last || r.Journal.Entries != 38 || sum != 0 {
		t.Fatalf("%+v: %v", r.Journal, found)
	}
	b.force(`CREATE TABLE public.entries AS SELECT * FROM read_test.journal_g2`)
	for name, c := range map[string]struct {
		spoil    string
		position int64
	}{
		"an amount":           {`UPDATE read_test.journal_g2 SET amount = amount + 1 WHERE first_position = 10 AND line = 1`, 10},
		"an account":          {`UPDATE read_test.journal_g2 SET account = 'merchant_payable' WHERE first_position = 4 AND line = 2`, 4},
		"a currency":          {`UPDATE read_test.journal_g2 SET currency = 'EUR' WHERE first_position = 13`, 13},
		"a merchant":          {`UPDATE read_test.journal_g2 SET merchant_id = 'mer_other' WHERE first_position = 13`, 13},
		"an entry is missing": {`DELETE FROM read_test.journal_g2 WHERE first_position = 24 AND line = 1`, 24},
		"an event is missing": {`DELETE FROM read_test.journal_g2 WHERE first_position = 11`, 11},
		"an entry more":       {`INSERT INTO read_test.journal_g2 SELECT replace(id, '.2', '.3'), first_position, position, state, line + 1, event_id, event_type, merchant_id, payment_id, operation_id, reference, account, amount, currency, recorded_at, effective_at, actor_kind, actor_id FROM read_test.journal_g2 WHERE first_position = 8 AND line = 2`, 8},
		"one of no event":     {`UPDATE read_test.journal_g2 SET first_position = 1000, id = replace(id, '0000024', '0001000') WHERE first_position = 24`, 24},
	} {
		b.force(c.spoil)
		_, found := b.verified()
		if len(found) == 0 || found[0].Position != c.position || found[0].Check != verify.CheckJournal {
			t.Errorf("%s at %d: found is %v", name, c.position, found)
		}
		b.force(`DELETE FROM read_test.journal_g2`, `INSERT INTO read_test.journal_g2 SELECT * FROM public.entries`)
	}
	b.force(`INSERT INTO read_test.parked_events VALUES ('journal', 2, 10, 'pay_1', 'payment.captured', '', now())`, `DELETE FROM read_test.journal_g2 WHERE first_position = 10`)
	if r, found := b.verified(); len(found) > 0 || r.Journal.LeftOut != 1 {
		t.Errorf("what was set aside is missing: %+v, %v", r.Journal, found)
	}
	b.force(`UPDATE log_test.events SET payload = replace(payload::text, '"amount":60', '"amount":61')::json WHERE position = 10`, fmt.Sprintf(rechain, 10))
	if _, found := b.verified(); len(found) > 0 {
		t.Errorf("what is set aside is not looked at: %v", found)
	}
	b.force(`UPDATE log_test.events SET payload = replace(payload::text, '"amount":30', '"amount":31')::json WHERE position = 13`, fmt.Sprintf(rechain, 13))
	if _, found := b.verified(); len(found) != 1 || found[0].Position != 13 || !strings.Contains(found[0].Detail, "31") {
		t.Errorf("the log was changed by somebody who recomputes the chain: %v", found)
	}
}
