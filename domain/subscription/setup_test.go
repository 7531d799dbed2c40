package subscription_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

const (
	customerID = "cus_01hzy3v7q8e4xk2m9c5b7d6f0a"
	methodID   = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0b"
	otherID    = "pmt_01hzy3v7q8e4xk2m9c5b7d6f0c"
	mandateID  = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0d"
	anotherID  = "mdt_01hzy3v7q8e4xk2m9c5b7d6f0e"
	firstID    = "ps_01hzy3v7q8e4xk2m9c5b7d6f0f"
	secondID   = "ps_01hzy3v7q8e4xk2m9c5b7d6f0g"
	clockID    = "clk_01hzy3v7q8e4xk2m9c5b7d6f0h"
	// subscriptionID is made from commandID.
	subscriptionID = "sub_01j0000000e008000000000001"
)

var commandID = uuid.MustParse("01900000-0000-7000-8000-000000000001")

var (
	soft          = decline.New(decline.CardDeclined, decline.InsufficientFunds)
	hard          = decline.New(decline.CardDeclined, decline.StolenCard)
	authenticate  = decline.New(decline.CardDeclined, decline.AuthenticationRequired)
	revoked       = decline.New(decline.CardDeclined, decline.StopPayment)
	expiredCard   = decline.New(decline.ExpiredCard, "")
	notProcessing = decline.New(decline.ProcessingError, "")
)

// reporter is a test, a benchmark, or one draw of a property.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

// at reads an instant: "2026-02-01 00:00" in UTC, also with seconds.
func at(s string) time.Time {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	panic(fmt.Sprintf("%q is no instant", s))
}

func moment(t time.Time) domain.Moment { return domain.Moment{At: t, Wall: t} }

func date(s string) recurrence.Date {
	d, err := recurrence.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func clock(s string) recurrence.TimeOfDay {
	c, err := recurrence.ParseTimeOfDay(s)
	if err != nil {
		panic(err)
	}
	return c
}

func rule(s string) recurrence.Rule {
	r, problems := recurrence.Parse([]byte(s))
	if len(problems) > 0 {
		panic(fmt.Sprint(problems))
	}
	return r
}

func decoded(t reporter, s string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

// monthly is the plan of most tests: 2000 on the first of each month, in UTC, for
// all of 2026.
func monthly(change ...func(*subscription.Plan)) subscription.Plan {
	p := subscription.Plan{
		Amount: 2000, Currency: "ZAR", TimeZone: "UTC",
		Active:     mandate.Validity{Start: date("2026-01-01"), End: date("2026-12-31")},
		Recurrence: rule(`{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1]}}`),
		Retry:      subscription.DefaultRetry(), Missed: subscription.MissedCollect,
	}
	for _, f := range change {
		f(&p)
	}
	return p
}

func daily(p *subscription.Plan) { p.Recurrence = rule(`{"type":"daily","interval_count":1}`) }

func then(t subscription.Then) func(*subscription.Plan) {
	return func(p *subscription.Plan) { p.Retry.Then = t }
}

func atMost(payments int) func(*subscription.Plan) {
	return func(p *subscription.Plan) { p.PaymentsMax = payments }
}

func until(end string) func(*subscription.Plan) {
	return func(p *subscription.Plan) { p.Active.End = date(end) }
}

func skipMissed(p *subscription.Plan) { p.Missed = subscription.MissedSkip }

// dated are events and when they happened.
type dated struct {
	at     time.Time
	events []subscription.Event
}

func on(s string, events ...subscription.Event) dated { return dated{at(s), events} }

// given folds what has happened to a subscription with a plan that was made on
// 15 January 2026 at noon.
func given(p subscription.Plan, history ...dated) subscription.State {
	s := subscription.Evolve(subscription.State{}, subscriptionID, at("2026-01-15 12:00"), subscription.Created{
		CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID,
		Plan: p, After: at("2026-01-15 12:00"),
	})
	return more(s, history...)
}

func more(s subscription.State, history ...dated) subscription.State {
	for _, d := range history {
		for _, e := range d.events {
			s = subscription.Evolve(s, subscriptionID, d.at, e)
		}
	}
	return s
}

// The events of the n-th occurrence of a monthly plan, made as in given: number 1
// is on 1 February.

func first(n int) time.Time { return time.Date(2026, time.Month(n+1), 1, 0, 0, 0, 0, time.UTC) }

func try(n, attempt int) subscription.Occurrence {
	return subscription.Occurrence{Number: n, ScheduledFor: first(n), Attempt: attempt}
}

func started(n, attempt int) subscription.ChargeStarted {
	return subscription.ChargeStarted{
		Occurrence: try(n, attempt), Amount: 2000, Currency: "ZAR",
		SessionID: subscription.SessionID(subscriptionID, n, attempt), PaymentID: subscription.PaymentID(subscriptionID, n, attempt),
	}
}

func succeeded(n, attempt int) subscription.ChargeSucceeded {
	return subscription.ChargeSucceeded{
		Occurrence: try(n, attempt), PaymentID: subscription.PaymentID(subscriptionID, n, attempt), Amount: 2000, Currency: "ZAR",
	}
}

// failed is a try that failed; again is when the next one is, or "".
func failed(n, attempt int, f decline.Failure, again string) subscription.ChargeFailed {
	o := try(n, attempt)
	if again != "" {
		o.WillRetry, o.NextAttemptAt = true, at(again)
	}
	return subscription.ChargeFailed{
		Occurrence: o, PaymentID: subscription.PaymentID(subscriptionID, n, attempt), Amount: 2000, Currency: "ZAR", Failure: f,
	}
}

func forbidden(n, attempt int, code string) subscription.ChargeFailed {
	return subscription.ChargeFailed{Occurrence: try(n, attempt), Amount: 2000, Currency: "ZAR", Refused: code}
}

func uncollected(n int) subscription.OccurrenceUncollected {
	return subscription.OccurrenceUncollected{Number: n, ScheduledFor: first(n)}
}

func skipped(n, through int, reason subscription.SkipReason) subscription.OccurrenceSkipped {
	return subscription.OccurrenceSkipped{Number: n, Through: through, ScheduledFor: first(n), Reason: reason}
}

// paid is the history of occurrences that were paid at their instants.
func paid(through int) []dated {
	var history []dated
	for n := 1; n <= through; n++ {
		history = append(history, dated{first(n), events(started(n, 1), succeeded(n, 1))})
	}
	return history
}

func events(es ...subscription.Event) []subscription.Event { return es }

// and returns a history that goes on.
func and(history []dated, more ...dated) []dated { return slices.Concat(history, more) }

// ruling is one row of a table: after given, when is answered with then or refused.
type ruling struct {
	name    string
	given   subscription.State
	when    subscription.Command
	then    []subscription.Event
	refused error
}

func check(t *testing.T, rulings []ruling) {
	t.Helper()
	for _, r := range rulings {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			got, err := subscription.Decide(r.given, r.when)
			if !errors.Is(err, r.refused) || err != nil && got != nil {
				t.Fatalf("the answer is %v, %v; want %v", got, err, r.refused)
			}
			if len(got) != len(r.then) || len(got) > 0 && !reflect.DeepEqual(got, r.then) {
				t.Fatalf("what happens is\n%#v, not\n%#v", got, r.then)
			}
		})
	}
}
