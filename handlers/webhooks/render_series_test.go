package webhooks_test

import (
	"time"

	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/recurrence"
	"tender/domain/subscription"
	"tender/eventstore"
)

const (
	storyCustomer     = "cus_01kjpy44hregxb31vmrnsbv2h6"
	storyMethod       = "pmt_01kjpy44hregxb31vmrnsbv2h7"
	storyMandate      = "mdt_01kjpy44hregxb31vmrnsbv2h8"
	storySubscription = "sub_01kjpy44hregxb31vmrnsbv2h9"
	storySession      = "ps_01kjpy44hregxb31vmrnsbv2h5"
)

// on is a day that a story names.
func on(day string) recurrence.Date {
	d, err := recurrence.ParseDate(day)
	if err != nil {
		panic(err)
	}
	return d
}

func monthlyRule() recurrence.Rule {
	r, wrong := recurrence.Parse([]byte(`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1]}}`))
	if len(wrong) > 0 {
		panic(wrong)
	}
	return r
}

func mandateStory(events ...mandate.Event) []eventstore.Event {
	first := mandate.Created{
		CustomerID: storyCustomer, PaymentMethodID: storyMethod, SessionID: storySession, SubscriptionID: storySubscription,
		Terms: mandate.Terms{
			Kind: mandate.KindScheduled, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Amount: &mandate.Amount{Exact: 2000},
			Recurrence: monthlyRule(), Validity: mandate.Validity{Start: on("2026-05-01"), End: on("2027-04-30")}, MaxOccurrences: 12,
		},
		Consent: mandate.Consent{
			AcceptedAt: storyBegins, Text: "I allow Corner Shop to take ZAR 20.00 each month.", TextVersion: "en-1", Locale: "en",
			CheckoutSessionID: "ckt_1efmp07aagfbh6bv7npmtph1d5",
		},
	}
	return story(mandate.Codec, storyMandate, append([]mandate.Event{first}, events...)...)
}

func methodStory(events ...method.Event) []eventstore.Event {
	first := method.Saved{
		CustomerID: storyCustomer, Fingerprint: "fp_1", VaultRef: "vault_1", SessionID: storySession,
		Details: method.CardOf(method.CardDetails{Type: "CREDIT", Scheme: "VISA", BIN: "424242", Last4: "4242", ExpMonth: 12, ExpYear: 2031}),
	}
	return story(method.Codec, storyMethod, append([]method.Event{first}, events...)...)
}

func subscriptionStory(events ...subscription.Event) []eventstore.Event {
	first := subscription.Created{
		CustomerID: storyCustomer, PaymentMethodID: storyMethod, MandateID: storyMandate, SessionID: storySession, After: storyBegins,
		Plan: subscription.Plan{
			Amount: 2000, Currency: "ZAR", TimeZone: "Africa/Johannesburg",
			Active:     mandate.Validity{Start: on("2026-05-01"), End: on("2027-04-30")},
			Recurrence: monthlyRule(), Retry: subscription.DefaultRetry(), Missed: subscription.MissedCollect,
		},
	}
	return story(subscription.Codec, storySubscription, append([]subscription.Event{first}, events...)...)
}

// seriesStories end with one public event of each type of what belongs to customers.
func seriesStories() map[string][]eventstore.Event {
	refused := decline.New(decline.CardDeclined, decline.AuthenticationRequired)
	tried := subscription.Occurrence{Number: 1, ScheduledFor: time.Date(2026, 5, 31, 22, 0, 0, 0, time.UTC), Attempt: 1}
	started := subscription.ChargeStarted{Occurrence: tried, SessionID: "ps_2", PaymentID: "pay_2", Amount: 2000, Currency: "ZAR"}
	failed := subscription.ChargeFailed{Occurrence: tried, PaymentID: "pay_2", Amount: 2000, Currency: "ZAR", Failure: refused}
	uncollected := subscription.OccurrenceUncollected{Number: 1, ScheduledFor: tried.ScheduledFor}
	pause := subscription.Paused{By: subscription.ByMerchant, Reason: "on holiday"}
	replaced := subscription.MethodReplaced{PaymentMethodID: "pmt_2", MandateID: "mdt_2", SessionID: "ps_3", Settled: []int{1}}
	return map[string][]eventstore.Event{
		"mandate.created": mandateStory(),
		"mandate.revoked": mandateStory(mandate.Revoked{By: mandate.ByMerchant, Reason: "asked"}),
		"mandate.exhausted": mandateStory(
			mandate.ChargeStarted{PaymentID: "pay_2", SessionID: "ps_2", Amount: 2000, Currency: "ZAR", Date: "2026-06-01"},
			mandate.ChargeSucceeded{PaymentID: "pay_2", Amount: 2000, Currency: "ZAR"}, mandate.Exhausted{}),
		"mandate.expired":        mandateStory(mandate.Expired{}),
		"payment_method.saved":   methodStory(),
		"payment_method.removed": methodStory(method.MandateAdded{MandateID: storyMandate}, method.Removed{}),

		"subscription.created":                 subscriptionStory(),
		"subscription.payment_failed":          subscriptionStory(started, failed),
		"subscription.updated.past_due":        subscriptionStory(started, failed, subscription.BecamePastDue{}),
		"subscription.payment_method_required": subscriptionStory(started, failed, subscription.BecamePastDue{}, uncollected, subscription.PaymentMethodRequired{}),
		"subscription.updated.method_replaced": subscriptionStory(started, failed, subscription.BecamePastDue{}, uncollected, replaced),
		"subscription.updated.recovered":       subscriptionStory(started, failed, subscription.BecamePastDue{}, uncollected, replaced, subscription.Recovered{}),
		"subscription.updated.paused":          subscriptionStory(pause),
		"subscription.updated.resumed":         subscriptionStory(pause, subscription.Resumed{}),
		"subscription.updated.cancelled":       subscriptionStory(subscription.Cancelled{By: subscription.BySystem, Reason: "customer_erased"}),
		"subscription.completed":               subscriptionStory(subscription.Completed{}),
	}
}
