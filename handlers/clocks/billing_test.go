package clocks_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"tender/domain/subscription"
	"tender/handlers/handlerstest"
)

// yearMax is how long a year of daily payments may take.
const yearMax = 30 * time.Second

// pattern is a documented way to bill, and what must come of it. The dates are
// written down, not computed.
type pattern struct {
	amount     int
	recurrence object
	end        string // the last day of the validity
	to         string // how far the clock goes
	over       string // the instant at which the validity is over
	dates      []string
	sum        int
}

func patterns() map[string]pattern {
	year := func(p pattern) pattern {
		p.end, p.to, p.over = "2026-12-31", "2027-01-15T00:00:00Z", "2027-01-01T00:00:00Z"
		return p
	}
	return map[string]pattern{
		"daily": year(pattern{
			amount: 500, recurrence: object{"type": "daily", "interval_count": 1},
			dates: slices.Concat(
				days("2026-01", 31), days("2026-02", 28), days("2026-03", 31), days("2026-04", 30),
				days("2026-05", 31), days("2026-06", 30), days("2026-07", 31), days("2026-08", 31),
				days("2026-09", 30), days("2026-10", 31), days("2026-11", 30), days("2026-12", 31),
			), sum: 182_500,
		}),
		"weekly": year(pattern{
			amount: 1000, recurrence: object{"type": "weekly", "interval_count": 1, "on": object{"days": []string{"mon"}}},
			dates: []string{
				"2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09", "2026-02-16", "2026-02-23",
				"2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30", "2026-04-06", "2026-04-13", "2026-04-20",
				"2026-04-27", "2026-05-04", "2026-05-11", "2026-05-18", "2026-05-25", "2026-06-01", "2026-06-08", "2026-06-15",
				"2026-06-22", "2026-06-29", "2026-07-06", "2026-07-13", "2026-07-20", "2026-07-27", "2026-08-03", "2026-08-10",
				"2026-08-17", "2026-08-24", "2026-08-31", "2026-09-07", "2026-09-14", "2026-09-21", "2026-09-28", "2026-10-05",
				"2026-10-12", "2026-10-19", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23", "2026-11-30",
				"2026-12-07", "2026-12-14", "2026-12-21", "2026-12-28",
			}, sum: 52_000,
		}),
		// 1 February, 1 March and 1 November are Sundays. 1 August is a Saturday, and the
		// Friday before it lies in July.
		"monthly": year(pattern{
			amount: 2000,
			recurrence: object{"type": "monthly", "interval_count": 1, "on": object{
				"type": "day_of_month", "days": []int{1}, "adjustment": "nearest_weekday",
			}},
			dates: []string{
				"2026-01-01", "2026-02-02", "2026-03-02", "2026-04-01", "2026-05-01", "2026-06-01",
				"2026-07-01", "2026-08-03", "2026-09-01", "2026-10-01", "2026-11-02", "2026-12-01",
			}, sum: 24_000,
		}),
		"quarterly": year(pattern{
			amount: 6000, recurrence: object{"type": "monthly", "interval_count": 3},
			dates: []string{"2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"}, sum: 24_000,
		}),
		"yearly": {
			amount: 24_000, recurrence: object{"type": "yearly", "interval_count": 1},
			end: "2028-12-31", to: "2029-01-15T00:00:00Z", over: "2029-01-01T00:00:00Z",
			dates: []string{"2026-01-01", "2027-01-01", "2028-01-01"}, sum: 72_000,
		},
	}
}

// days are the first n days of a month.
func days(month string, n int) []string {
	var all []string
	for day := range n {
		all = append(all, fmt.Sprintf("%s-%02d", month, day+1))
	}
	return all
}

// subscribed makes a subscription of a customer on a clock, as the customer does who
// comes to the checkout.
func (b *bundle) subscribed(clockID, number string, amount int, mandate, plan object) (sessionID string, first *handlerstest.Answer) {
	options := object{
		"customer_id": b.onClock(clockID), "mandate_options": mandate, "subscription_options": plan,
	}
	sessionID, checkoutID := b.Create(int64(amount), object{"type": "first_in_series", "options": options})
	b.customer.Post("/checkout/"+checkoutID+"/attempts", handlerstest.Card(number, object{"accept_mandate": true})).Is(200)
	return sessionID, b.Get(handlerstest.SessionsPath + "/" + sessionID).Is(200).Shows(object{"status": "completed"})
}

// collected lists on which dates a subscription was paid, and what that comes to. Each
// payment must have been made at its instant.
func (b *bundle) collected(t *testing.T, subscriptionID string) (dates []string, sum int64) {
	t.Helper()
	events, err := b.First.Test.Engine.Store.Stream(t.Context(), subscriptionID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Type != "subscription.charge_succeeded" {
			continue
		}
		var paid subscription.ChargeSucceeded
		if err := json.Unmarshal(e.Payload, &paid); err != nil {
			t.Fatal(err)
		}
		if !e.At.Equal(paid.Occurrence.ScheduledFor) || !e.At.Equal(e.At.Truncate(24*time.Hour)) {
			t.Errorf("occurrence %d, scheduled for %s, was paid at %s", paid.Occurrence.Number, paid.Occurrence.ScheduledFor, e.At)
		}
		dates = append(dates, e.At.UTC().Format(time.DateOnly))
		sum += paid.Amount
	}
	return dates, sum
}

func TestDocumentedBillingPatterns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	for name, p := range patterns() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clockID := b.clock("2025-12-31T12:00:00Z")
			_, first := b.subscribed(clockID, goodCard, p.amount, object{
				"type": "scheduled", "amount": p.amount, "recurrence": p.recurrence,
				"validity_period": object{"start_date": "2026-01-01", "end_date": p.end},
			}, object{})
			begun := time.Now()
			b.advance(t, clockID, p.to)
			t.Logf("%d payments took %s", len(p.dates), time.Since(begun))
			dates, sum := b.collected(t, first.Text("subscription_id"))
			if !slices.Equal(dates, p.dates) {
				t.Errorf("paid on\n%v\nnot on\n%v", dates, p.dates)
			}
			if sum != int64(p.sum) {
				t.Errorf("%d was collected, not %d", sum, p.sum)
			}
			b.happened(t, first.Text("mandate_id"), "mandate.expired", p.over)
			b.happens(t, first.Text("subscription_id"), "subscription.completed")
		})
	}
}

// A series that was agreed to on the telephone is billed each month without the
// customer, and with nothing that a card would have.
func TestMonthsByTelephone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	clockID := b.clock("2025-12-31T12:00:00Z")
	sessionID, checkoutID := b.Create(2000, object{"type": "first_in_series", "options": object{
		"customer_id": b.onClock(clockID), "subscription_options": object{},
		"mandate_options": object{
			"type": "scheduled", "amount": 2000, "recurrence": object{"type": "monthly", "interval_count": 1},
			"validity_period": object{"start_date": "2026-01-01", "end_date": "2026-12-31"},
		},
	}})
	a := b.customer.Post("/checkout/"+checkoutID+"/attempts", object{
		"payment_method": object{"type": "capitec_pay", "capitec_pay": object{"phone": "082 123 4567"}}, "accept_mandate": true,
	}).Is(200).Shows(object{"next_action.type": "approve"})
	b.Decide(t, a.Text("next_action.url"), "approve")
	eventually(t, "the first payment is made", func() bool {
		return b.Get(handlerstest.SessionsPath+"/"+sessionID).Is(200).Text("payment_outcome") == "paid"
	})
	first := b.Get(handlerstest.SessionsPath + "/" + sessionID).Is(200).Shows(object{"status": "completed"})

	b.advance(t, clockID, "2026-03-15T00:00:00Z")
	dates, sum := b.collected(t, first.Text("subscription_id"))
	if want := []string{"2026-01-01", "2026-02-01", "2026-03-01"}; !slices.Equal(dates, want) || sum != 6000 {
		t.Errorf("%d was paid on %v, not 6000 on %v", sum, dates, want)
	}
	b.Get(handlerstest.PaymentsPath + "?customer_id=" + first.Text("customer_id")).Is(200).Shows(object{
		"data.0.payment_method_details.capitec_pay.phone": "•••• 4567", "data.0.authorised_amount": nil, "data.0.status": "succeeded",
		"data.3.payment_method_details.capitec_pay.phone": "•••• 4567",
	})
}

// Payments on demand, each up to 5000, as long as the mandate is valid: at its first
// instant and at its last, and never a cent or a moment more.
func TestOnDemandBillingPattern(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.First.Clocks()
	clockID := b.clock("2025-12-31T12:00:00Z")
	customerID := b.onClock(clockID)
	s := b.Series(5000, goodCard, object{
		"type": "on_demand", "amount": object{"max": 5000},
		"validity_period": object{"start_date": "2026-01-01", "end_date": "2026-12-31"},
	}, object{"customer_id": customerID})
	for _, c := range []struct {
		at      string // "": where the clock stands
		amount  int64
		refused string
	}{
		{"", 100, "outside_validity_period"},
		{"2025-12-31T23:59:59.999Z", 100, "outside_validity_period"},
		{"2026-01-01T00:00:00Z", 5000, ""},
		{"", 5001, "amount_not_allowed"},
		{"", 1, ""},
		{"2026-02-28T18:30:00Z", 4999, ""},
		{"2026-07-04T09:00:00Z", 2500, ""},
		{"", 2500, ""},
		{"2026-12-31T23:59:59.999Z", 5000, ""},
		{"", 1_000_000, "amount_not_allowed"},
		{"2027-01-01T00:00:00Z", 100, "mandate_not_active"},
	} {
		if c.at != "" {
			b.advance(t, clockID, c.at)
		}
		a := b.Post(handlerstest.SessionsPath, s.Next(c.amount))
		if c.refused == "" {
			a.Is(201).Shows(object{"payment_outcome": "paid", "amount": c.amount})
			if made := a.Text("created_at"); c.at != "" && !at(t, made).Equal(at(t, c.at)) {
				t.Errorf("%d was paid at %s, not at %s", c.amount, made, c.at)
			}
			continue
		}
		a.Problem(422, "mandate_violation").Shows(object{"errors.0.code": c.refused})
	}
	b.Get(handlerstest.MandatesPath + "/" + s.MandateID).Is(200).Shows(object{
		"status": "expired", "usage.successful_count": 6, "usage.successful_amount": 20_000,
		"usage.last_payment_at": "2026-12-31T23:59:59.999Z",
	})
	b.happened(t, s.MandateID, "mandate.expired", "2027-01-01T00:00:00Z")
}

// A year of daily payments takes seconds. It is measured with the feed as it is in
// operation, and before the tests that run beside each other.
func TestAYearPassesQuickly(t *testing.T) {
	h := handlerstest.New(t)
	h.StartNATS()
	b := within(t, h)
	b.First.Clocks()
	clockID := b.clock("2025-12-31T12:00:00Z")
	_, first := b.subscribed(clockID, goodCard, 500, object{
		"type": "scheduled", "amount": 500, "recurrence": object{"type": "daily", "interval_count": 1},
	}, object{})
	begun := time.Now()
	b.advance(t, clockID, "2026-12-31T12:00:00Z")
	took := time.Since(begun)
	dates, _ := b.collected(t, first.Text("subscription_id"))
	if len(dates) != 365 {
		t.Errorf("%d days were paid, not 365", len(dates))
	}
	t.Logf("a year took %s", took)
	if took > yearMax {
		t.Errorf("a year took %s, more than %s", took, yearMax)
	}
}
