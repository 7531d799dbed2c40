package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tender/domain/payment"
	"tender/handlers/handlerstest"
)

// A payment takes so many captures and voids and no more, failed ones included;
// what is left can always be given back.
func TestOperationsPerPayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	processes := []*handlerstest.Caller{b.Caller, b.On(b.Process())}
	const amount, declined = 10_000, 120
	paymentID := b.Reserved(amount, goodCard)
	b.First.Line.Decline(handlerstest.CallCapture)
	for range declined {
		b.Capture(paymentID, 1).Problem(402, "capture_declined")
	}
	b.First.Line.Between(nil)
	const captured = payment.OperationsMax - declined
	for i := range captured - 1 {
		processes[i%2].Capture(paymentID, 1).Is(200)
	}
	last := b.Capture(paymentID, 1, key("the last")).Is(200)
	last.Shows(object{"paid_amount": captured, "capturable_amount": amount - captured})
	if n := last.Len("captures"); n != payment.OperationsMax {
		t.Errorf("%d captures are listed", n)
	}
	for _, c := range processes {
		a := c.Capture(paymentID, 1, key("one more")).Problem(409, "too_many_operations")
		a.Shows(object{"detail": fmt.Sprintf("A payment takes at most %d captures and voids.", payment.OperationsMax), "retryable": false})
		c.Capture(paymentID, 0).Problem(409, "too_many_operations")
		c.Capture(paymentID, amount).Problem(409, "capture_amount_too_high") // the sums are judged first
		same(t, last, c.Capture(paymentID, 1, key("the last")))
	}
	if n := b.First.Line.Calls(handlerstest.CallCapture); n >= payment.OperationsMax {
		t.Errorf("this process alone made %d calls to capture", n)
	}
	b.Payment(paymentID).Shows(object{"paid_amount": captured, "capturable_amount": amount - captured, "pending_amount": 0})

	b.First.Line.Decline(handlerstest.CallVoid)
	for range payment.VoidsBeyondMax - 1 {
		b.Void(paymentID).Problem(402, "void_declined")
	}
	b.First.Line.Between(nil)
	b.Void(paymentID).Is(200).Shows(object{"paid_amount": captured, "voided_amount": amount - captured, "capturable_amount": 0})
}

// Voids, too, come to an end, where the acquirer refuses them all.
func TestVoidsPerPayment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	paymentID := b.Reserved(10_000, goodCard)
	b.First.Line.Decline(handlerstest.CallVoid)
	for range payment.OperationsMax + payment.VoidsBeyondMax {
		b.Void(paymentID).Problem(402, "void_declined")
	}
	b.First.Line.Between(nil)
	for _, c := range []*handlerstest.Caller{b.Caller, b.On(b.Process())} {
		c.Void(paymentID).Problem(409, "too_many_operations")
		c.Capture(paymentID, 1).Problem(409, "too_many_operations")
	}
	b.Payment(paymentID).Shows(object{"voided_amount": 0, "capturable_amount": 10_000})
}

// agedKey writes that a key was used in the past as another one was now: rows of
// the log are only ever added, so the other stays as it is. Time passes by
// PostgreSQL's clock, which no test can set.
func (b *bundle) agedKey(t *testing.T, like, name string, usedAgo, answeredAgo time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.DB.SuperURL)
	must(t, err)
	defer func() { _ = conn.Close(t.Context()) }()
	for _, statement := range []string{
		`SET TIME ZONE 'UTC'`,
		fmt.Sprintf(`DO $$ BEGIN SET LOCAL ROLE tender_owner; PERFORM log_test.make_partition((now() - interval '%d seconds')::date); END $$`, int(usedAgo.Seconds())),
		fmt.Sprintf(`
			WITH used AS (
				INSERT INTO log_test.idempotency_command (merchant_id, kind, key, command_id, fingerprints, stream, recorded_at)
				SELECT merchant_id, kind, '%[2]s', gen_random_uuid(), fingerprints, stream, now() - interval '%[3]d seconds'
				FROM log_test.idempotency_command WHERE merchant_id = '%[5]s' AND key = '%[1]s'
				RETURNING command_id, recorded_at
			)
			INSERT INTO log_test.idempotency_answer (command_id, command_recorded_at, status, stream, version, refusal, settled_by, recorded_at)
			SELECT used.command_id, used.recorded_at, a.status, a.stream, a.version, a.refusal, used.command_id, now() - interval '%[4]d seconds'
			FROM used, log_test.idempotency_command c
			JOIN log_test.idempotency_answer a ON a.command_id = c.command_id AND a.command_recorded_at = c.recorded_at
			WHERE c.merchant_id = '%[5]s' AND c.key = '%[1]s'`,
			like, name, int(usedAgo.Seconds()), int(answeredAgo.Seconds()), b.merchant.ID),
	} {
		tag, err := conn.Exec(t.Context(), statement)
		must(t, err)
		if tag.Insert() && tag.RowsAffected() != 1 {
			t.Fatalf("%d keys are like %q", tag.RowsAffected(), like)
		}
	}
}

// A key is kept for 24 hours after the outcome is known, then it is free: for the
// same request, which is a new one then, and for any other.
func TestKeysAreFreeAfterADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const day, minute = 24 * time.Hour, time.Minute
	body := with(nil)
	first := b.Post(sessions, body, key("now")).Is(201)
	b.agedKey(t, "now", "almost a day", day-minute, day-minute)
	b.agedKey(t, "now", "long ago, known late", 40*day, day-minute)
	b.agedKey(t, "now", "a day", day+minute, day+minute)
	b.agedKey(t, "now", "a day, another request", day+minute, day+minute)
	b.agedKey(t, "now", "long ago", 40*day, 39*day)

	for _, kept := range []string{"now", "almost a day", "long ago, known late"} {
		same(t, first, b.Post(sessions, body, key(kept)))
		b.Post(sessions, with(object{"amount": 1}), key(kept)).Problem(422, "idempotency_key_reused")
	}
	made := map[string]bool{first.Text("id"): true}
	for free, body := range map[string]object{"a day": body, "long ago": body, "a day, another request": with(object{"amount": 1})} {
		a := b.Post(sessions, body, key(free)).Is(201)
		if made[a.Text("id")] || replayed(a) {
			t.Errorf("%s: it is told %s", free, a.Body)
		}
		made[a.Text("id")] = true
		same(t, a, b.On(b.Process()).Post(sessions, body, key(free))) // and taken again
	}
	// A capture is done again, too: the merchant says with the key that it is another.
	paymentID := b.Reserved(10_000, goodCard)
	b.Capture(paymentID, 4_000, key("capture")).Is(200)
	b.agedKey(t, "capture", "capture of yesterday", day+minute, day+minute)
	b.Capture(paymentID, 4_000, key("capture of yesterday")).Is(200).Shows(object{"paid_amount": 8_000})
	b.Capture(paymentID, 4_000, key("capture")).Is(200).Shows(object{"paid_amount": 4_000})
}
