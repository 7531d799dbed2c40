package subscription_test

import (
	"testing"

	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

func start(n, attempt int, now string) subscription.Start {
	return subscription.Start{Number: n, Attempt: attempt, Now: moment(at(now))}
}

func refuse(n, attempt int, code string, now string) subscription.Start {
	c := start(n, attempt, now)
	if code == string(mandate.NotActive) {
		c.Refused = mandate.NotActive
		return c
	}
	c.Refused = subscription.CodeMethodUnusable
	if code != string(subscription.CodeMethodUnusable) {
		c.Refused = mandate.PeriodLimitExceeded
	}
	return c
}

func settle(n, attempt int, now string, failure ...decline.Failure) subscription.Settle {
	c := subscription.Settle{Number: n, Attempt: attempt, Now: moment(at(now))}
	if len(failure) > 0 {
		c.Failure = &failure[0]
	}
	return c
}

var (
	pastDue      = subscription.BecamePastDue{}
	recovered    = subscription.Recovered{}
	completed    = subscription.Completed{}
	needsMethod  = subscription.PaymentMethodRequired{}
	pausedByPlan = subscription.Paused{By: subscription.BySchedule}
	ended        = subscription.Cancelled{By: subscription.BySchedule}
)

func TestStart(t *testing.T) {
	t.Parallel()
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	const limit, unusable, inactive = "period_limit_exceeded", "payment_method_unusable", "mandate_not_active"
	check(t, []ruling{
		{"what does not exist", subscription.State{}, start(1, 1, "2026-02-01 00:00"), nil, subscription.ErrNotFound},
		{"the first", given(monthly()), start(1, 1, "2026-02-01 00:00"), events(started(1, 1)), nil},
		{"too early", given(monthly()), start(1, 1, "2026-01-31 23:59:59"), nil, nil},
		{"another than is wanted", given(monthly()), start(2, 1, "2026-03-01 00:00"), nil, nil},
		{"another try than is wanted", given(monthly()), start(1, 2, "2026-02-01 00:00"), nil, nil},
		{"twice", given(monthly(), on("2026-02-01 00:00", started(1, 1))), start(1, 1, "2026-02-01 00:00"), nil, nil},
		{"after it was paid", given(monthly(), paid(1)...), start(1, 1, "2026-02-01 00:00"), nil, nil},
		{"while paused", given(monthly(), on("2026-01-20 00:00", subscription.Paused{})), start(1, 1, "2026-02-01 00:00"), nil, nil},
		{"a retry", given(monthly(), waiting), start(1, 2, "2026-02-02 00:00"), events(started(1, 2)), nil},
		{"a retry too late", given(monthly(), waiting), start(1, 2, "2026-03-01 00:00"), nil, nil},
		{"a retry while paused", given(monthly(), waiting, on("2026-02-01 12:00", subscription.Paused{})), start(1, 2, "2026-02-02 00:00"), nil, nil},

		{"refused by a limit", given(monthly()), refuse(1, 1, limit, "2026-02-01 00:00"),
			events(forbidden(1, 1, limit), pastDue, uncollected(1)), nil},
		{"refused, and past due already", given(monthly(), waiting, on("2026-03-01 00:00", uncollected(1))), refuse(2, 1, limit, "2026-03-01 00:00"),
			events(forbidden(2, 1, limit), uncollected(2)), nil},
		{"a retry that is refused", given(monthly(), waiting), refuse(1, 2, limit, "2026-02-02 00:00"),
			events(forbidden(1, 2, limit), uncollected(1)), nil},
		{"refused, then pause", given(monthly(then(subscription.ThenPause))), refuse(1, 1, limit, "2026-02-01 00:00"),
			events(forbidden(1, 1, limit), pastDue, uncollected(1), pausedByPlan), nil},
		{"refused, then cancel", given(monthly(then(subscription.ThenCancel))), refuse(1, 1, limit, "2026-02-01 00:00"),
			events(forbidden(1, 1, limit), pastDue, uncollected(1), ended), nil},
		{"refused by the method", given(monthly()), refuse(1, 1, unusable, "2026-02-01 00:00"),
			events(forbidden(1, 1, unusable), pastDue, uncollected(1), needsMethod), nil},
		{"refused by a mandate that has ended", given(monthly()), refuse(1, 1, inactive, "2026-02-01 00:00"),
			events(forbidden(1, 1, inactive), pastDue, uncollected(1), needsMethod), nil},
		{"the last is refused by the method", given(monthly(until("2026-02-01"))), refuse(1, 1, unusable, "2026-02-01 00:00"),
			events(forbidden(1, 1, unusable), pastDue, uncollected(1), completed), nil},
		{"refused, but not wanted", given(monthly()), refuse(1, 1, limit, "2026-01-31 00:00"), nil, nil},
	})
}

func TestSucceed(t *testing.T) {
	t.Parallel()
	flying := on("2026-02-01 00:00", started(1, 1))
	again := on("2026-02-02 00:00", started(1, 2))
	waiting := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, "2026-02-02 00:00"), pastDue)
	givenUp := on("2026-02-01 00:00", started(1, 1), failed(1, 1, soft, ""), pastDue, uncollected(1))
	check(t, []ruling{
		{"the first", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00"), events(succeeded(1, 1)), nil},
		{"twice", given(monthly(), paid(1)...), settle(1, 1, "2026-02-01 00:00"), nil, nil},
		{"of another try", given(monthly(), waiting, again), settle(1, 1, "2026-02-02 00:00"), nil, nil},
		{"while it waits", given(monthly(), waiting), settle(1, 1, "2026-02-01 00:00"), nil, nil},
		{"of nothing", given(monthly()), settle(1, 1, "2026-02-01 00:00"), nil, nil},
		{"the last", given(monthly(), and(paid(10), on("2026-12-01 00:00", started(11, 1)))...), settle(11, 1, "2026-12-01 00:00"),
			events(succeeded(11, 1), completed), nil},
		{"the last, with another in flight", given(monthly(until("2026-03-31")), flying, on("2026-03-01 00:00", started(2, 1))), settle(2, 1, "2026-03-01 00:00"),
			events(succeeded(2, 1)), nil},
		{"which comes in later", given(monthly(until("2026-03-31")), flying, on("2026-03-01 00:00", started(2, 1), succeeded(2, 1))), settle(1, 1, "2026-03-05 00:00"),
			events(succeeded(1, 1), completed), nil},
		{"a retry", given(monthly(), waiting, again), settle(1, 2, "2026-02-02 00:00"), events(succeeded(1, 2), recovered), nil},
		{"a later one than one that is given up", given(monthly(), givenUp, on("2026-03-01 00:00", started(2, 1))), settle(2, 1, "2026-03-01 00:00"),
			events(succeeded(2, 1), recovered), nil},
		{"an earlier one than one that is given up", given(monthly(), flying,
			on("2026-03-01 00:00", started(2, 1), failed(2, 1, soft, ""), pastDue, uncollected(2))), settle(1, 1, "2026-03-05 00:00"),
			events(succeeded(1, 1)), nil},
		{"a later one than one that is tried again", given(monthly(), waiting, again, on("2026-03-01 00:00", started(2, 1))), settle(2, 1, "2026-03-01 00:00"),
			events(succeeded(2, 1)), nil},
		{"while paused", given(monthly(), flying, on("2026-02-01 00:01", subscription.Paused{})), settle(1, 1, "2026-02-01 00:02"), events(succeeded(1, 1)), nil},
		{"after a cancellation", given(monthly(), waiting, again, on("2026-02-02 00:01", subscription.Cancelled{})), settle(1, 2, "2026-02-02 00:02"),
			events(succeeded(1, 2)), nil},
		{"the last, after a cancellation", given(monthly(until("2026-02-28")), flying, on("2026-02-01 00:01", subscription.Cancelled{})), settle(1, 1, "2026-02-01 00:02"),
			events(succeeded(1, 1)), nil},
	})
}

func TestFail(t *testing.T) {
	t.Parallel()
	flying := on("2026-02-01 00:00", started(1, 1))
	second := on("2026-02-02 00:00", failed(1, 1, soft, "2026-02-02 00:00"), pastDue, started(1, 2))
	pause, cancel := then(subscription.ThenPause), then(subscription.ThenCancel)
	never := func(p *subscription.Plan) { p.Retry.Days = nil }
	days := func(days ...int) func(*subscription.Plan) {
		return func(p *subscription.Plan) { p.Retry.Days = days }
	}
	everyDay := func(p *subscription.Plan) { daily(p); p.Active.Start = date("2026-02-01") }
	newYork := func(p *subscription.Plan) { p.TimeZone = "America/New_York" }
	openEnd := func(p *subscription.Plan) { p.Active.End, p.Occurrences = recurrence.Date{}, 1 }

	// In New York, a week before clocks are set forward.
	inMarch, inMarchFailed := started(2, 1), failed(2, 1, soft, "2026-03-09 22:45:30")
	inMarch.Occurrence.ScheduledFor, inMarchFailed.Occurrence.ScheduledFor = at("2026-03-01 05:00"), at("2026-03-01 05:00")

	check(t, []ruling{
		{"softly", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", soft), events(failed(1, 1, soft, "2026-02-02 00:00"), pastDue), nil},
		{"by a fault", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", notProcessing), events(failed(1, 1, notProcessing, "2026-02-02 00:00"), pastDue), nil},
		{"again: the next day counts from the first try", given(monthly(), flying, second), settle(1, 2, "2026-02-02 00:00", soft),
			events(failed(1, 2, soft, "2026-02-04 00:00")), nil},
		{"a day that has passed is left out", given(monthly(), flying, second), settle(1, 2, "2026-02-04 00:00", soft),
			events(failed(1, 2, soft, "2026-02-06 00:00")), nil},
		{"no day is left", given(monthly(), flying, second), settle(1, 2, "2026-02-06 00:00", soft),
			events(failed(1, 2, soft, ""), uncollected(1)), nil},
		{"days in a zone whose clocks change", given(monthly(newYork, days(8)), on("2026-03-01 23:45:30", inMarch)), settle(2, 1, "2026-03-01 23:45:30", soft),
			events(inMarchFailed, pastDue), nil},

		{"never tried again", given(monthly(never), flying), settle(1, 1, "2026-02-01 00:00", soft), events(failed(1, 1, soft, ""), pastDue, uncollected(1)), nil},
		{"the next one falls due first", given(monthly(everyDay), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1)), nil},
		{"the next one falls due on a day of the plan", given(monthly(days(28)), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1)), nil},
		{"the next one falls due a day later", given(monthly(days(27)), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, "2026-02-28 00:00"), pastDue), nil},
		{"the period ends first", given(monthly(until("2026-02-01")), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1), completed), nil},
		{"the period ends a day later", given(monthly(until("2026-02-02")), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, "2026-02-02 00:00"), pastDue), nil},
		{"the last one, without an end", given(monthly(openEnd), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, "2026-02-02 00:00"), pastDue), nil},

		{"for good, then pause", given(monthly(never, pause), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1), pausedByPlan), nil},
		{"for good, then pause, but it is paused", given(monthly(never, pause), flying, on("2026-02-01 00:00", subscription.Paused{})), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1)), nil},
		{"for good, then pause, but it was the last", given(monthly(never, pause, until("2026-02-01")), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1), completed), nil},
		{"for good, then cancel", given(monthly(never, cancel), flying), settle(1, 1, "2026-02-01 00:00", soft),
			events(failed(1, 1, soft, ""), pastDue, uncollected(1), ended), nil},
		{"for good, then cancel what waits and what is due", given(monthly(cancel), flying, on("2026-03-01 00:00", started(2, 1), failed(2, 1, soft, "2026-03-02 00:00"), pastDue)),
			settle(1, 1, "2026-04-02 00:00", hard),
			events(failed(1, 1, hard, ""), uncollected(1), uncollected(2), skipped(3, 0, subscription.SkippedCancelled), ended), nil},

		{"hard", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", hard), events(failed(1, 1, hard, ""), pastDue, uncollected(1), needsMethod), nil},
		{"authentication", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", authenticate), events(failed(1, 1, authenticate, ""), pastDue, uncollected(1), needsMethod), nil},
		{"revoked", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", revoked), events(failed(1, 1, revoked, ""), pastDue, uncollected(1), needsMethod), nil},
		{"an expired card", given(monthly(), flying), settle(1, 1, "2026-02-01 00:00", expiredCard), events(failed(1, 1, expiredCard, ""), pastDue, uncollected(1), needsMethod), nil},
		{"hard, with a retry", given(monthly(), flying, second), settle(1, 2, "2026-02-02 00:00", hard), events(failed(1, 2, hard, ""), uncollected(1), needsMethod), nil},
		{"hard, then pause", given(monthly(pause), flying), settle(1, 1, "2026-02-01 00:00", hard),
			events(failed(1, 1, hard, ""), pastDue, uncollected(1), needsMethod, pausedByPlan), nil},
		{"hard, then cancel", given(monthly(cancel), flying), settle(1, 1, "2026-02-01 00:00", hard),
			events(failed(1, 1, hard, ""), pastDue, uncollected(1), ended), nil},
		{"hard, and known to be without a method", given(monthly(), flying, on("2026-02-01 00:00", needsMethod)), settle(1, 1, "2026-02-01 00:00", hard),
			events(failed(1, 1, hard, ""), pastDue, uncollected(1)), nil},
		{"hard, of a method that was replaced", given(monthly(), flying,
			on("2026-02-01 00:01", subscription.MethodReplaced{PaymentMethodID: otherID, MandateID: anotherID, SessionID: secondID})), settle(1, 1, "2026-02-01 00:02", hard),
			events(failed(1, 1, hard, "2026-02-02 00:00"), pastDue), nil},

		{"while paused", given(monthly(), flying, on("2026-02-01 00:01", subscription.Paused{})), settle(1, 1, "2026-02-01 00:02", soft),
			events(failed(1, 1, soft, "2026-02-02 00:00"), pastDue), nil},
		{"after a cancellation", given(monthly(pause), flying, on("2026-02-01 00:01", subscription.Cancelled{})), settle(1, 1, "2026-02-01 00:02", hard),
			events(failed(1, 1, hard, ""), uncollected(1)), nil},
		{"softly, after a cancellation", given(monthly(pause), flying, on("2026-02-01 00:01", subscription.Cancelled{})), settle(1, 1, "2026-02-01 00:02", soft),
			events(failed(1, 1, soft, ""), uncollected(1)), nil},
		{"twice", given(monthly(), flying, second), settle(1, 1, "2026-02-02 00:00", soft), nil, nil},
	})
}
