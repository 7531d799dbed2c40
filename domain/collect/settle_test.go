package collect_test

import (
	"testing"
	"time"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/decline"
	"tender/domain/id"
	"tender/domain/payment"
	"tender/domain/session"
)

// word is what the acquirer says of the n-th attempt, a minute after noon.
func word(kind collect.OutcomeKind, n int) collect.Outcome {
	o := collect.Outcome{ID: commandID(9), Key: attemptKey(n), Kind: kind, Now: now(time.Minute)}
	switch kind {
	case collect.OutcomeApproved:
		o.Reference, o.NetworkTransactionID, o.ThreeDSecure, o.ExpiresAt = "auth", "ntx", "authenticated", noon.Add(authEnds)
	case collect.OutcomeDeclined:
		o.Failure = declined
	case collect.OutcomeActionRequired:
		o.URL = "https://acs.example/1"
	case collect.OutcomeClosed:
	}
	return o
}

func wordAfter(kind collect.OutcomeKind, n int, d time.Duration) collect.Outcome {
	o := word(kind, n)
	o.Now = now(d)
	return o
}

// onPayment is what happens to the payment alone.
func onPayment(events ...payment.Event) collect.Changes {
	return happens(nil, events)
}

// fails is what the n-th attempt's failure gives, with what it leads to.
func fails(n int, f decline.Failure, s []session.Event, p []payment.Event) collect.Changes {
	return happens(
		append([]session.Event{session.AttemptFailed{PaymentID: paymentID, AttemptID: attemptIDs[n], Failure: f}}, s...),
		append([]payment.Event{payment.AttemptFailed{AttemptID: attemptIDs[n], Failure: f, Final: n == payment.AttemptsMax}}, p...),
	)
}

func reserves(n int) collect.Changes {
	return happens(
		[]session.Event{session.Completed{PaymentID: paymentID, Outcome: session.OutcomeReserved}},
		[]payment.Event{payment.Authorised{
			AttemptID: attemptIDs[n], Amount: amount, Currency: "ZAR", Reference: "auth", NetworkTransactionID: "ntx",
			ThreeDSecure: "authenticated", ExpiresAt: noon.Add(authEnds),
		}},
	)
}

func pays(n int) collect.Changes {
	return happens(
		[]session.Event{session.Completed{PaymentID: paymentID, Outcome: session.OutcomePaid}},
		[]payment.Event{payment.Paid{
			AttemptID: attemptIDs[n], Amount: amount, Currency: "ZAR", Reference: "auth", NetworkTransactionID: "ntx", ThreeDSecure: "authenticated",
		}},
	)
}

// settleRule is one row of a table: after given, when is recorded as then.
type settleRule struct {
	name  string
	given history
	when  collect.Outcome
	then  collect.Changes
}

func checkSettle(t *testing.T, rules []settleRule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s, p := r.given.fold()
			sameChanges(t, settle(t, s, p, r.when), r.then)
		})
	}
}

func TestAttemptSucceeds(t *testing.T) {
	t.Parallel()
	manual, sale := created(payment.CaptureManual), created(payment.CaptureAutomatic)
	approved := word(collect.OutcomeApproved, 1)
	checkSettle(t, []settleRule{
		{"reserved", manual.attempted(), approved, reserves(1)},
		{"paid", sale.attempted(), approved, pays(1)},
		{"after a challenge", manual.attempted().sentAway(), approved, reserves(1)},
		{"after others failed", sale.failedTimes(3).attempted(), word(collect.OutcomeApproved, 4), pays(4)},
		{"the last of ten", sale.failedTimes(9).attempted(), word(collect.OutcomeApproved, 10), pays(10)},
		{"after the session's time", manual.attempted(), wordAfter(collect.OutcomeApproved, 1, 2*lifetime), reserves(1)},
		{"although a cancel was asked for", sale.attempted().sentAway().cancelAsked(session.ByMerchant), approved, pays(1)},
		{"the same word again", manual.attempted().approved(), approved, collect.Changes{}},
		{"the same word again, of a sale", sale.attempted().approved(), approved, collect.Changes{}},
	})
}

func TestAttemptWaitsForTheCustomer(t *testing.T) {
	t.Parallel()
	manual := created(payment.CaptureManual)
	away := word(collect.OutcomeActionRequired, 1)
	elsewhere := wordAfter(collect.OutcomeActionRequired, 1, 5*time.Minute)
	elsewhere.URL = "https://acs.example/2"
	onAClock := away
	onAClock.Now = domain.Moment{At: noon.Add(-time.Hour), Wall: noon.Add(time.Minute)}
	checkSettle(t, []settleRule{
		{"sent away", manual.attempted(), away, onPayment(actionRequired(1, time.Minute))},
		{"sent away, at a time by the wall", manual.attempted(), onAClock, onPayment(actionRequired(1, time.Minute))},
		{"the second attempt", manual.failedTimes(1).attempted(), word(collect.OutcomeActionRequired, 2), onPayment(actionRequired(2, time.Minute))},
		{"the same word again", manual.attempted().sentAway(), away, collect.Changes{}},
		{"another word of the same kind", manual.attempted().sentAway(), elsewhere, collect.Changes{}},
		{"late, after it failed", manual.failedTimes(1), away, collect.Changes{}},
		{"late, after it succeeded", manual.attempted().approved(), away, collect.Changes{}},
		{"late, while the second is in flight", manual.failedTimes(1).attempted(), away, collect.Changes{}},
	})
}

func TestAttemptFails(t *testing.T) {
	t.Parallel()
	manual := created(payment.CaptureManual)
	away := manual.attempted().sentAway()
	no, closed := word(collect.OutcomeDeclined, 1), word(collect.OutcomeClosed, 1)
	wrongCVC := no
	wrongCVC.Failure = decline.New(decline.IncorrectCVC, "")

	byTime := []session.Event{session.Expired{Reason: session.ExpiredByTime}}
	byAttempts := []session.Event{session.Expired{Reason: session.ExpiredByAttempts}}
	givenUp := func(by session.CancelledBy) []session.Event { return []session.Event{session.Cancelled{By: by}} }
	paymentExpired, paymentCancelled := []payment.Event{payment.Expired{}}, []payment.Event{payment.Cancelled{}}
	last := manual.failedTimes(9).attempted()

	checkSettle(t, []settleRule{
		{"declined", manual.attempted(), no, fails(1, declined, nil, nil)},
		{"declined for another reason", manual.attempted(), wrongCVC, fails(1, wrongCVC.Failure, nil, nil)},
		{"declined after a challenge", away, no, fails(1, declined, nil, nil)},
		{"lost on the way", manual.attempted(), closed, fails(1, lost, nil, nil)},
		{"closed while the customer was away", away, closed, fails(1, timedOut, nil, nil)},
		{"the second is lost, after the first had a challenge", away.failed().attempted(), word(collect.OutcomeClosed, 2), fails(2, lost, nil, nil)},

		{"the last is declined", last, word(collect.OutcomeDeclined, 10), fails(10, declined, byAttempts, nil)},
		{"the last is lost", last, word(collect.OutcomeClosed, 10), fails(10, lost, byAttempts, nil)},
		{"the last times out", last.sentAway(), word(collect.OutcomeClosed, 10), fails(10, timedOut, byAttempts, nil)},
		{"the last is declined after the session's time", last, wordAfter(collect.OutcomeDeclined, 10, lifetime), fails(10, declined, byAttempts, nil)},
		{"the last but one is declined", manual.failedTimes(8).attempted(), word(collect.OutcomeDeclined, 9), fails(9, declined, nil, nil)},

		{"declined at the session's end", manual.attempted(), wordAfter(collect.OutcomeDeclined, 1, lifetime), fails(1, declined, byTime, paymentExpired)},
		{"declined an instant before the session's end", manual.attempted(), wordAfter(collect.OutcomeDeclined, 1, lifetime-time.Millisecond), fails(1, declined, nil, nil)},
		{"timed out after the session's end", away, wordAfter(collect.OutcomeClosed, 1, 2*lifetime), fails(1, timedOut, byTime, paymentExpired)},

		{"given up by the customer", away.cancelAsked(session.ByCustomer), closed, fails(1, cancelled, givenUp(session.ByCustomer), paymentCancelled)},
		{"given up by the merchant", away.cancelAsked(session.ByMerchant), closed, fails(1, cancelled, givenUp(session.ByMerchant), paymentCancelled)},
		{"given up, and declined", away.cancelAsked(session.ByCustomer), no, fails(1, declined, givenUp(session.ByCustomer), paymentCancelled)},
		{"given up, after the session's end", away.cancelAsked(session.ByCustomer), wordAfter(collect.OutcomeClosed, 1, lifetime), fails(1, cancelled, givenUp(session.ByCustomer), paymentCancelled)},
		{"given up at the last attempt", last.sentAway().cancelAsked(session.ByCustomer), word(collect.OutcomeClosed, 10), fails(10, cancelled, givenUp(session.ByCustomer), nil)},

		{"declined again", manual.failedTimes(1), no, collect.Changes{}},
		{"closed after it was declined", manual.failedTimes(1), closed, collect.Changes{}},
		{"the first, declined again while the second is in flight", manual.failedTimes(1).attempted(), no, collect.Changes{}},
	})

	// By the session's clock, not by the wall.
	s, p := manual.attempted().fold()
	no.Now = domain.Moment{At: noon, Wall: noon.Add(1000 * time.Hour)}
	sameChanges(t, settle(t, s, p, no), fails(1, declined, nil, nil))
	no.Now = domain.Moment{At: noon.Add(lifetime), Wall: noon}
	sameChanges(t, settle(t, s, p, no), fails(1, declined, byTime, paymentExpired))
}

// An answer that comes late and says the opposite never moves the record. Where
// it means that money was reserved, the intent to give it back comes with it.
func TestLateAnswersContradict(t *testing.T) {
	t.Parallel()
	manual, sale := created(payment.CaptureManual), created(payment.CaptureAutomatic)
	yes := func(n int) collect.Outcome {
		o := word(collect.OutcomeApproved, n)
		o.Reference = "auth_late"
		return o
	}
	reverses := func(n int) collect.Changes {
		reversalID := id.Format(id.Reversal, commandID(9))
		return onPayment(
			payment.Contradicted{Key: attemptKey(n), Performed: true, Amount: amount, Currency: "ZAR", Reference: "auth_late"},
			payment.ReversalRequested{
				ReversalID: reversalID, Amount: amount, Currency: "ZAR", Reference: "auth_late",
				Key: paymentID + "-" + reversalID, AnswerBy: noon.Add(time.Minute + 15*time.Second),
			},
		)
	}
	paysBack := reverses(1) // what was taken at once
	last := len(paysBack.Payment.Events) - 1
	taken := paysBack.Payment.Events[last].(payment.ReversalRequested)
	taken.Refund = true
	paysBack.Payment.Events[last] = taken
	said := func(h history, c collect.Changes) history { return h.and(c.Session.Events, c.Payment.Events) }
	denied := onPayment(payment.Contradicted{Key: attemptKey(1), Performed: false, Amount: amount, Currency: "ZAR"})

	checkSettle(t, []settleRule{
		{"approved after it failed", manual.failedTimes(1), yes(1), reverses(1)},
		{"approved after it failed, of a sale", sale.failedTimes(1), yes(1), paysBack},
		{"approved after it failed, while another is in flight", manual.failedTimes(1).attempted(), yes(1), reverses(1)},
		{"approved after it failed, with another at the customer", manual.failedTimes(1).attempted().sentAway(), yes(1), reverses(1)},
		{"approved after it failed, and another succeeded", manual.failedTimes(1).attempted().approved(), yes(1), reverses(1)},
		{"approved after the session was cancelled", manual.failedTimes(1).cancelled(), yes(1), reverses(1)},
		{"approved after the session expired", manual.failedTimes(1).expired(), yes(1), reverses(1)},
		{"approved after the last attempt", exhausted(), yes(10), reverses(10)},
		{"two late ones, the second", said(manual.failedTimes(2), reverses(1)), yes(2), reverses(2)},
		{"approved after it failed, twice", said(manual.failedTimes(1), reverses(1)), yes(1), collect.Changes{}},
		{"failed, approved, and failed", said(manual.failedTimes(1), reverses(1)), word(collect.OutcomeDeclined, 1), collect.Changes{}},

		{"declined after it was reserved", manual.attempted().approved(), word(collect.OutcomeDeclined, 1), denied},
		{"declined after it was paid", sale.attempted().approved(), word(collect.OutcomeDeclined, 1), denied},
		{"closed after it was reserved", manual.attempted().approved(), word(collect.OutcomeClosed, 1), denied},
		{"declined after it was reserved, twice", said(manual.attempted().approved(), denied), word(collect.OutcomeClosed, 1), collect.Changes{}},
		{"reserved, declined, and reserved", said(manual.attempted().approved(), denied), word(collect.OutcomeApproved, 1), collect.Changes{}},

		{"approved, of an attempt that never was", manual.attempted(), yes(2), collect.Changes{}},
		{"approved, of an attempt that never was, after one failed", manual.failedTimes(1), yes(2), collect.Changes{}},
		{"approved, without any attempt", manual, yes(1), collect.Changes{}},
		{"declined, of an attempt that never was", manual.attempted().approved(), word(collect.OutcomeDeclined, 2), collect.Changes{}},
	})
}
