package published

import (
	"slices"
	"time"

	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

// must is for what is written in this file: a mistake in it is one in the program.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func validity() mandate.Validity {
	return mandate.Validity{Start: must(recurrence.ParseDate("2026-04-01")), End: must(recurrence.ParseDate("2027-03-31"))}
}

func monthly() recurrence.Rule {
	var r recurrence.Rule
	const text = `{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"nearest_weekday"}}`
	err := r.UnmarshalJSON([]byte(text))
	return must(r, err)
}

// firstTry is the first try of the first occurrence.
func firstTry() subscription.Occurrence {
	at := time.Date(2026, time.April, 1, 6, 0, 0, 0, time.UTC)
	return subscription.Occurrence{Number: 1, ScheduledFor: at, Attempt: 1, WillRetry: true, NextAttemptAt: at.Add(24 * time.Hour)}
}

func mandateOf(name, told string, terms mandate.Terms, events ...mandate.Event) example {
	first := mandate.Created{
		CustomerID: customerID, PaymentMethodID: methodID, SessionID: sessionID, Terms: terms,
		Consent: mandate.Consent{
			AcceptedAt: begins, Text: "I allow Corner Shop to take R 25.00 each month.", TextVersion: "en-1", Locale: "en-ZA",
			CheckoutSessionID: checkoutID,
		},
	}
	return example{name, told, stream(mandate.Codec, mandateID, append([]mandate.Event{first}, events...))}
}

func mandateExamples() []example {
	terms := mandate.Terms{
		Kind: mandate.KindScheduled, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Amount: &mandate.Amount{Exact: 2500},
		Recurrence: monthly(), Validity: validity(), MaxOccurrences: 12,
		PeriodLimits: &mandate.PeriodLimits{Period: recurrence.PeriodMonth, MaxCount: 2},
	}
	ranged := mandate.Terms{Kind: mandate.KindOnDemand, Currency: "ZAR", TimeZone: "UTC", Amount: &mandate.Amount{Min: 100, Max: 2500}}
	parts := mandate.Terms{
		Kind: mandate.KindInstalment, Currency: "ZAR", TimeZone: "UTC", Instalments: &mandate.Instalments{
			TotalAmount: 5000, Items: []mandate.Item{
				{Amount: 3000, Date: must(recurrence.ParseDate("2026-04-01"))}, {Amount: 2000, Date: must(recurrence.ParseDate("2026-05-01"))},
			},
		},
	}
	charged := []mandate.Event{
		mandate.ChargeStarted{PaymentID: nextPaymentID, SessionID: nextSessionID, Amount: 2500, Currency: "ZAR", Date: "2026-04-01"},
		mandate.ChargeSucceeded{PaymentID: nextPaymentID, Amount: 2500, Currency: "ZAR"}, mandate.Exhausted{},
	}
	saved := method.Saved{
		CustomerID: customerID, Details: method.CardOf(visa), Fingerprint: "fp_5ZQ3M8K1", VaultRef: "vault/1", SessionID: sessionID,
	}
	account := saved
	account.Details = method.AccountOf(method.KindCapitecPay, phone)
	return []example{
		{"payment_method.saved.capitec_pay", "payment_method.saved", stream(method.Codec, methodID, []method.Event{account})},
		mandateOf("mandate.created", "mandate.created", terms),
		mandateOf("mandate.created.on_demand", "mandate.created", ranged),
		mandateOf("mandate.created.installment", "mandate.created", parts),
		mandateOf("mandate.revoked", "mandate.revoked", terms, mandate.Revoked{By: mandate.ByMerchant, Reason: "The customer asked for it."}),
		mandateOf("mandate.exhausted", "mandate.exhausted", terms, charged...),
		mandateOf("mandate.expired", "mandate.expired", terms, mandate.Expired{}),
		{"payment_method.saved", "payment_method.saved", stream(method.Codec, methodID, []method.Event{saved})},
		{"payment_method.removed", "payment_method.removed",
			stream(method.Codec, methodID, []method.Event{saved, method.MandateAdded{MandateID: mandateID}, method.Removed{}})},
	}
}

func subscriptionExamples() []example {
	first := subscription.Created{
		CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: sessionID, After: begins,
		Plan: subscription.Plan{
			Amount: 2500, Currency: "ZAR", TimeZone: "Africa/Johannesburg", Active: validity(),
			ScheduledTime: must(recurrence.ParseTimeOfDay("08:00")), Recurrence: monthly(), Occurrences: 12,
			Retry: subscription.DefaultRetry(), Missed: subscription.MissedCollect,
		},
	}
	of := func(name, told string, events ...subscription.Event) example {
		return example{name, told, stream(subscription.Codec, subscriptionID, append([]subscription.Event{first}, events...))}
	}
	tried, final := firstTry(), firstTry()
	final.WillRetry, final.NextAttemptAt = false, time.Time{}
	begun := subscription.ChargeStarted{Occurrence: tried, SessionID: nextSessionID, PaymentID: nextPaymentID, Amount: 2500, Currency: "ZAR"}
	declined := []subscription.Event{begun, subscription.ChargeFailed{
		Occurrence: tried, PaymentID: nextPaymentID, Amount: 2500, Currency: "ZAR", Failure: insufficient,
	}}
	lost := []subscription.Event{
		begun, subscription.ChargeFailed{Occurrence: final, PaymentID: nextPaymentID, Amount: 2500, Currency: "ZAR", Failure: unconfirmed},
		subscription.BecamePastDue{}, subscription.OccurrenceUncollected{Number: 1, ScheduledFor: final.ScheduledFor},
	}
	replaced := append(slices.Clone(lost), subscription.MethodReplaced{
		PaymentMethodID: newMethodID, MandateID: newMandateID, SessionID: nextSessionID, Settled: []int{1},
	})
	paused := subscription.Paused{By: subscription.ByMerchant, Reason: "On holiday."}
	const updated = "subscription.updated"
	return []example{
		of("subscription.created", "subscription.created"),
		of("subscription.payment_failed", "subscription.payment_failed", declined...),
		of("subscription.payment_method_required", "subscription.payment_method_required",
			append(slices.Clone(lost), subscription.PaymentMethodRequired{})...),
		of("subscription.completed", "subscription.completed", subscription.Completed{}),
		of(updated, updated, append(slices.Clone(declined), subscription.BecamePastDue{})...),
		of(updated+".method_replaced", updated, replaced...),
		of(updated+".recovered", updated, append(slices.Clone(replaced), subscription.Recovered{})...),
		of(updated+".paused", updated, paused),
		of(updated+".resumed", updated, paused, subscription.Resumed{}),
		of(updated+".cancelled", updated, subscription.Cancelled{By: subscription.BySystem, Reason: "customer_erased"}),
	}
}
