package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tender/domain/merchant"
	"tender/handlers/handlerstest"
)

// day is a date so many days from now, in UTC.
func (b *bundle) day(days int) string {
	return b.Clock.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly)
}

// A mandate shows what was agreed to, as it was agreed to, and the evidence.
func TestMandates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	monthly := object{"type": "monthly", "interval_count": 1, "on": object{"type": "day_of_month", "days": []int{1, 15}, "adjustment": "nearest_weekday"}}
	for _, c := range []struct {
		name  string
		asked object
		want  object
	}{
		{"nothing is asked", nil, object{"type": "on_demand"}},
		{"nothing in particular", object{}, object{"type": "on_demand", "amount": object{"max": 1000}}},
		{"exactly", object{"amount": 700}, object{"type": "on_demand", "amount": 700}},
		{"at most", object{"amount": object{"max": 700}}, object{"type": "on_demand", "amount": object{"max": 700}}},
		{"at least", object{"amount": object{"min": 700}}, object{"type": "on_demand", "amount": object{"min": 700}}},
		{"between", object{"amount": object{"min": 1, "max": 700}}, object{"type": "on_demand", "amount": object{"min": 1, "max": 700}}},
		{"anything", object{"amount": object{"min": 0}}, object{"type": "on_demand"}},
		{"scheduled", object{"type": "scheduled", "amount": 700, "recurrence": monthly}, object{"type": "scheduled", "amount": 700, "recurrence": monthly}},
		{"by the week", object{"recurrence": object{"type": "weekly", "interval_count": 2, "on": object{"days": []string{"thu", "mon"}}}},
			object{"type": "on_demand", "amount": object{"max": 1000}, "recurrence": object{"type": "weekly", "interval_count": 2, "on": object{"days": []string{"mon", "thu"}}}}},
		{"for a time", object{"amount": 700, "validity_period": object{"start_date": b.day(-3), "end_date": b.day(40)}},
			object{"type": "on_demand", "amount": 700, "validity_period": object{"start_date": b.day(-3), "end_date": b.day(40)}}},
		{"so often", object{"amount": 700, "max_occurrences": 3}, object{"type": "on_demand", "amount": 700, "max_occurrences": 3}},
		{"so much", object{"amount": 700, "period_limits": object{"period": "month", "max_count": 2, "max_amount": 1400,
			"window": object{"mode": "cycle", "anchor": object{"type": "day_of_month", "day": 15}}}},
			object{"type": "on_demand", "amount": 700, "period_limits": object{"period": "month", "max_count": 2, "max_amount": 1400,
				"window": object{"mode": "cycle", "anchor": object{"type": "day_of_month", "day": 15}}}}},
		{"by the calendar", object{"amount": 700, "period_limits": object{"period": "day", "max_count": 2, "window": object{"mode": "calendar"}}},
			object{"type": "on_demand", "amount": 700, "period_limits": object{"period": "day", "max_count": 2}}},
		{"in parts", object{"type": "installment", "total_amount": 2100, "terms": object{"type": "periodic", "amount": 700, "recurrence": monthly, "max_occurrences": 3}},
			object{"type": "installment", "total_amount": 2100, "terms": object{"type": "periodic", "amount": 700, "recurrence": monthly, "max_occurrences": 3}}},
		{"in parts with dates", object{"type": "installment", "total_amount": 900, "terms": object{"type": "fixed", "items": []object{{"amount": 400, "date": b.day(0)}, {"amount": 500, "date": b.day(9)}}}},
			object{"type": "installment", "total_amount": 900, "terms": object{"type": "fixed", "items": []object{{"amount": 400, "date": b.day(0)}, {"amount": 500, "date": b.day(9)}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			caller := b.of(t)
			s := caller.Series(1000, goodCard, c.asked)
			a := caller.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{
				"status": "active", "currency": "ZAR", "time_zone": "UTC", "mode": "test", "usage.successful_count": 0, "usage.successful_amount": 0,
				"customer_id": s.CustomerID, "payment_method_id": s.MethodID, "payment_session_id": s.SessionID, "revocation": nil,
			})
			for _, field := range []string{"type", "amount", "recurrence", "validity_period", "max_occurrences", "period_limits", "total_amount", "terms"} {
				if got, want := text(a.At(field)), text(c.want[field]); got != want {
					t.Errorf("%s is %s, not %s", field, got, want)
				}
			}
			session := caller.Get(sessions + "/" + s.SessionID).Is(200).Shows(object{"payment_outcome": "paid", "type": "first_in_series"})
			if got := text(session.At("options.mandate_options")); c.asked != nil && got != text(c.asked) {
				t.Errorf("the session says it was asked for %s", got)
			}
			if a.Text("consent.checkout_session_id") != session.Text("checkout_session_id") || !strings.Contains(a.Text("consent.text"), "Corner Shop") {
				t.Errorf("the evidence is %s", text(a.At("consent")))
			}
			caller.Payment(session.Text("payment_id")).Shows(object{
				"customer_id": s.CustomerID, "payment_method_id": s.MethodID, "mandate_id": s.MandateID, "intent": "payment", "paid_amount": 1000,
			})
		})
	}
}

// The zone is the merchant's where none is named, and stays as it was.
func TestMandatesKeepTheirTimeZone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	settings := merchant.Settings{Name: "Corner Shop", Country: "ZA", TimeZone: "Africa/Johannesburg", PublicKeys: true}
	b.merchant.Change(settings)
	s := b.Series(1000, goodCard, nil)
	named := b.Series(1000, goodCard, object{"amount": 1, "time_zone": "Asia/Tokyo"})
	settings.TimeZone = "Europe/Berlin"
	b.merchant.Change(settings)
	b.Get(mandates + "/" + s.MandateID).Is(200).Shows(object{"time_zone": "Africa/Johannesburg"})
	b.Get(mandates + "/" + named.MandateID).Is(200).Shows(object{"time_zone": "Asia/Tokyo"})
}

// Without consent no mandate, and no payment either.
func TestMandatesNeedConsent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sessionID, checkoutID := b.Create(1000, object{"type": "first_in_series"})
	blames(t, b.Pay(checkoutID, goodCard), "/accept_mandate: required")
	blames(t, b.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(goodCard, object{"accept_mandate": false})), "/accept_mandate: required")
	if n := b.First.Line.Calls(handlerstest.CallAuthorise); n != 0 {
		t.Errorf("the acquirer was called %d times", n)
	}
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"payment_outcome": "not_started"})
	// Declined, no mandate; the next card makes it.
	b.Accept(checkoutID, declinedCard).Is(200).Shows(object{"status": "active"})
	b.Get(sessions + "/" + sessionID).Is(200).Shows(object{"mandate_id": nil, "payment_method_id": nil})
	b.Accept(checkoutID, goodCard).Is(200).Shows(object{"status": "completed"})
	a := b.Get(sessions + "/" + sessionID).Is(200)
	b.Get(mandates + "/" + a.Text("mandate_id")).Is(200)
	b.Get(methods + "/" + a.Text("payment_method_id")).Is(200).Shows(object{"card.last4": "4242"})
}

func TestRevoking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Project()
	s := b.Series(1000, goodCard, nil)
	revoke := mandates + "/" + s.MandateID + "/revoke"
	blames(t, b.Post(revoke, object{"reason": "", "by": "me"}), "/reason: too_short", "/by: unknown")
	first := b.Post(revoke, object{"reason": "by phone"}, key("k")).Is(200).
		Shows(object{"status": "revoked", "revocation.by": "merchant", "revocation.reason": "by phone"})
	again := b.Post(revoke, object{"reason": "by phone"}, key("k")).Is(200)
	if string(again.Body) != string(first.Body) {
		t.Errorf("again it is %s", again.Body)
	}
	b.Post(revoke, object{"reason": "by mail"}, key("k")).Problem(422, "idempotency_key_reused")
	// Once it has ended it stays as it ended.
	b.Post(revoke, object{"reason": "by mail"}).Is(200).Shows(object{"revocation.reason": "by phone", "version": int(first.Int("version"))})
	a := b.Post(sessions, s.Next(500)).Problem(422, "mandate_violation")
	if got := wrong(a); !slices.Equal(got, []string{": mandate_not_active"}) {
		t.Errorf("broken is %v", got)
	}
	position := first.Header.Get(positionHeader)
	b.list(t, mandates, "status", "revoked", "min_position", position).Is(200).Shows(object{"data.0.id": s.MandateID})
	if n := b.list(t, mandates, "status", "active", "min_position", position).Is(200).Len("data"); n != 0 {
		t.Errorf("%d are listed as active", n)
	}
	b.Post(mandates+"/mdt_01kjpy64c8ej6tkhd7mh6hksbf/revoke", nil).Problem(404, "not_found")
	b.Post(mandates+"/mdt_1/revoke", nil).Problem(404, "not_found")
}
