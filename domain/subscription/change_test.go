package subscription_test

import (
	"strings"
	"testing"
	"time"

	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	create := func(p subscription.Plan, now string) subscription.Create {
		return subscription.Create{
			ID: commandID, CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID, ClockID: clockID,
			Plan: p, Now: moment(at(now)),
		}
	}
	made := func(p subscription.Plan, now string) subscription.Created {
		return subscription.Created{
			CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID, ClockID: clockID, Plan: p, After: at(now),
		}
	}
	items := monthly(func(p *subscription.Plan) {
		p.Amount, p.Recurrence, p.Items = 0, recurrence.Rule{}, []mandate.Item{{Amount: 500, Date: date("2026-02-01")}}
	})
	check(t, []ruling{
		{"with a future", subscription.State{}, create(monthly(), "2026-01-15 12:00"), events(made(monthly(), "2026-01-15 12:00")), nil},
		{"without one", subscription.State{}, create(monthly(), "2026-12-01 00:00"), events(made(monthly(), "2026-12-01 00:00"), completed), nil},
		{"instalments that have passed", subscription.State{}, create(items, "2026-02-01 00:00"), events(made(items, "2026-02-01 00:00"), completed), nil},
		{"twice", given(monthly()), create(monthly(), "2026-01-15 12:00"), nil, subscription.ErrExists},
	})
	if got := create(monthly(), "2026-01-15 12:00").SubscriptionID(); got != subscriptionID {
		t.Errorf("its id is %s", got)
	}
}

func TestPauseAndResume(t *testing.T) {
	t.Parallel()
	pause := subscription.Pause{By: subscription.ByMerchant, Reason: "on holiday"}
	resume := func(now string) subscription.Resume { return subscription.Resume{Now: moment(at(now))} }
	paused := on("2026-01-20 00:00", subscription.Paused{By: subscription.ByMerchant})
	gone := on("2026-01-20 00:00", subscription.Cancelled{})
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	check(t, []ruling{
		{"pause", given(monthly()), pause, events(subscription.Paused{By: subscription.ByMerchant, Reason: "on holiday"}), nil},
		{"pause what does not exist", subscription.State{}, pause, nil, subscription.ErrNotFound},
		{"pause twice", given(monthly(), paused), pause, nil, subscription.ErrPaused},
		{"pause what has ended", given(monthly(), gone), pause, nil, subscription.ErrEnded},
		{"pause with too much to say", given(monthly()), subscription.Pause{Reason: strings.Repeat("ü", subscription.ReasonCharactersMax+1)}, nil, subscription.ErrReasonTooLong},

		{"resume", given(monthly(), paused), resume("2026-01-31 00:00"), events(subscription.Resumed{}), nil},
		{"resume what does not exist", subscription.State{}, resume("2026-01-31 00:00"), nil, subscription.ErrNotFound},
		{"resume what is not paused", given(monthly()), resume("2026-01-31 00:00"), nil, subscription.ErrNotPaused},
		{"resume what has ended", given(monthly(), paused, gone), resume("2026-01-31 00:00"), nil, subscription.ErrEnded},
		{"resume at the instant of one", given(monthly(), paused), resume("2026-02-01 00:00"), events(skipped(1, 0, subscription.SkippedPaused), subscription.Resumed{}), nil},
		{"resume before anybody got to skip", given(monthly(), paused), resume("2026-06-10 00:00"), events(skipped(1, 5, subscription.SkippedPaused), subscription.Resumed{}), nil},
		{"resume after all is over", given(monthly(), paused), resume("2027-06-10 00:00"),
			events(skipped(1, 11, subscription.SkippedPaused), subscription.Resumed{}, completed), nil},
		{"resume while something waits", given(monthly(), waiting, paused), resume("2026-02-10 00:00"), events(subscription.Resumed{}), nil},
	})
	if got := tryOf(given(monthly(), waiting, paused, on("2026-02-10 00:00", subscription.Resumed{})).Due(at("2026-02-10 00:00")).Charge); got != "1/2" {
		t.Errorf("after the pause %q is tried", got)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	cancel := func(now string) subscription.Cancel {
		return subscription.Cancel{By: subscription.ByMerchant, Reason: "moved", Now: moment(at(now))}
	}
	cancelled := subscription.Cancelled{By: subscription.ByMerchant, Reason: "moved"}
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	check(t, []ruling{
		{"at once", given(monthly()), cancel("2026-01-20 00:00"), events(cancelled), nil},
		{"what does not exist", subscription.State{}, cancel("2026-01-20 00:00"), nil, subscription.ErrNotFound},
		{"twice", given(monthly(), on("2026-01-20 00:00", cancelled)), cancel("2026-01-20 00:00"), nil, subscription.ErrEnded},
		{"completed", given(monthly(), on("2026-01-20 00:00", completed)), cancel("2026-01-20 00:00"), nil, subscription.ErrEnded},
		{"with too much to say", given(monthly()), subscription.Cancel{Reason: strings.Repeat("x", subscription.ReasonCharactersMax+1)}, nil, subscription.ErrReasonTooLong},
		{"while one is in flight", given(monthly(), on("2026-02-01 00:00", started(1, 1))), cancel("2026-02-01 00:01"), events(cancelled), nil},
		{"while one waits for a retry", given(monthly(), waiting), cancel("2026-02-01 12:00"), events(uncollected(1), cancelled), nil},
		{"while a customer is about to pay", given(monthly(), waiting, on("2026-02-01 01:00", subscription.OverdueClaimed{SessionID: secondID, Numbers: []int{1}})),
			cancel("2026-02-01 12:00"), events(cancelled), nil},
		{"before anybody got to what is due", given(monthly()), cancel("2026-03-01 00:00"), events(skipped(1, 2, subscription.SkippedCancelled), cancelled), nil},
	})
}

func TestEnd(t *testing.T) {
	t.Parallel()
	end := func(cause subscription.Cause, now string) subscription.End {
		return subscription.End{MandateID: mandateID, Cause: cause, Now: moment(at(now))}
	}
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	check(t, []ruling{
		{"revoked", given(monthly()), end(subscription.CauseRevoked, "2026-01-20 00:00"), events(needsMethod), nil},
		{"revoked twice", given(monthly(), on("2026-01-20 00:00", needsMethod)), end(subscription.CauseRevoked, "2026-01-20 00:00"), nil, nil},
		{"revoked, of a subscription that has ended", given(monthly(), on("2026-01-20 00:00", completed)), end(subscription.CauseRevoked, "2026-01-20 00:00"), nil, nil},
		{"revoked, while one waits for a retry", given(monthly(), waiting), end(subscription.CauseRevoked, "2026-02-01 12:00"), events(needsMethod), nil},
		{"the method is unusable", given(monthly()), end(subscription.CauseMethodUnusable, "2026-01-20 00:00"), events(needsMethod), nil},
		{"of another mandate", given(monthly()), subscription.End{MandateID: anotherID, Cause: subscription.CauseRevoked}, nil, nil},
		{"expired before the end", given(monthly()), end(subscription.CauseExpired, "2026-11-30 00:00"), events(needsMethod), nil},
		{"expired after the last", given(monthly()), end(subscription.CauseExpired, "2027-01-01 00:00"), nil, nil},
		{"exhausted", given(monthly(), paid(2)...), end(subscription.CauseExhausted, "2026-03-01 00:00"), events(completed), nil},
		{"exhausted, while one waits", given(monthly(), waiting), end(subscription.CauseExhausted, "2026-02-01 12:00"), events(uncollected(1), completed), nil},
		{"exhausted, while some are due", given(monthly()), end(subscription.CauseExhausted, "2026-04-01 12:00"),
			events(skipped(1, 3, subscription.SkippedExhausted), completed), nil},
		{"exhausted twice", given(monthly(), on("2026-01-20 00:00", completed)), end(subscription.CauseExhausted, "2026-01-20 00:00"), nil, nil},
	})
}

// What an object shows as its status follows from few events.
func TestStatus(t *testing.T) {
	t.Parallel()
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	for _, c := range []struct {
		name    string
		history []dated
		want    subscription.Status
	}{
		{"new", nil, subscription.StatusActive},
		{"paid", paid(1), subscription.StatusActive},
		{"unpaid", []dated{waiting}, subscription.StatusPastDue},
		{"paid again", []dated{waiting, on("2026-02-02 00:00", started(1, 2), succeeded(1, 2), recovered)}, subscription.StatusActive},
		{"no method", []dated{on("2026-01-20 00:00", needsMethod)}, subscription.StatusPastDue},
		{"another method", []dated{on("2026-01-20 00:00", needsMethod, subscription.MethodReplaced{})}, subscription.StatusActive},
		{"paused", []dated{waiting, on("2026-02-01 12:00", subscription.Paused{})}, subscription.StatusPaused},
		{"resumed", []dated{waiting, on("2026-02-01 12:00", subscription.Paused{}, subscription.Resumed{})}, subscription.StatusPastDue},
		{"cancelled", []dated{waiting, on("2026-02-01 12:00", subscription.Paused{}, subscription.Cancelled{})}, subscription.StatusCancelled},
		{"completed", []dated{on("2026-02-01 12:00", completed)}, subscription.StatusCompleted},
	} {
		if got := given(monthly(), c.history...).Status(); got != c.want {
			t.Errorf("%s: it is %s", c.name, got)
		}
	}
}

// What is overdue is bounded: the oldest is written off.
func TestOverdueIsBounded(t *testing.T) {
	t.Parallel()
	s := given(monthly(daily))
	day := at("2026-01-16 00:00")
	for n := 1; n <= subscription.OverdueMax+5; n++ {
		now := moment(day)
		for _, c := range []subscription.Command{
			subscription.Start{Number: n, Attempt: 1, Now: now}, subscription.Settle{Number: n, Attempt: 1, Failure: &soft, Now: now},
		} {
			es, err := subscription.Decide(s, c)
			if err != nil || len(es) == 0 {
				t.Fatalf("%#v: %v, %v", c, es, err)
			}
			s = more(s, dated{day, es})
		}
		day = day.Add(24 * time.Hour)
	}
	if len(s.Overdue) != subscription.OverdueMax || s.Overdue[0].Number != 6 || s.OverdueAmount() != 2000*subscription.OverdueMax {
		t.Errorf("overdue are %d from number %d on", len(s.Overdue), s.Overdue[0].Number)
	}
}
