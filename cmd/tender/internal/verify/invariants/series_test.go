package invariants_test

import (
	"time"

	"tender/domain/codec"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

const (
	mandateID      = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0a"
	subscriptionID = "sub_01hzy3v7q8e4xk2m9c5b7d6f0a"
)

func agreedTo(t mandate.Terms) []codec.Named {
	t.Currency, t.TimeZone = "ZAR", "UTC"
	return []codec.Named{mandate.Created{Terms: t}}
}

func monthly(p recurrence.Period) mandate.Terms {
	return mandate.Terms{PeriodLimits: &mandate.PeriodLimits{Period: p, MaxCount: 2, MaxAmount: 100}}
}

func day(s string) recurrence.Date {
	d, err := recurrence.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func charged(payment string, amount int64, date string) codec.Named {
	return mandate.ChargeStarted{PaymentID: payment, Amount: amount, Currency: "ZAR", Date: date}
}

func chargedItem(payment string, amount int64, item int) codec.Named {
	return mandate.ChargeStarted{PaymentID: payment, Amount: amount, Currency: "ZAR", Date: today, Item: &item}
}

func chargePaid(payment string, amount int64, reserved bool) codec.Named {
	return mandate.ChargeSucceeded{PaymentID: payment, Amount: amount, Currency: "ZAR", Reserved: reserved}
}

func reduced(payment string, amount int64, whole, final bool) codec.Named {
	return mandate.ChargeReduced{PaymentID: payment, Amount: amount, Currency: "ZAR", Whole: whole, Final: final}
}

const today = "2026-05-04"

var (
	free     = agreedTo(mandate.Terms{})
	once     = after(free, charged("p1", 10, today))
	reserve  = after(once, chargePaid("p1", 10, true))
	twice    = agreedTo(mandate.Terms{MaxOccurrences: 2})
	inMonth  = agreedTo(monthly(recurrence.PeriodMonth))
	inParts  = agreedTo(mandate.Terms{Instalments: &mandate.Instalments{TotalAmount: 30, Items: []mandate.Item{{Amount: 10, Date: day(today)}, {Amount: 20, Date: day("2026-06-04")}}}})
	thisYear = agreedTo(mandate.Terms{Validity: mandate.Validity{Start: day(today), End: day("2026-12-31")}})
	june     = []time.Duration{0, 28 * 24 * time.Hour}
)

var mandatesSpoilt = []spoilt{
	{"mandate-currency", "euros", mandateID, after(free, mandate.ChargeStarted{PaymentID: "p1", Amount: 10, Currency: "EUR", Date: today}), nil, nil},
	{"mandate-outcome", "begun twice", mandateID, after(once, charged("p1", 10, today)), nil, nil},
	{"mandate-outcome", "never begun", mandateID, after(free, chargePaid("p1", 10, false)), nil, nil},
	{"mandate-outcome", "of another amount", mandateID, after(once, chargePaid("p1", 9, false)), nil, nil},
	{"mandate-outcome", "two outcomes", mandateID, after(reserve, mandate.ChargeFailed{PaymentID: "p1", Amount: 10, Currency: "ZAR"}), nil, nil},
	{"mandate-outcome", "two outcomes of what is over", mandateID, after(once, chargePaid("p1", 10, false), chargePaid("p1", 10, false)), nil, nil},
	{"mandate-outcome", "more comes back than was taken", mandateID, after(reserve, reduced("p1", 11, false, false)), nil, nil},
	{"mandate-outcome", "what was not reserved comes back", mandateID, after(once, reduced("p1", 5, false, false)), nil, nil},
	{"mandate-outcome", "all of it, and it is not said", mandateID, after(reserve, reduced("p1", 10, false, false)), nil, nil},
	{"mandate-active", "after it was revoked", mandateID, after(free, mandate.Revoked{By: mandate.ByMerchant}, charged("p1", 10, today)), nil, nil},
	{"mandate-one-end", "revoked twice", mandateID, after(free, mandate.Revoked{}, mandate.Revoked{}), nil, nil},
	{"mandate-end-why", "exhausted after one of two", mandateID, after(twice, charged("p1", 10, today), chargePaid("p1", 10, false), mandate.Exhausted{}), nil, nil},
	{"mandate-end-why", "exhausted while one may come back", mandateID, after(twice, charged("p1", 10, today), chargePaid("p1", 10, false), charged("p2", 10, today), chargePaid("p2", 10, true), mandate.Exhausted{}), nil, nil},
	{"mandate-end-why", "expired before its last day", mandateID, after(thisYear, mandate.Expired{}), nil, june},
	{"mandate-end-why", "expired without a last day", mandateID, after(free, mandate.Expired{}), nil, nil},
	{"mandate-amount", "not as agreed", mandateID, after(agreedTo(mandate.Terms{Amount: &mandate.Amount{Exact: 10}}), charged("p1", 11, today)), nil, nil},
	{"mandate-amount", "less than agreed", mandateID, after(agreedTo(mandate.Terms{Amount: &mandate.Amount{Min: 10, Max: 20}}), charged("p1", 9, today)), nil, nil},
	{"mandate-amount", "more than agreed", mandateID, after(agreedTo(mandate.Terms{Amount: &mandate.Amount{Max: 20}}), charged("p1", 21, today)), nil, nil},
	{"mandate-amount", "not the instalment", mandateID, after(agreedTo(mandate.Terms{Instalments: &mandate.Instalments{TotalAmount: 30, Amount: 10, MaxOccurrences: 3}}), charged("p1", 20, today)), nil, nil},
	{"mandate-amount", "no instalment", mandateID, after(inParts, charged("p1", 10, today)), nil, nil},
	{"mandate-amount", "another instalment's amount", mandateID, after(inParts, chargedItem("p1", 20, 0)), nil, nil},
	{"mandate-amount", "not due yet", mandateID, after(inParts, chargedItem("p1", 20, 1)), nil, nil},
	{"mandate-amount", "paid already", mandateID, after(inParts, chargedItem("p1", 10, 0), chargePaid("p1", 10, false), chargedItem("p2", 10, 0)), nil, nil},
	{"mandate-validity", "after its last day", mandateID, after(agreedTo(mandate.Terms{Validity: mandate.Validity{End: day("2026-05-03")}}), charged("p1", 10, today)), nil, nil},
	{"mandate-validity", "no day", mandateID, after(free, charged("p1", 10, "today")), nil, nil},
	{"mandate-validity", "another day", mandateID, after(free, charged("p1", 10, "2026-05-01")), nil, nil},
	{"mandate-validity", "the day before", mandateID, after(free, charged("p1", 10, "2026-06-01"), charged("p2", 10, today)), nil, june},
	{"mandate-occurrences", "three of two", mandateID, after(twice, charged("p1", 10, today), chargePaid("p1", 10, false), charged("p2", 10, today), charged("p3", 10, today)), nil, nil},
	{"mandate-occurrences", "carried over", mandateID, []codec.Named{mandate.Created{
		Terms: mandate.Terms{Currency: "ZAR", MaxOccurrences: 2}, Carried: &mandate.Usage{Count: 3, Amount: 30, Currency: "ZAR"},
	}}, nil, nil},
	{"mandate-period", "three of two", mandateID, after(inMonth, charged("p1", 10, today), charged("p2", 10, today), charged("p3", 10, today)), nil, nil},
	{"mandate-period", "too much", mandateID, after(inMonth, charged("p1", 60, today), charged("p2", 50, today)), nil, nil},
}

var plan = subscription.Plan{Amount: 10, Currency: "ZAR", TimeZone: "UTC"}

// occurrence is a try of one that is scheduled so many hours after noon.
func occurrence(number, attempt int) subscription.Occurrence {
	return subscription.Occurrence{Number: number, ScheduledFor: noon.Add(time.Duration(number) * time.Hour), Attempt: attempt}
}

func begun(number, attempt int, payment string) codec.Named {
	return subscription.ChargeStarted{Occurrence: occurrence(number, attempt), PaymentID: payment, Amount: 10, Currency: "ZAR"}
}

func collected(number, attempt int, payment string) codec.Named {
	return subscription.ChargeSucceeded{Occurrence: occurrence(number, attempt), PaymentID: payment, Amount: 10, Currency: "ZAR"}
}

func lost(number, attempt int, payment string) codec.Named {
	return subscription.ChargeFailed{Occurrence: occurrence(number, attempt), PaymentID: payment, Amount: 10, Currency: "ZAR"}
}

func skip(number, through int) codec.Named {
	return subscription.OccurrenceSkipped{Number: number, Through: through, ScheduledFor: noon.Add(time.Duration(number) * time.Hour)}
}

var (
	subscribed = []codec.Named{subscription.Created{Plan: plan, After: noon}}
	firstTry   = after(subscribed, begun(1, 1, "p1"))
	firstPaid  = after(firstTry, collected(1, 1, "p1"))
	firstLost  = after(firstTry, lost(1, 1, "p1"))
	claimed    = after(firstLost, subscription.OverdueClaimed{SessionID: "s1", Numbers: []int{1}})
	settled    = subscription.MethodReplaced{SessionID: "s1", Settled: []int{1}}
	later      = []time.Duration{0, 10 * time.Hour}
)

var subscriptionsSpoilt = []spoilt{
	{"subscription-order", "one is left out", subscriptionID, after(firstPaid, begun(3, 1, "p3")), nil, later},
	{"subscription-order", "skipped though it was paid", subscriptionID, after(firstPaid, skip(1, 0)), nil, later},
	{"subscription-order", "one is left out by a skip", subscriptionID, after(firstPaid, skip(3, 5)), nil, later},
	{"subscription-order", "at an instant before", subscriptionID, after(firstPaid, subscription.ChargeStarted{
		Occurrence: subscription.Occurrence{Number: 2, ScheduledFor: noon.Add(time.Minute), Attempt: 1}, PaymentID: "p2", Amount: 10, Currency: "ZAR",
	}), nil, later},
	{"subscription-attempts", "two at once", subscriptionID, after(firstTry, begun(1, 2, "p2")), nil, later},
	{"subscription-attempts", "one is left out", subscriptionID, after(firstLost, begun(1, 3, "p2")), nil, later},
	{"subscription-attempts", "after it was paid", subscriptionID, after(firstPaid, begun(1, 2, "p2")), nil, later},
	{"subscription-attempts", "after it was given up", subscriptionID, after(firstLost, subscription.OccurrenceUncollected{Number: 1}, begun(1, 2, "p2")), nil, later},
	{"subscription-attempts", "while it is claimed", subscriptionID, after(claimed, begun(1, 2, "p2")), nil, later},
	{"subscription-attempts", "before its instant", subscriptionID, firstTry, nil, nil},
	{"subscription-outcome", "of another payment", subscriptionID, after(firstTry, collected(1, 1, "p9")), nil, later},
	{"subscription-outcome", "of nothing", subscriptionID, after(firstLost, lost(1, 1, "p1")), nil, later},
	{"subscription-paid-once", "twice", subscriptionID, after(firstPaid, collected(1, 1, "p1")), nil, later},
	{"subscription-payments", "one for two", subscriptionID, after(firstPaid, begun(2, 1, "p1")), nil, later},
	{"subscription-amount", "euros", subscriptionID, after(subscribed, subscription.ChargeStarted{Occurrence: occurrence(1, 1), PaymentID: "p1", Amount: 10, Currency: "EUR"}), nil, later},
	{"subscription-amount", "more", subscriptionID, after(subscribed, subscription.ChargeStarted{Occurrence: occurrence(1, 1), PaymentID: "p1", Amount: 11, Currency: "ZAR"}), nil, later},
	{"subscription-standstill", "paused", subscriptionID, after(subscribed, subscription.Paused{}, begun(1, 1, "p1")), nil, later},
	{"subscription-standstill", "without a method", subscriptionID, after(subscribed, subscription.PaymentMethodRequired{}, begun(1, 1, "p1")), nil, later},
	{"subscription-standstill", "cancelled", subscriptionID, after(subscribed, subscription.Cancelled{}, begun(1, 1, "p1")), nil, later},
	{"subscription-turns", "paused twice", subscriptionID, after(subscribed, subscription.Paused{}, subscription.Paused{}), nil, nil},
	{"subscription-turns", "resumed though it ran", subscriptionID, after(subscribed, subscription.Resumed{}), nil, nil},
	{"subscription-turns", "past due twice", subscriptionID, after(subscribed, subscription.BecamePastDue{}, subscription.BecamePastDue{}), nil, nil},
	{"subscription-turns", "two ends", subscriptionID, after(subscribed, subscription.Cancelled{}, subscription.Completed{}), nil, nil},
	{"subscription-given-up", "while it is tried", subscriptionID, after(firstTry, subscription.OccurrenceUncollected{Number: 1}), nil, later},
	{"subscription-given-up", "though it is paid", subscriptionID, after(firstPaid, subscription.OccurrenceUncollected{Number: 1}), nil, later},
	{"subscription-claims", "two", subscriptionID, after(claimed, subscription.OverdueClaimed{SessionID: "s2"}), nil, later},
	{"subscription-claims", "what is in flight", subscriptionID, after(firstTry, subscription.OverdueClaimed{SessionID: "s1", Numbers: []int{1}}), nil, later},
	{"subscription-claims", "released by another", subscriptionID, after(claimed, subscription.OverdueReleased{SessionID: "s2"}), nil, later},
	{"subscription-claims", "settled without a claim", subscriptionID, after(firstLost, settled), nil, later},
}
