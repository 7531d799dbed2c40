package clocks_test

import (
	"testing"
	"time"

	"tender/handlers/handlerstest"
)

func TestASessionExpiresAtItsInstant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	clockID := b.clock("2026-01-01T00:00:00Z")
	customerID := b.onClock(clockID)
	sessionID, checkoutID := b.Create(1000, of(customerID, expiresAt("2026-01-01T06:30:00Z")))
	later, _ := b.Create(1000, of(customerID, expiresAt("2026-01-03T00:00:00Z")))
	b.Get(handlerstest.SessionsPath + "/" + sessionID).Is(200).Shows(object{
		"created_at": "2026-01-01T00:00:00.000Z", "expires_at": "2026-01-01T06:30:00.000Z",
	})
	elsewhere, _ := b.Create(1000)

	b.advance(t, clockID, "2026-01-01T06:29:59.999Z")
	b.Get(handlerstest.SessionsPath + "/" + sessionID).Shows(object{"status": "active"})
	a := b.advance(t, clockID, "2026-01-02T00:00:00Z")
	a.Shows(object{"frozen_time": "2026-01-02T00:00:00.000Z", "advancing_to": nil})
	b.happened(t, sessionID, "session.expired", "2026-01-01T06:30:00Z")
	b.Get(handlerstest.SessionsPath + "/" + later).Shows(object{"status": "active"})
	b.customer.Pay(checkoutID, goodCard).Problem(409, "session_not_active")

	b.advance(t, clockID, "2026-06-01T00:00:00Z")
	b.happened(t, later, "session.expired", "2026-01-03T00:00:00Z")
	// Every list shows it, once the clock is ready.
	if n := b.Get(handlerstest.SessionsPath + "?status=expired").Is(200).Len("data"); n != 2 {
		t.Errorf("the list shows %d expired sessions, not 2", n)
	}
	b.Get(handlerstest.SessionsPath + "/" + elsewhere).Shows(object{"status": "active"})
}

func TestAnAuthorisationExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	elsewhere := b.Reserved(1000, goodCard)
	clockID := b.clock("2024-02-28T12:00:00Z")
	customerID := b.onClock(clockID)
	_, paymentID := b.Paid(5000, goodCard, of(customerID, manual()))
	b.Capture(paymentID, 2000).Is(200)
	expires := b.Payment(paymentID).Text("authorisation_expires_at")
	if d := at(t, expires).Sub(at(t, "2024-02-28T12:00:00Z")); d < 6*24*time.Hour || d > 31*24*time.Hour {
		t.Fatalf("the authorisation lasts %s by its clock", d)
	}

	b.advance(t, clockID, "2024-05-01T00:00:00Z")
	b.happened(t, paymentID, "payment.authorisation_expired", at(t, expires).Format(time.RFC3339))
	eventually(t, "what remained was released", func() bool { return b.Payment(paymentID).Int("expired_amount") == 3000 })
	b.Payment(paymentID).Shows(object{"paid_amount": 2000, "capturable_amount": 0})
	b.Capture(paymentID, 100).Problem(409, "authorisation_expired")
	b.Payment(elsewhere).Shows(object{"capturable_amount": 1000})
}

// Who is on the way to their bank when the session's time is over is not waited for.
func TestAChallengeEndsWithItsSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	clockID := b.clock("2026-01-01T00:00:00Z")
	sessionID, checkoutID := b.Create(1000, of(b.onClock(clockID), expiresAt("2026-01-01T01:00:00Z")))
	b.customer.Pay(checkoutID, challengeCard).Is(200).Shows(object{"next_action.type": "redirect"})

	b.advance(t, clockID, "2026-01-02T00:00:00Z")
	b.happened(t, sessionID, "session.expired", "2026-01-01T01:00:00Z")
	b.Get(handlerstest.SessionsPath + "/" + sessionID).Shows(object{"last_payment_error.error_code": "timed_out"})
}

func TestExpiryIsJudgedByTheCustomersClock(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clockID := b.clock("2030-01-01T00:00:00Z")
	customerID := b.onClock(clockID)
	for expiry, accepted := range map[string]bool{
		"2030-01-01T00:04:59Z": false, "2030-01-01T00:05:00Z": true,
		"2030-01-31T00:00:00Z": true, "2030-01-31T00:00:01Z": false,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339): false,
	} {
		for name, s := range map[string]object{
			"of a customer": of(customerID, expiresAt(expiry)),
			"of a new one":  {"options": object{"customer": object{"test_clock_id": clockID}, "checkout_options": expiresAt(expiry)["checkout_options"]}},
		} {
			a := b.Post(handlerstest.SessionsPath, handlerstest.Session(1000, s))
			if accepted != (a.Status == 201) {
				t.Errorf("a session %s that expires at %s: %d %s", name, expiry, a.Status, a.Body)
			}
			if !accepted && a.Text("errors.0.pointer") != "/options/checkout_options/expires_at" {
				t.Errorf("the refusal is %s", a.Body)
			}
		}
	}
	// A validity that is over on the wall is not over on a clock that is behind it.
	past := b.onClock(b.clock("2020-01-01T00:00:00Z"))
	terms := object{"type": "on_demand", "amount": 1000, "validity_period": object{"start_date": "2020-01-01", "end_date": "2020-12-31"}}
	series := object{"type": "first_in_series", "options": object{"customer_id": past, "mandate_options": terms}}
	b.Post(handlerstest.SessionsPath, handlerstest.Session(1000, series)).Is(201)
	series["options"] = object{"customer_id": customerID, "mandate_options": terms}
	b.Post(handlerstest.SessionsPath, handlerstest.Session(1000, series)).Problem(400, "invalid_request")
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	clockID := b.clock("2026-01-01T00:00:00Z")
	advance := clocksPath + "/" + clockID + "/advance"
	b.Post(advance, object{"to": "2026-01-01T00:00:00Z"}).Problem(422, "clock_not_forward")
	b.Post(advance, object{"to": "2031-01-01T00:00:01Z"}).Problem(422, "clock_too_far")
	b.Post(advance, object{"to": "2200-01-01T00:00:00Z"}).Problem(400, "invalid_request")
	b.Post(advance, object{}).Problem(400, "invalid_request")
	b.Post(clocksPath, object{"frozen_time": "1999-12-31T23:59:59Z"}).Problem(400, "invalid_request")
	b.Post(clocksPath, object{"frozen_time": "yesterday"}).Problem(400, "invalid_request")
	other := b.House.Merchant("test")
	stranger := b.First.Caller(t, other.Secret)
	stranger.Get(clocksPath+"/"+clockID).Problem(404, "not_found")
	stranger.Post(advance, object{"to": "2026-02-01T00:00:00Z"}).Problem(404, "not_found")
	stranger.Post(customersPath, object{"test_clock_id": clockID}).Problem(400, "invalid_request")
	live := b.First.Caller(t, b.House.Merchant("live").Secret)
	live.Post(clocksPath, object{"frozen_time": "2026-01-01T00:00:00Z"}).Problem(404, "not_found")
	live.Get(clocksPath).Problem(404, "not_found")
	live.Get(clocksPath+"/"+clockID).Problem(404, "not_found")
	b.First.Caller(t, b.merchant.Public).Get(clocksPath+"/"+clockID).Problem(403, "forbidden")

	// Nobody drives it: it stays on its way.
	key := handlerstest.Key("advance once")
	b.Post(advance, object{"to": "2026-02-01T00:00:00Z"}, key).Is(200).Shows(object{"status": "advancing"})
	b.Post(advance, object{"to": "2026-02-01T00:00:00Z"}, key).Is(200).Shows(object{"status": "advancing"})
	b.Post(advance, object{"to": "2026-03-01T00:00:00Z"}, key).Problem(422, "idempotency_key_reused")
	b.Post(advance, object{"to": "2026-03-01T00:00:00Z"}).Problem(409, "clock_advancing")
	b.remove(t, clocksPath+"/"+clockID).Problem(409, "clock_advancing")
	b.First.Clocks()
	b.ready(t, clockID)
	eventually(t, "the list shows it", func() bool { return b.Get(clocksPath+"?status=ready").Is(200).Len("data") == 1 })
	b.remove(t, clocksPath+"/"+clockID).Is(204)
	b.Get(clocksPath+"/"+clockID).Problem(404, "not_found")
	b.Post(advance, object{"to": "2026-03-01T00:00:00Z"}).Problem(404, "not_found")
	b.Post(customersPath, object{"test_clock_id": clockID}).Problem(400, "invalid_request")
}

func (b *bundle) remove(t *testing.T, path string) *handlerstest.Answer {
	t.Helper()
	a, err := b.Send("DELETE", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
