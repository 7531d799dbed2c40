package payment_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/method"
	"tender/domain/payment"
)

const (
	paymentID = "pay_01hzy3v7q8e4xk2m9c5b7d6f0a"
	sessionID = "ps_01hzy3v7q8e4xk2m9c5b7d6f0b"
	attemptID = "att_01hzy3v7q8e4xk2m9c5b7d6f0c"
	reference = "auth_1"

	customerID     = "cus_01hzy3v7q8e4xk2m9c5b7d6f0d"
	methodID       = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0e"
	mandateID      = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0f"
	subscriptionID = "sub_01hzy3v7q8e4xk2m9c5b7d6f0g"
	clockID        = "clk_01hzy3v7q8e4xk2m9c5b7d6f0h"

	later = 7 * 24 * time.Hour // when the authorisations of these tests end
)

// noon is when the commands of these tests are given.
var noon = time.Date(2026, time.May, 4, 12, 0, 0, 123e6, time.UTC)

var declined = decline.New(decline.CardDeclined, decline.DoNotHonor)

// commandID is the id of the n-th command of a test.
func commandID(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("01900000-0000-7000-8000-%012d", n))
}

func opID(p id.Prefix, n int) string  { return id.Format(p, commandID(n)) }
func keyOf(p id.Prefix, n int) string { return paymentID + "-" + opID(p, n) }

// now is the moment at which both clocks show noon and so much more.
func now(after time.Duration) domain.Moment {
	return domain.Moment{At: noon.Add(after), Wall: noon.Add(after)}
}

// after returns a history that goes on.
func after(history []payment.Event, more ...payment.Event) []payment.Event {
	return append(slices.Clone(history), more...)
}

// started is the history of a payment whose first attempt is with the acquirer.
func started(how payment.CaptureMethod, amount int64) []payment.Event {
	return []payment.Event{
		payment.Initiated{
			SessionID: sessionID, Amount: amount, Currency: "ZAR", Country: "ZA",
			CaptureMethod: how, Intent: payment.IntentPayment, Acquirer: "simulator",
		},
		payment.AttemptStarted{
			AttemptID: attemptID, Number: 1, Key: paymentID + "-1",
			AnswerBy: noon.Add(payment.AnswerWindow), Details: method.Details{Type: "card"},
		},
	}
}

// authorised is the history of a payment that waits for captures.
func authorised(amount int64, more ...payment.Event) []payment.Event {
	return after(after(started(payment.CaptureManual, amount), payment.Authorised{
		AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: reference, ExpiresAt: noon.Add(later),
	}), more...)
}

// sold is the history of a payment that was captured in one step.
func sold(amount int64) []payment.Event {
	return after(started(payment.CaptureAutomatic, amount), payment.Paid{AttemptID: attemptID, Amount: amount, Currency: "ZAR", Reference: reference})
}

// failed is the history of a payment whose attempts failed.
func failed(final bool, more ...payment.Event) []payment.Event {
	return after(after(started(payment.CaptureManual, 100), payment.AttemptFailed{AttemptID: attemptID, Failure: declined, Final: final}), more...)
}

// The n-th operation of a test: asked for at noon, and what became of it.

func captureRequested(n int, amount int64) payment.CaptureRequested {
	return payment.CaptureRequested{CaptureID: opID(id.Capture, n), Amount: amount, Currency: "ZAR", Key: keyOf(id.Capture, n), AnswerBy: noon.Add(payment.AnswerWindow)}
}

func captured(n int, amount int64) payment.Captured {
	return payment.Captured{CaptureID: opID(id.Capture, n), Amount: amount, Currency: "ZAR", Reference: "cap"}
}

func captureFailed(n int, amount int64) payment.CaptureFailed {
	return payment.CaptureFailed{CaptureID: opID(id.Capture, n), Amount: amount, Currency: "ZAR", Failure: declined}
}

func voidRequested(n int, amount int64) payment.VoidRequested {
	return payment.VoidRequested{VoidID: opID(id.Void, n), Amount: amount, Currency: "ZAR", Key: keyOf(id.Void, n), AnswerBy: noon.Add(payment.AnswerWindow)}
}

func voided(n int, amount int64) payment.Voided {
	return payment.Voided{VoidID: opID(id.Void, n), Amount: amount, Currency: "ZAR", Reference: "voi"}
}

func voidFailed(n int, amount int64) payment.VoidFailed {
	return payment.VoidFailed{VoidID: opID(id.Void, n), Amount: amount, Currency: "ZAR", Failure: declined}
}

func refundRequested(n int, amount int64) payment.RefundRequested {
	return payment.RefundRequested{RefundID: opID(id.Refund, n), Amount: amount, Currency: "ZAR", Key: keyOf(id.Refund, n), AnswerBy: noon.Add(payment.AnswerWindow)}
}

func refunded(n int, amount int64) payment.Refunded {
	return payment.Refunded{RefundID: opID(id.Refund, n), Amount: amount, Currency: "ZAR", Reference: "ref"}
}

func refundFailed(n int, amount int64) payment.RefundFailed {
	return payment.RefundFailed{RefundID: opID(id.Refund, n), Amount: amount, Currency: "ZAR", Failure: declined}
}

func refundFailedLate(n int, amount int64) payment.RefundFailed {
	e := refundFailed(n, amount)
	e.Late = true
	return e
}

func reversalRequested(n int, amount int64, reference string) payment.ReversalRequested {
	return payment.ReversalRequested{
		ReversalID: opID(id.Reversal, n), Amount: amount, Currency: "ZAR", Reference: reference,
		Key: keyOf(id.Reversal, n), AnswerBy: noon.Add(payment.AnswerWindow),
	}
}

func reversed(n int, amount int64) payment.Reversed {
	return payment.Reversed{ReversalID: opID(id.Reversal, n), Amount: amount, Currency: "ZAR", Reference: "rev"}
}

func reversalFailed(n int, amount int64) payment.ReversalFailed {
	return payment.ReversalFailed{ReversalID: opID(id.Reversal, n), Amount: amount, Currency: "ZAR", Failure: declined}
}

// wholly is a capture of an amount, asked for and performed.
func wholly(n int, amount int64) []payment.Event {
	return []payment.Event{captureRequested(n, amount), captured(n, amount)}
}

// back is a refund of an amount, asked for and performed.
func back(n int, amount int64) []payment.Event {
	return []payment.Event{refundRequested(n, amount), refunded(n, amount)}
}

func fold(events []payment.Event) payment.State {
	var s payment.State
	for _, e := range events {
		s = payment.Evolve(s, paymentID, e)
	}
	return s
}

// rule is one row of a table: after given, when is answered with then or refused.
type rule struct {
	name    string
	given   []payment.Event
	when    payment.Command
	then    []payment.Event
	refused error
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			got, err := payment.Decide(fold(r.given), r.when)
			if !errors.Is(err, r.refused) || err != nil && got != nil {
				t.Fatalf("the answer is %v, %v; want %v", got, err, r.refused)
			}
			if len(got) != len(r.then) || len(got) > 0 && !reflect.DeepEqual(got, r.then) {
				t.Fatalf("what happens is\n%#v, not\n%#v", got, r.then)
			}
		})
	}
}
