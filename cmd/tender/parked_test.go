package main_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAnEventIsLeftOutByCommand goes the way of the runbook: what a read model has set
// aside is looked at, taken up again, left out, and taken in again.
func TestAnEventIsLeftOutByCommand(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.start()
	paymentID := i.story()
	position := i.sql(fmt.Sprintf(`SELECT position::text FROM log_test.events WHERE stream = '%s' AND type = 'payment.captured'`, paymentID))
	park := func() {
		t.Helper()
		i.mustRun("projections", "pause", "payments")
		i.sql(fmt.Sprintf(`WITH k AS (INSERT INTO read_test.parked_events (name, generation, position, stream, type, error, parked_at)
			SELECT 'payments', 1, position, stream, type, 'bad event', now() FROM log_test.events WHERE position = %s RETURNING 1) SELECT count(*)::text FROM k`, position))
		i.mustRun("projections", "resume", "payments")
	}
	status := func(field string) string {
		t.Helper()
		return i.sql(fmt.Sprintf(`SELECT state->'object'->>'%s' FROM read_test.payments WHERE id = '%s'`, field, paymentID))
	}
	i.eventually(time.Minute, "the payment is listed as it is", func() bool {
		return i.sql(fmt.Sprintf(`SELECT count(*)::text FROM read_test.payments WHERE id = '%s' AND state->'object'->>'refunded_amount' = '2000'`, paymentID)) == "1"
	})
	captured := status("paid_amount")

	park()
	i.says([]string{position, paymentID, "payment.captured", "bad event"}, "projections", "parked", "payments")
	i.says([]string{`"capture_id"`, `"merchant_id"`}, "projections", "parked", "payments", position)
	i.says([]string{"payments, generation 1, is running", "0 set aside"}, "projections", "retry", "payments", position)
	park()
	i.fails("Say why", "projections", "skip", "payments", position)
	i.says([]string{"is running", "0 set aside"}, "projections", "skip", "payments", position, "--reason", "a capture that the fold can't take")
	i.says([]string{position, paymentID, "stf_", "a capture that the fold can't take"}, "projections", "skipped", "payments")
	if now := status("paid_amount"); now == captured {
		t.Errorf("without the capture %s is paid", now)
	}
	i.mustRun("rebuild", "payments")
	if now := status("paid_amount"); now == captured {
		t.Errorf("without the capture %s is paid after a rebuild", now)
	}
	i.says([]string{"payments, generation 2, is running"}, "projections", "restore", "payments", position, "--reason", "mended")
	if now := status("paid_amount"); now != captured {
		t.Errorf("%s is paid, and was %s", now, captured)
	}
	if out := i.mustRun("projections", "skipped", "payments"); strings.Contains(out, paymentID) {
		t.Errorf("left out is still\n%s", out)
	}
	i.fails("does not leave out", "projections", "restore", "payments", position, "--reason", "mended")
	i.fails("use tender projections parked", "projections", "skip", "payments")
	i.fails("use tender projections parked", "projections", "skipped", "payments", "1")
}
