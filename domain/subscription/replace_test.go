package subscription_test

import (
	"errors"
	"testing"

	"tender/domain/subscription"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	replace := func(session, now string) subscription.ReplaceMethod {
		return subscription.ReplaceMethod{SessionID: session, PaymentMethodID: otherID, MandateID: anotherID, Now: moment(at(now))}
	}
	replaced := func(session string, settled ...int) subscription.MethodReplaced {
		return subscription.MethodReplaced{PaymentMethodID: otherID, MandateID: anotherID, SessionID: session, Settled: settled}
	}
	claimed := func(session string, numbers ...int) subscription.OverdueClaimed {
		return subscription.OverdueClaimed{SessionID: session, Numbers: numbers}
	}
	claim := func(session string, amount int64) subscription.ClaimOverdue {
		return subscription.ClaimOverdue{SessionID: session, Amount: amount}
	}
	release := func(session string) subscription.ReleaseOverdue {
		return subscription.ReleaseOverdue{SessionID: session, Now: moment(at("2026-03-02 00:00"))}
	}
	const now = "2026-03-02 00:00"
	lost := on("2026-02-01 00:00", started(1, 1), failed(1, 1, hard, ""), pastDue, uncollected(1), needsMethod)
	missed := on("2026-03-01 00:00", skipped(2, 0, subscription.SkippedMethodMissing))
	waiting := on("2026-03-01 00:00", started(2, 1), failed(2, 1, soft, "2026-03-02 00:00"), pastDue)
	both := and([]dated{on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, ""), pastDue, uncollected(1))}, waiting)
	mine, others := on("2026-03-01 12:00", claimed(secondID, 1, 2)), on("2026-03-01 12:00", claimed(firstID, 1, 2))
	gone := on("2026-03-01 18:00", subscription.Cancelled{})

	check(t, []ruling{
		{"claim all that is overdue", given(monthly(), both...), claim(secondID, 4000), events(claimed(secondID, 1, 2)), nil},
		{"claim something else", given(monthly(), both...), claim(secondID, 2000), nil, subscription.ErrAmountNotOverdue},
		{"claim what is not", given(monthly(), paid(1)...), claim(secondID, 2000), nil, subscription.ErrAmountNotOverdue},
		{"claim nothing", given(monthly(), both...), claim(secondID, 0), nil, nil},
		{"claim twice", given(monthly(), and(both, mine)...), claim(secondID, 4000), nil, nil},
		{"claim what another session has claimed", given(monthly(), and(both, others)...), claim(secondID, 4000), nil, subscription.ErrOverdueInFlight},
		{"claim what is in flight", given(monthly(), and(both, on("2026-03-02 00:00", started(2, 2)))...), claim(secondID, 4000), nil, subscription.ErrOverdueInFlight},
		{"claim after the end", given(monthly(), and(both, gone)...), claim(secondID, 4000), nil, subscription.ErrEnded},
		{"claim of nothing", subscription.State{}, claim(secondID, 4000), nil, subscription.ErrNotFound},

		{"release", given(monthly(), and(both, mine)...), release(secondID), events(subscription.OverdueReleased{SessionID: secondID}), nil},
		{"release what another session has claimed", given(monthly(), and(both, others)...), release(secondID), nil, nil},
		{"release after the end", given(monthly(), and(both, mine, gone)...), release(secondID),
			events(subscription.OverdueReleased{SessionID: secondID}, uncollected(2)), nil},

		{"while all is well", given(monthly(), paid(1)...), replace(secondID, "2026-02-20 00:00"), events(replaced(secondID)), nil},
		{"after a hard decline, for nothing", given(monthly(), lost, missed), replace(secondID, now), events(replaced(secondID), recovered), nil},
		{"after a hard decline, with what is overdue", given(monthly(), lost, missed, on("2026-03-01 12:00", claimed(secondID, 1))), replace(secondID, now),
			events(replaced(secondID, 1), recovered), nil},
		{"before anybody got to skip what was due", given(monthly(), lost), replace(secondID, now),
			events(skipped(2, 0, subscription.SkippedMethodMissing), replaced(secondID), recovered), nil},
		{"while one waits for a retry, for nothing", given(monthly(), both...), replace(secondID, now), events(replaced(secondID)), nil},
		{"while one waits for a retry, with what is overdue", given(monthly(), and(both, mine)...), replace(secondID, now),
			events(replaced(secondID, 1, 2), recovered), nil},
		{"while another session has claimed", given(monthly(), and(both, others)...), replace(secondID, now), events(replaced(secondID)), nil},
		{"while paused", given(monthly(), lost, on("2026-02-10 00:00", subscription.Paused{})), replace(secondID, now), events(replaced(secondID), recovered), nil},
		{"revoked, with nothing overdue", given(monthly(), on("2026-01-20 00:00", needsMethod)), replace(secondID, "2026-01-21 00:00"), events(replaced(secondID)), nil},
		{"the last was overdue", given(monthly(until("2026-03-31")), and(both, mine)...), replace(secondID, now),
			events(replaced(secondID, 1, 2), recovered, completed), nil},
		{"after the end", given(monthly(), and(both, gone)...), replace(secondID, now), nil, nil},
		{"after the end, but it was paid", given(monthly(), and(both, mine, gone)...), replace(secondID, now), events(replaced(secondID, 1, 2)), nil},
		{"of nothing", subscription.State{}, replace(secondID, now), nil, subscription.ErrNotFound},
	})

	after := given(monthly(), and(both, mine, on("2026-03-02 00:00", replaced(secondID, 1, 2), recovered))...)
	if after.PaymentMethodID != otherID || after.MandateID != anotherID || after.OverdueAmount() != 0 || len(after.Open) != 0 || after.Hold.SessionID != "" {
		t.Errorf("it is left as %+v", after)
	}
	if got := after.Due(at("2026-04-01 00:00")).Charge; got == nil || got.Number != 3 || got.PaymentMethodID != otherID || got.MandateID != anotherID {
		t.Errorf("the next is %+v", got)
	}
}

func TestCheckReplacement(t *testing.T) {
	t.Parallel()
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	for _, c := range []struct {
		name   string
		state  subscription.State
		amount int64
		want   error
	}{
		{"nothing", given(monthly()), 0, nil},
		{"more than nothing", given(monthly()), 1, subscription.ErrAmountNotOverdue},
		{"what is overdue", given(monthly(), waiting), 2000, nil},
		{"part of it", given(monthly(), waiting), 1999, subscription.ErrAmountNotOverdue},
		{"nothing, though something is overdue", given(monthly(), waiting), 0, nil},
		{"after the end", given(monthly(), on("2026-01-20 00:00", completed)), 0, subscription.ErrEnded},
		{"of nothing", subscription.State{}, 0, subscription.ErrNotFound},
	} {
		if err := c.state.CheckReplacement(c.amount); !errors.Is(err, c.want) {
			t.Errorf("%s: the answer is %v", c.name, err)
		}
	}
}
