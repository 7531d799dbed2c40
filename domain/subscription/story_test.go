package subscription_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/subscription"
)

// story is a subscription whose time goes from one thing that is due to the next,
// as a test clock lets it, and whose outcomes are known at once.
type story struct {
	s    subscription.State
	log  []string // what happened, in words
	took []string // when what was paid
	// outcome of a try; nil: it succeeds. Where it refuses, nothing is sent.
	outcome func(n, attempt int) (failure *decline.Failure, refused string)
	// paid is called after each payment.
	paid func(st *story, n int, now time.Time)
}

func (st *story) happens(t *testing.T, now time.Time, es []subscription.Event, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		st.s = subscription.Evolve(st.s, subscriptionID, now, e)
		words := strings.TrimPrefix(e.Type(), "subscription.")
		switch e := e.(type) {
		case subscription.ChargeStarted:
			words += fmt.Sprintf(" %d/%d", e.Occurrence.Number, e.Occurrence.Attempt)
		case subscription.ChargeSucceeded:
			words += fmt.Sprintf(" %d/%d", e.Occurrence.Number, e.Occurrence.Attempt)
			st.took = append(st.took, fmt.Sprintf("%s %d", now.Format("2006-01-02"), e.Amount))
		case subscription.ChargeFailed:
			words += fmt.Sprintf(" %d/%d", e.Occurrence.Number, e.Occurrence.Attempt)
		case subscription.OccurrenceSkipped:
			words += fmt.Sprintf(" %d", e.Number)
		case subscription.OccurrenceUncollected:
			words += fmt.Sprintf(" %d", e.Number)
		}
		st.log = append(st.log, now.Format("2006-01-02 15:04")+" "+words)
	}
}

func (st *story) tell(t *testing.T, plan subscription.Plan, made, till string) {
	t.Helper()
	now := at(made)
	es, err := subscription.Decide(st.s, subscription.Create{
		ID: commandID, CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID, Plan: plan, Now: moment(now),
	})
	st.happens(t, now, es, err)
	for steps := 0; ; steps++ {
		next := st.s.NextDueAt()
		if next.IsZero() || next.After(at(till)) {
			return
		}
		if steps > 10_000 || next.Before(now) {
			t.Fatalf("at %s the next is due at %s", now, next)
		}
		now = next
		st.step(t, now)
	}
}

func (st *story) step(t *testing.T, now time.Time) {
	t.Helper()
	w := st.s.Due(now)
	if w.Charge == nil {
		st.happens(t, now, w.Events, nil)
		return
	}
	var failure *decline.Failure
	start := subscription.Start{Number: w.Charge.Number, Attempt: w.Charge.Attempt, Now: moment(now)}
	if st.outcome != nil {
		var refused string
		failure, refused = st.outcome(start.Number, start.Attempt)
		if refused != "" {
			start = refuse(start.Number, start.Attempt, refused, now.Format("2006-01-02 15:04"))
		}
	}
	es, err := subscription.Decide(st.s, start)
	st.happens(t, now, es, err)
	if start.Refused != "" {
		return
	}
	es, err = subscription.Decide(st.s, subscription.Settle{Number: start.Number, Attempt: start.Attempt, Failure: failure, Now: moment(now)})
	st.happens(t, now, es, err)
	if failure == nil && st.paid != nil {
		st.paid(st, start.Number, now)
	}
}

// The dates and counts of the documented patterns, written down with a calendar.
func TestBillingPatterns(t *testing.T) {
	t.Parallel()
	plan := func(amount int64, recurrence, end string) subscription.Plan {
		return monthly(func(p *subscription.Plan) {
			p.Amount, p.Recurrence = amount, rule(recurrence)
			p.Active = mandate.Validity{Start: date("2026-01-01"), End: date(end)}
		})
	}
	for _, c := range []struct {
		name  string
		plan  subscription.Plan
		count int
		some  []string // of the payments, in order; all of them where there are few
	}{
		{"daily", plan(500, `{"type":"daily","interval_count":1}`, "2026-12-31"), 365,
			[]string{"2026-01-01 500", "2026-01-02 500", "2026-02-28 500", "2026-03-01 500", "2026-12-31 500"}},
		{"weekly", plan(1000, `{"type":"weekly","interval_count":1,"on":{"days":["mon"]}}`, "2026-12-31"), 52,
			[]string{"2026-01-05 1000", "2026-01-12 1000", "2026-03-02 1000", "2026-12-28 1000"}},
		{"monthly", plan(2000, `{"type":"monthly","interval_count":1,"on":{"type":"day_of_month","days":[1],"adjustment":"nearest_weekday"}}`, "2026-12-31"), 12,
			[]string{"2026-01-01 2000", "2026-02-02 2000", "2026-03-02 2000", "2026-04-01 2000", "2026-05-01 2000", "2026-06-01 2000",
				"2026-07-01 2000", "2026-08-03 2000", "2026-09-01 2000", "2026-10-01 2000", "2026-11-02 2000", "2026-12-01 2000"}},
		{"quarterly", plan(6000, `{"type":"monthly","interval_count":3}`, "2026-12-31"), 4,
			[]string{"2026-01-01 6000", "2026-04-01 6000", "2026-07-01 6000", "2026-10-01 6000"}},
		{"yearly", plan(24000, `{"type":"yearly","interval_count":1}`, "2028-12-31"), 3,
			[]string{"2026-01-01 24000", "2027-01-01 24000", "2028-01-01 24000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var st story
			st.tell(t, c.plan, "2025-12-20 15:00", "2030-01-01 00:00")
			if len(st.took) != c.count {
				t.Errorf("%d payments were made, not %d", len(st.took), c.count)
			}
			place := -1
			for _, want := range c.some {
				i := slices.Index(st.took, want)
				if i <= place {
					t.Errorf("%s is missing, or out of place", want)
				}
				place = i
			}
			if st.s.Status() != subscription.StatusCompleted {
				t.Errorf("in the end it is %s", st.s.Status())
			}
		})
	}
}

// A card that fails softly, and one whose mandate runs out.
func TestAMonthlyYear(t *testing.T) {
	t.Parallel()
	tell := func() *story {
		st := &story{
			outcome: func(n, attempt int) (*decline.Failure, string) {
				switch {
				case n == 2 && attempt < 3, n == 3:
					return &soft, ""
				case n == 5:
					return nil, "period_limit_exceeded"
				}
				return nil, ""
			},
			paid: func(st *story, n int, now time.Time) {
				if n == 6 {
					es, err := subscription.Decide(st.s, subscription.End{MandateID: mandateID, Cause: subscription.CauseExhausted, Now: moment(now)})
					st.happens(t, now, es, err)
				}
			},
		}
		st.tell(t, monthly(), "2026-01-15 12:00", "2027-06-01 00:00")
		return st
	}
	st := tell()
	want := []string{
		"2026-01-15 12:00 created",
		"2026-02-01 00:00 charge_started 1/1", "2026-02-01 00:00 charge_succeeded 1/1",
		"2026-03-01 00:00 charge_started 2/1", "2026-03-01 00:00 charge_failed 2/1", "2026-03-01 00:00 became_past_due",
		"2026-03-02 00:00 charge_started 2/2", "2026-03-02 00:00 charge_failed 2/2",
		"2026-03-04 00:00 charge_started 2/3", "2026-03-04 00:00 charge_succeeded 2/3", "2026-03-04 00:00 recovered",
		"2026-04-01 00:00 charge_started 3/1", "2026-04-01 00:00 charge_failed 3/1", "2026-04-01 00:00 became_past_due",
		"2026-04-02 00:00 charge_started 3/2", "2026-04-02 00:00 charge_failed 3/2",
		"2026-04-04 00:00 charge_started 3/3", "2026-04-04 00:00 charge_failed 3/3",
		"2026-04-06 00:00 charge_started 3/4", "2026-04-06 00:00 charge_failed 3/4", "2026-04-06 00:00 occurrence_uncollected 3",
		"2026-05-01 00:00 charge_started 4/1", "2026-05-01 00:00 charge_succeeded 4/1", "2026-05-01 00:00 recovered",
		"2026-06-01 00:00 charge_failed 5/1", "2026-06-01 00:00 became_past_due", "2026-06-01 00:00 occurrence_uncollected 5",
		"2026-07-01 00:00 charge_started 6/1", "2026-07-01 00:00 charge_succeeded 6/1", "2026-07-01 00:00 recovered",
		"2026-07-01 00:00 completed",
	}
	if !slices.Equal(st.log, want) {
		t.Errorf("it goes\n%s\nnot\n%s", strings.Join(st.log, "\n"), strings.Join(want, "\n"))
	}
	if again := tell(); !reflect.DeepEqual(again.log, st.log) || !reflect.DeepEqual(again.s, st.s) {
		t.Error("told again it goes otherwise")
	}
}

// A card that is lost after three days, and a customer who stays away.
func TestADailyYearWithoutAMethod(t *testing.T) {
	t.Parallel()
	st := story{outcome: func(n, _ int) (*decline.Failure, string) {
		if n == 4 {
			return &hard, ""
		}
		return nil, ""
	}}
	st.tell(t, monthly(daily), "2025-12-31 12:00", "2027-06-01 00:00")
	if len(st.took) != 3 {
		t.Errorf("%d payments were made", len(st.took))
	}
	// Made; three days of two events; the fourth with five; a skipped day each; the end.
	if want := 1 + 3*2 + 5 + (365 - 4) + 1; len(st.log) != want {
		t.Errorf("%d things happened, not %d", len(st.log), want)
	}
	tail := []string{"2026-12-30 00:00 occurrence_skipped 364", "2026-12-31 00:00 occurrence_skipped 365", "2026-12-31 00:00 completed"}
	if !slices.Equal(st.log[len(st.log)-3:], tail) {
		t.Errorf("it ends with %q", st.log[len(st.log)-3:])
	}
}
