package subscription_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

func TestDue(t *testing.T) {
	t.Parallel()
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), subscription.BecamePastDue{})
	retried := on("2026-02-06 00:00", started(1, 4))
	paused, required := subscription.Paused{By: subscription.ByMerchant}, subscription.PaymentMethodRequired{}
	open := func(p *subscription.Plan) { p.Active.End = recurrence.Date{} }
	last := func(p *subscription.Plan) { p.Occurrences = 1 }
	everyDay := monthly(daily, func(p *subscription.Plan) { p.Active.Start = date("2026-02-01") })

	for _, c := range []struct {
		name  string
		state subscription.State
		now   string
		want  []subscription.Event // simply happen
		try   string               // is to be begun: number/attempt
	}{
		{name: "what does not exist wants nothing", now: "2026-02-01 00:00"},
		{name: "before the first", state: given(monthly()), now: "2026-01-31 23:59:59"},
		{name: "at the first", state: given(monthly()), now: "2026-02-01 00:00", try: "1/1"},
		{name: "while it is in flight", state: given(monthly(), on("2026-02-01 00:00", started(1, 1))), now: "2026-02-28 23:59"},
		{name: "the next doesn't wait for one in flight", state: given(monthly(), on("2026-02-01 00:00", started(1, 1))), now: "2026-03-01 00:00", try: "2/1"},
		{name: "the last is done", state: given(monthly(), paid(11)...), now: "2027-05-01 00:00"},
		{name: "cancelled", state: given(monthly(), on("2026-01-20 00:00", subscription.Cancelled{})), now: "2026-02-01 00:00"},
		{name: "completed", state: given(monthly(), on("2026-01-20 00:00", subscription.Completed{})), now: "2026-02-01 00:00"},

		{name: "before a retry", state: given(monthly(), waiting), now: "2026-02-01 23:59:59"},
		{name: "at a retry", state: given(monthly(), waiting), now: "2026-02-02 00:00", try: "1/2"},
		{name: "late at a retry", state: given(monthly(), waiting), now: "2026-02-20 00:00", try: "1/2"},
		{name: "too late for a retry: the next one is due", state: given(monthly(), waiting), now: "2026-03-01 00:00", want: events(uncollected(1))},
		{name: "and then the next one", state: given(monthly(), waiting, on("2026-03-01 00:00", uncollected(1))), now: "2026-03-01 00:00", try: "2/1"},
		{name: "too late for the last one's retry", state: given(monthly(until("2026-02-05")), waiting), now: "2026-02-06 00:00",
			want: events(uncollected(1), subscription.Completed{})},
		{name: "the last one's retry is never too late without an end", state: given(monthly(open, last), waiting), now: "2027-02-06 00:00", try: "1/2"},
		{name: "a retry in flight when the next one falls due", state: given(monthly(), waiting, retried), now: "2026-03-01 00:00", try: "2/1"},
		{name: "a retry that a customer is about to pay", state: given(monthly(), waiting,
			on("2026-02-01 12:00", subscription.OverdueClaimed{SessionID: secondID, Numbers: []int{1}})), now: "2026-02-20 00:00"},
		{name: "the next one beside it", state: given(monthly(), waiting,
			on("2026-02-01 12:00", subscription.OverdueClaimed{SessionID: secondID, Numbers: []int{1}})), now: "2026-03-01 00:00", try: "2/1"},

		{name: "paused: before one is due", state: given(monthly(), on("2026-01-20 00:00", paused)), now: "2026-01-31 23:59:59"},
		{name: "paused: one is due", state: given(monthly(), on("2026-01-20 00:00", paused)), now: "2026-02-01 00:00",
			want: events(skipped(1, 0, subscription.SkippedPaused))},
		{name: "paused: several were due meanwhile", state: given(monthly(), on("2026-01-20 00:00", paused)), now: "2026-04-01 00:00",
			want: events(skipped(1, 3, subscription.SkippedPaused))},
		{name: "paused: all were due", state: given(monthly(), on("2026-01-20 00:00", paused)), now: "2026-12-01 00:00",
			want: events(skipped(1, 11, subscription.SkippedPaused), subscription.Completed{})},
		{name: "paused: no retry", state: given(monthly(), waiting, on("2026-02-01 12:00", paused)), now: "2026-02-20 00:00"},
		{name: "paused: a retry ends with the next one", state: given(monthly(then(subscription.ThenCancel)), waiting, on("2026-02-01 12:00", paused)), now: "2026-03-01 00:00",
			want: events(uncollected(1))},
		{name: "paused: the last one's retry waits for its last day", state: given(monthly(open, last), waiting, on("2026-02-01 12:00", paused)), now: "2026-02-05 23:59:59"},
		{name: "paused: and ends with it", state: given(monthly(open, last), waiting, on("2026-02-01 12:00", paused)), now: "2026-02-06 00:00",
			want: events(uncollected(1), subscription.Completed{})},

		{name: "paused: nothing needs to wait", state: given(monthly(), on("2026-02-28 23:30", started(1, 1), paused)), now: "2026-03-01 00:00",
			want: events(skipped(2, 0, subscription.SkippedPaused))},

		{name: "no method: one is due", state: given(monthly(), on("2026-01-20 00:00", required)), now: "2026-02-01 00:00",
			want: events(skipped(1, 0, subscription.SkippedMethodMissing))},
		{name: "no method: the last is due", state: given(monthly(until("2026-02-01")), on("2026-01-20 00:00", required)), now: "2026-02-01 00:00",
			want: events(skipped(1, 0, subscription.SkippedMethodMissing), subscription.Completed{})},
		{name: "no method: no retry", state: given(monthly(), waiting, on("2026-02-01 12:00", required)), now: "2026-02-02 00:00"},

		{name: "late by an hour is not late", state: given(monthly(skipMissed)), now: "2026-02-01 01:00", try: "1/1"},
		{name: "skip what is late by more", state: given(monthly(skipMissed)), now: "2026-02-01 01:00:01",
			want: events(skipped(1, 0, subscription.SkippedMissed))},
		{name: "skip all that are late", state: given(monthly(skipMissed)), now: "2026-04-01 00:00",
			want: events(skipped(1, 2, subscription.SkippedMissed))},
		{name: "but not one that is not", state: given(monthly(skipMissed), on("2026-04-01 00:00", skipped(1, 2, subscription.SkippedMissed))), now: "2026-04-01 00:00", try: "3/1"},
		{name: "collect what is late, the oldest first", state: given(monthly()), now: "2026-04-01 00:00", try: "1/1"},
		{name: "collect the next, not within an hour", state: given(monthly(), on("2026-04-01 00:00", started(1, 1), succeeded(1, 1))), now: "2026-04-01 00:59:59"},
		{name: "collect the next after an hour", state: given(monthly(), on("2026-04-01 00:00", started(1, 1), succeeded(1, 1))), now: "2026-04-01 01:00", try: "2/1"},
		{name: "after a refusal nothing needs to wait", state: given(monthly(), on("2026-04-01 00:00", forbidden(1, 1, "period_limit_exceeded"), uncollected(1))), now: "2026-04-01 00:00", try: "2/1"},
		{name: "on the last day", state: given(monthly(until("2026-04-01"))), now: "2026-04-01 23:59:59", try: "1/1"},
		{name: "after the end all are skipped", state: given(monthly(until("2026-04-01"))), now: "2026-04-02 00:00",
			want: events(skipped(1, 3, subscription.SkippedPastEnd), subscription.Completed{})},
		{name: "after the end what is left is skipped, even within the hour", state: given(monthly(until("2026-04-01")), on("2026-04-01 23:30", started(1, 1), succeeded(1, 1))), now: "2026-04-02 00:00",
			want: events(skipped(2, 3, subscription.SkippedPastEnd), subscription.Completed{})},
		{name: "after the end in a zone", state: given(monthly(until("2026-04-01"), func(p *subscription.Plan) { p.TimeZone = "America/New_York" })), now: "2026-04-02 03:59:59", try: "1/1"},

		{name: "no room", state: given(everyDay, flight(16)), now: "2026-02-20 00:00"},
		{name: "no room, and the period over", state: given(everyDay, flight(16)), now: "2027-01-01 00:00", want: events(
			subscription.OccurrenceSkipped{Number: 17, Through: 334, ScheduledFor: at("2026-02-17 00:00"), Reason: subscription.SkippedPastEnd})},
		{name: "room again", state: given(everyDay, flight(16), on("2026-02-20 00:00", succeeded(3, 1))), now: "2026-02-20 00:00", try: "17/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := c.state.Due(at(c.now))
			if len(got.Events) != len(c.want) || len(c.want) > 0 && !reflect.DeepEqual(got.Events, c.want) {
				t.Errorf("what happens is\n%#v, not\n%#v", got.Events, c.want)
			}
			if begun := tryOf(got.Charge); begun != c.try {
				t.Errorf("what is to be begun is %q, not %q", begun, c.try)
			}
			if got.Empty() != (len(c.want) == 0 && c.try == "") {
				t.Errorf("it says %v of being empty", got.Empty())
			}
			if next := c.state.NextDueAt(); got.Empty() == (!next.IsZero() && !next.After(at(c.now))) {
				t.Errorf("there is something to do from %s on", next)
			}
		})
	}
}

// flight is a history of so many days whose outcomes nobody knows.
func flight(days int) dated {
	d := on("2026-02-16 12:00")
	for n := 1; n <= days; n++ {
		e := started(n, 1)
		e.Occurrence.ScheduledFor = time.Date(2026, time.February, n, 0, 0, 0, 0, time.UTC)
		d.events = append(d.events, e)
	}
	return d
}

func tryOf(c *subscription.Charge) string {
	if c == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d", c.Number, c.Attempt)
}

func TestChargeSaysAll(t *testing.T) {
	t.Parallel()
	s := given(monthly(), and(paid(1), on("2026-03-01 00:00", started(2, 1), failed(2, 1, soft, "2026-03-02 00:00"), subscription.BecamePastDue{}))...)
	want := &subscription.Charge{
		Number: 2, ScheduledFor: at("2026-03-01 00:00"), Attempt: 2, Amount: 2000, Currency: "ZAR",
		PaymentMethodID: methodID, MandateID: mandateID,
		SessionID: subscription.SessionID(subscriptionID, 2, 2), PaymentID: subscription.PaymentID(subscriptionID, 2, 2),
		CommandID: subscription.CommandID(subscriptionID, 2, 2),
	}
	if got := s.Due(at("2026-03-02 00:00")).Charge; !reflect.DeepEqual(got, want) {
		t.Errorf("it is\n%#v, not\n%#v", got, want)
	}
	if got := want.Occurrence(); got != try(2, 2) {
		t.Errorf("its occurrence is %v", got)
	}
}

// Two instalments of one day are one date: they need not be an hour apart.
func TestTwoAtOneInstant(t *testing.T) {
	t.Parallel()
	p := monthly(skipMissed, func(p *subscription.Plan) {
		p.Recurrence, p.Amount = recurrence.Rule{}, 0
		p.Items = []mandate.Item{{Amount: 500, Date: date("2026-02-01")}, {Amount: 700, Date: date("2026-02-01")}}
	})
	s := given(p, on("2026-02-01 00:00", started(1, 1)))
	if got := s.Due(at("2026-02-01 00:00")).Charge; got == nil || got.Number != 2 || got.Amount != 700 {
		t.Errorf("what is to be begun is %v", got)
	}
}

func TestUpcoming(t *testing.T) {
	t.Parallel()
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), subscription.BecamePastDue{})
	for _, c := range []struct {
		name  string
		state subscription.State
		now   string
		want  []int // the months of 2026
		next  string
	}{
		{"what does not exist", subscription.State{}, "2026-01-15 12:00", nil, ""},
		{"new", given(monthly()), "2026-01-15 12:00", []int{2, 3, 4, 5, 6}, "2026-02-01 00:00"},
		{"due and not begun", given(monthly()), "2026-02-01 00:05", []int{2, 3, 4, 5, 6}, "2026-02-01 00:00"},
		{"begun", given(monthly(), on("2026-02-01 00:00", started(1, 1))), "2026-02-01 00:05", []int{3, 4, 5, 6, 7}, "2026-03-01 00:00"},
		{"near the end", given(monthly(), paid(9)...), "2026-10-15 00:00", []int{11, 12}, "2026-11-01 00:00"},
		{"waiting for a retry", given(monthly(), waiting), "2026-02-01 12:00", []int{3, 4, 5, 6, 7}, "2026-02-02 00:00"},
		{"a retry that comes too late", given(monthly(), waiting), "2026-03-02 00:00", []int{3, 4, 5, 6, 7}, "2026-03-01 00:00"},
		{"a retry that a customer is about to pay", given(monthly(), waiting,
			on("2026-02-01 12:00", subscription.OverdueClaimed{SessionID: secondID, Numbers: []int{1}})), "2026-02-01 12:00", []int{3, 4, 5, 6, 7}, "2026-03-01 00:00"},
		{"late ones are collected an hour apart", given(monthly(), on("2026-04-10 10:00", started(1, 1))), "2026-04-10 10:00", []int{3, 4, 5, 6, 7}, "2026-04-10 11:00"},
		{"late ones are skipped", given(monthly(skipMissed)), "2026-04-10 10:00", []int{5, 6, 7, 8, 9}, "2026-05-01 00:00"},
		{"no more than may succeed", given(monthly(atMost(3))), "2026-01-15 12:00", []int{2, 3, 4}, "2026-02-01 00:00"},
		{"what was paid counts", given(monthly(atMost(3)), paid(2)...), "2026-03-01 12:00", []int{4}, "2026-04-01 00:00"},
		{"what was paid under the mandate before, too", given(monthly(atMost(3)), and(paid(2), on("2026-03-02 00:00",
			subscription.MethodReplaced{PaymentMethodID: otherID, MandateID: anotherID, SessionID: secondID}))...), "2026-03-02 00:00", []int{4}, "2026-04-01 00:00"},
		{"what is in flight counts", given(monthly(atMost(2)), on("2026-02-01 00:00", started(1, 1))), "2026-02-01 00:05", []int{3}, "2026-03-01 00:00"},
		{"until it fails", given(monthly(atMost(2)), waiting), "2026-02-01 12:00", []int{3, 4}, "2026-02-02 00:00"},
		{"what was skipped does not", given(monthly(atMost(2)), on("2026-02-01 00:00", skipped(1, 0, subscription.SkippedPaused))), "2026-02-02 00:00", []int{3, 4}, "2026-03-01 00:00"},
		{"what is settled with a new card does not", given(monthly(atMost(2)), waiting, on("2026-02-01 12:00",
			subscription.MethodReplaced{PaymentMethodID: otherID, MandateID: anotherID, SessionID: secondID, Settled: []int{1}})), "2026-02-01 12:00", []int{3, 4}, "2026-03-01 00:00"},
		{"as many as may were paid", given(monthly(atMost(2)), paid(2)...), "2026-03-01 12:00", nil, ""},
		{"nor is what waits tried again then", given(monthly(atMost(1)), on("2026-02-01 00:00", started(1, 1)),
			on("2026-03-01 00:00", started(2, 1), failed(2, 1, soft, "2026-03-02 00:00"), subscription.BecamePastDue{}, succeeded(1, 1))), "2026-03-01 12:00", nil, ""},
		{"paused", given(monthly(), on("2026-01-20 00:00", subscription.Paused{})), "2026-01-20 00:00", nil, ""},
		{"no method", given(monthly(), waiting, on("2026-02-01 12:00", subscription.PaymentMethodRequired{})), "2026-02-01 12:00", nil, ""},
		{"cancelled", given(monthly(), on("2026-01-20 00:00", subscription.Cancelled{})), "2026-01-20 00:00", nil, ""},
		{"after the end", given(monthly(until("2026-03-31"))), "2026-04-01 00:00", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for _, o := range c.state.Upcoming(at(c.now), subscription.UpcomingCount) {
				got = append(got, int(o.At.Month()))
				if o.Amount != 2000 || o.Number != got[len(got)-1]-1 || o.At != first(o.Number) {
					t.Errorf("one of them is %v", o)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("upcoming are %v, not %v", got, c.want)
			}
			var next time.Time
			if c.next != "" {
				next = at(c.next)
			}
			if got := c.state.NextPaymentAt(at(c.now)); !got.Equal(next) {
				t.Errorf("the next payment is at %s", got)
			}
		})
	}
}

// The ids must never change: an occurrence that was paid under another would be
// paid again.
func TestIDsAreForEver(t *testing.T) {
	t.Parallel()
	got := []string{
		subscription.SessionID(subscriptionID, 1, 1), subscription.SessionID(subscriptionID, 1, 2), subscription.SessionID(subscriptionID, 11, 1),
		subscription.PaymentID(subscriptionID, 1, 1), subscription.CommandID(subscriptionID, 1, 1).String(),
	}
	want := []string{
		"ps_6p9rkk7wfda1gsnvnkxf89j0kp", "ps_3psxnkmt9ja78rpes1sbj31n6c", "ps_44nh3b0yt9a4xvemjhdqfnseje",
		"pay_1hw1t09v01a33s1g3d6r10xr5t", "2f71b68c-c681-5848-9007-a8951e3e0ee5",
	}
	if !slices.Equal(got, want) {
		t.Errorf("they are %q", got)
	}
}
