package ops_test

import (
	"context"
	"testing"
	"time"

	"tender/acquirers"
	"tender/domain/payment"
	house "tender/handlers/handlerstest"
)

// series are the options of a session that begins a series.
var series = house.Object{"type": "first_in_series", "options": house.Object{}}

// A customer who has paid, as two people have found out, has agreed to what follows,
// too.
func TestAnAttemptIsResolvedAsPaid(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, attempted(10_000, series))
	sessionID := d.Payment(paymentID).Text("payment_session_id")
	d.Payment(paymentID).Shows(house.Object{"status": "processing"})
	path := d.propose(paymentID, house.Object{
		"outcome": "succeeded", "reference": "auth-by-hand", "network_transaction_id": "ntx-by-hand",
		"effective_at": d.Clock.Now().Add(-20 * time.Hour).UTC().Format(time.RFC3339),
	})
	d.pieter.Post(path+"/confirm", nil).Is(200).Shows(house.Object{"status": "succeeded"})
	d.Payment(paymentID).Shows(house.Object{
		"status": "succeeded", "paid_amount": 10_000, "reconciliation_reference": "auth-by-hand", "network_transaction_id": "ntx-by-hand",
	})
	a := d.Get(house.SessionsPath + "/" + sessionID).Is(200).Shows(house.Object{"status": "completed", "payment_outcome": "paid"})
	d.Get(house.MandatesPath + "/" + a.Text("mandate_id")).Is(200).Shows(house.Object{"status": "active"})
	for _, stream := range []string{sessionID, a.Text("mandate_id"), a.Text("customer_id"), a.Text("payment_method_id")} {
		events := d.events(stream)
		last, proposed := events[len(events)-1], d.events(paymentID)[2]
		if last.Actor.Kind != "staff" || last.Causation != proposed.ID {
			t.Errorf("%s ends in %s by %s, because of %s", stream, last.Type, last.Actor.Kind, last.Causation)
		}
	}
	if paid := d.events(paymentID)[4]; paid.Type != "payment.paid" || paid.EffectiveAt.IsZero() {
		t.Errorf("%s is dated %s", paid.Type, paid.EffectiveAt)
	}
	// The card can be charged on.
	d.First.Line.Between(nil)
	s := house.Series{SessionID: sessionID, CustomerID: a.Text("customer_id"), MethodID: a.Text("payment_method_id"), MandateID: a.Text("mandate_id")}
	d.Post(house.SessionsPath, s.Next(5_000)).Is(201).Shows(house.Object{"payment_outcome": "paid"})
}

// A session whose time is over ends with its last attempt, as it would have.
func TestAnAttemptIsResolvedAsFailed(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, attempted(10_000))
	sessionID := d.Payment(paymentID).Text("payment_session_id")
	path := d.propose(paymentID, house.Object{"outcome": "failed", "error_code": "card_declined", "decline_code": "insufficient_funds"})
	d.pieter.Post(path+"/confirm", nil).Is(200)
	d.Payment(paymentID).Shows(house.Object{"status": "expired", "last_payment_error.decline_code": "insufficient_funds"})
	d.Get(house.SessionsPath + "/" + sessionID).Is(200).Shows(house.Object{"status": "expired", "payment_outcome": "unpaid"})

	// It was paid after all: that is given back.
	d.hears(paymentID + "-1")
	d.told(d.tells(paymentID, 4), "payment.resolution_confirmed by staff", "payment.attempt_failed by staff", "payment.expired by staff",
		"payment.contradicted by acquirer", "payment.reversal_requested by acquirer", "payment.reversed by acquirer")
}

// An authorisation that two people know of can be captured until it ends.
func TestAReservationIsResolved(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, attempted(10_000, house.Manual()))
	resolutions := "/ops/payments/" + paymentID + "/resolutions"
	a := d.thandi.Post(resolutions, d.says(paymentID, succeeded("auth-by-hand"))).Problem(400, "invalid_request")
	if a.Text("errors.0.pointer") != "/expires_at" {
		t.Errorf("blamed is %s", a.Body)
	}
	ends := d.Clock.Now().Add(5 * 24 * time.Hour).UTC().Truncate(time.Second)
	path := d.propose(paymentID, house.Object{"outcome": "succeeded", "reference": "auth-by-hand", "expires_at": ends.Format(time.RFC3339)})
	d.pieter.Post(path+"/confirm", nil).Is(200)
	d.Payment(paymentID).Shows(house.Object{"capturable_amount": 10_000, "authorisation_expires_at": ends.Format("2006-01-02T15:04:05.000Z")})
}

// What lives on a test clock is unresolved by the wall's time, and ends by its own.
func TestAPaymentOnATestClockIsResolved(t *testing.T) {
	t.Parallel()
	var clockID string
	d, paymentID := silent(t, func(d *desk) string {
		clockID = d.Post("/test/clocks", house.Object{"frozen_time": "2030-01-01T00:00:00Z"}).Is(201).Text("id")
		options := house.Manual()
		options["options"].(house.Object)["customer"] = house.Object{"test_clock_id": clockID} //nolint:forcetypeassert // it was made so
		return attempted(10_000, options)(d)
	})
	answerBy, err := time.Parse(time.RFC3339, d.thandi.Get("/ops/payments/"+paymentID).Is(200).Text("operations.0.answer_by"))
	if err != nil {
		t.Fatal(err)
	}
	ends := answerBy.Add(7*24*time.Hour - payment.AnswerWindow)
	path := d.propose(paymentID, house.Object{"outcome": "succeeded", "reference": "auth-by-hand", "expires_at": ends.Format(time.RFC3339)})
	d.pieter.Post(path+"/confirm", nil).Is(200)
	d.Payment(paymentID).Shows(house.Object{"capturable_amount": 10_000, "authorisation_expires_at": "2030-01-08T00:00:00.000Z"})
	d.First.Line.Between(nil)
	d.First.Clocks()
	d.Post("/test/clocks/"+clockID+"/advance", house.Object{"to": "2030-01-09T00:00:00Z"}).Is(200)
	house.Eventually(t, "the clock arrives", func() bool {
		return d.Get("/test/clocks/"+clockID).Is(200).Text("status") == "ready"
	})
	d.Payment(paymentID).Shows(house.Object{"capturable_amount": 0, "expired_amount": 10_000})
}

// A worker that asks and an operator who does come to one outcome.
func TestAWorkerAndAnOperatorAskAtOnce(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, captured)
	d.First.Line.Between(nil)
	second := d.Process()
	stop := second.Work()
	defer stop()
	a := d.thandi.Post("/ops/payments/"+paymentID+"/ask", nil)
	if a.Status != 200 {
		a.Problem(409, "not_unresolved")
	}
	house.Eventually(t, "it is settled", func() bool { return d.Payment(paymentID).Int("pending_amount") == 0 })
	d.told(d.tells(paymentID, 5), "payment.captured by acquirer")
}

// silentAbout is an acquirer that says nothing of one key.
type silentAbout struct {
	acquirers.Acquirer
	key string
}

func (s silentAbout) Settle(ctx context.Context, key string) (acquirers.Answer, error) {
	if key == s.key {
		return acquirers.Answer{}, house.ErrLost
	}
	return s.Acquirer.Settle(ctx, key)
}

// What the acquirer says nothing of holds up nothing else of the payment; and each time
// that it was asked in vain is counted.
func TestSilenceAboutOneHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	d, paymentID := silent(t, func(d *desk) string {
		paymentID := captured(d)
		d.Capture(paymentID, 1_000).Is(202)
		return paymentID
	})
	about := d.operation(paymentID)
	second := d.Process()
	second.Line.Acquirer = silentAbout{second.Line.Acquirer, paymentID + "-" + about}
	second.Work()
	house.Eventually(t, "the other is settled, and the first asked about again", func() bool {
		a := d.thandi.Get("/ops/payments/" + paymentID).Is(200)
		return a.Len("operations") == 1 && a.Int("operations.0.asked_count") > 1
	})
	d.thandi.Get("/ops/payments/" + paymentID).Is(200).Shows(house.Object{
		"operations.0.operation_id": about, "operations.0.last_answer": "none", "operations.0.unresolved": true,
	})
	d.Payment(paymentID).Shows(house.Object{"captures.0.status": "pending", "captures.1.status": "succeeded"})
}
