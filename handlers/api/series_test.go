package api_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

// Cards that behave in their own way when their holder is not there.
const (
	sulkyCard          = "4000000000000341" // declined softly
	authenticationCard = "4000000000000473" // authentication_required
	revokedCard        = "4000000000000481" // revocation_of_authorisation
	lostAnswerCard     = "4000000000000408"
)

func TestNextInSeries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, object{"amount": object{"max": 1000}})
	body := s.Next(700)
	body["metadata"], body["external_reference"] = object{"month": "3"}, "rent-3"
	first := b.Post(sessions, body, key("k")).Is(201).Shows(object{
		"type": "next_in_series", "status": "completed", "payment_outcome": "paid", "payment_status": "paid", "amount": 700,
		"customer_id": s.CustomerID, "payment_method_id": s.MethodID, "mandate_id": s.MandateID, "external_reference": "rent-3",
		"session_url": nil, "checkout_session_id": nil, "expires_at": nil, "last_payment_error": nil, "options.payment_method_id": s.MethodID,
	})
	b.Get(sessions + "/" + first.Text("id")).Is(200).Shows(object{"version": int(first.Int("version"))})
	again := b.Post(sessions, body, key("k")).Is(201)
	if string(again.Body) != string(first.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again it is\n%s\nnot\n%s", again.Body, first.Body)
	}
	b.Payment(first.Text("payment_id")).Shows(object{
		"status": "succeeded", "intent": "payment", "paid_amount": 700, "capture_method": "automatic", "customer_id": s.CustomerID,
		"payment_method_id": s.MethodID, "mandate_id": s.MandateID, "metadata.month": "3", "payment_method_details.card.last4": "4242",
	})
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": 1, "usage.successful_amount": 700})
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != 2 {
		t.Errorf("the acquirer was called %d times", n)
	}
	// Other processes know all of it.
	other := b.Caller.On(b.Process())
	other.Post(sessions, s.Next(300)).Is(201).Shows(object{"payment_outcome": "paid"})
	b.Post(sessions+"/"+first.Text("id")+"/cancel", nil).Problem(409, "session_not_active")
	b.Refund(first.Text("payment_id"), 0).Is(200)
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": 2, "usage.successful_amount": 1000})
}

// Reserved, it counts; what is given back counts no more.
func TestNextInSeriesManual(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, goodCard, object{"amount": object{"max": 1000}, "max_occurrences": 2, "period_limits": object{"period": "year", "max_amount": 1500}})
	usage := func(count, amount int, status string) {
		t.Helper()
		b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": status, "usage.successful_count": count, "usage.successful_amount": amount})
	}
	a := b.Post(sessions, s.Next(1000, handlerstest.Later())).Is(201).Shows(object{"status": "completed", "payment_outcome": "reserved"})
	paymentID := a.Text("payment_id")
	usage(1, 1000, "active")
	b.Post(sessions, s.Next(501)).Problem(422, "mandate_violation").Shows(object{"errors.0.code": "period_limit_exceeded", "amounts.period_remaining_amount": 500})
	b.Capture(paymentID, 400).Is(200)
	usage(1, 1000, "active")
	b.Void(paymentID).Is(200).Shows(object{"paid_amount": 400, "voided_amount": 600})
	usage(1, 400, "active")
	whole := b.Post(sessions, s.Next(900, handlerstest.Later())).Is(201).Text("payment_id")
	usage(2, 1300, "active") // it may come back
	b.Post(sessions, s.Next(1)).Problem(422, "mandate_violation").Shows(object{"errors.0.code": "max_occurrences_reached"})
	b.Void(whole).Is(200)
	usage(1, 400, "active")
	last := b.Post(sessions, s.Next(1000, handlerstest.Later())).Is(201).Text("payment_id")
	usage(2, 1400, "active")
	b.Capture(last, 0).Is(200)
	usage(2, 1400, "exhausted")
	b.Post(sessions, s.Next(1)).Problem(422, "mandate_violation")
}

// A decline is an answer like any other: the session says so, and is final.
func TestNextInSeriesDeclined(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := b.Series(1000, sulkyCard, object{"max_occurrences": 1})
	first := b.Post(sessions, s.Next(700), key("k")).Is(201).Shows(object{
		"status": "completed", "payment_outcome": "unpaid", "payment_status": "unpaid",
		"last_payment_error.error_code": "card_declined", "last_payment_error.decline_code": "do_not_honor",
	})
	again := b.Post(sessions, s.Next(700), key("k")).Is(201)
	if string(again.Body) != string(first.Body) {
		t.Errorf("again it is %s", again.Body)
	}
	b.Payment(first.Text("payment_id")).Shows(object{"status": "failed", "last_payment_error.decline_code": "do_not_honor", "paid_amount": 0})
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"status": "active", "usage.successful_count": 0})
	// It may be tried again, as a payment of its own.
	b.Get(methods + "/" + s.MethodID).Is(200).Shows(object{"usable": true})
	b.Post(sessions, s.Next(700)).Is(201).Shows(object{"payment_outcome": "unpaid"})
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != 3 {
		t.Errorf("the acquirer was called %d times", n)
	}
}

// While nobody knows what it came to it is pending, and counts; it is never sent
// twice, and the first key tells in the end.
func TestNextInSeriesUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		card, outcome string
		lose          func(*handlerstest.Line)
		count         int
	}{
		"a card whose answers are lost":     {lostAnswerCard, "paid", func(*handlerstest.Line) {}, 1},
		"an answer that was lost":           {goodCard, "paid", func(l *handlerstest.Line) { l.LoseAnswers(handlerstest.CallAuthorise) }, 1},
		"a request that was lost":           {goodCard, "unpaid", func(l *handlerstest.Line) { l.LoseRequests(handlerstest.CallAuthorise) }, 0},
		"an answer that was lost, declined": {sulkyCard, "unpaid", func(l *handlerstest.Line) { l.LoseAnswers(handlerstest.CallAuthorise) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.First.Project()
			s := b.seriesWith(t, c.card, object{"max_occurrences": 1})
			c.lose(b.First.Line)
			calls := b.First.Line.Calls(handlerstest.CallAuthorise)
			first := b.Post(sessions, s.Next(700), key("k")).Is(201).Shows(object{"status": "active", "payment_outcome": "pending", "payment_status": "pending"})
			b.Post(sessions, s.Next(700)).Problem(422, "mandate_violation").Shows(object{"errors.0.code": "max_occurrences_reached"})
			b.Delete(customers+"/"+s.CustomerID).Problem(409, "customer_has_open_payments")
			eventually(t, "the first request is not taken to be running any more", func() bool {
				again := b.Post(sessions, s.Next(700), key("k"))
				return again.Status == 201 && again.Text("id") == first.Text("id") && again.Text("payment_outcome") == "pending"
			})
			b.First.Work()
			b.Clock.Advance(2 * time.Hour)
			eventually(t, "the outcome is known", func() bool {
				return b.Get(sessions+"/"+first.Text("id")).Is(200).Text("payment_outcome") == c.outcome
			})
			b.Post(sessions, s.Next(700), key("k")).Is(201).Shows(object{"id": first.Text("id"), "status": "completed", "payment_outcome": c.outcome})
			last := b.Post(sessions, s.Next(700), key("k")).Is(201)
			if last.Header.Get("Idempotent-Replayed") != "true" || last.Text("id") != first.Text("id") {
				t.Errorf("the answer is no replay: %s", last.Body)
			}
			b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"usage.successful_count": c.count, "usage.successful_amount": 700 * c.count})
			if n := b.First.Line.Calls(handlerstest.CallAuthorise) - calls; n != 1 {
				t.Errorf("the acquirer was called %d times", n)
			}
		})
	}
}

// seriesWith begins a series with a card whose answers may be lost from the first.
func (b *bundle) seriesWith(t *testing.T, card string, mandate object) handlerstest.Series {
	t.Helper()
	stop := b.First.Work()
	defer stop()
	sessionID, checkoutID := b.Create(1000, object{"type": "first_in_series", "options": object{"mandate_options": mandate}})
	b.Accept(checkoutID, card).Is(200)
	eventually(t, "the first payment is known", func() bool {
		return b.Get(sessions+"/"+sessionID).Is(200).Text("status") == "completed"
	})
	a := b.Get(sessions + "/" + sessionID).Is(200)
	return handlerstest.Series{
		SessionID: sessionID, CustomerID: a.Text("customer_id"), MethodID: a.Text("payment_method_id"), MandateID: a.Text("mandate_id"),
	}
}
