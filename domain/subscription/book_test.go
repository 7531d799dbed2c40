package subscription_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"tender/domain/recurrence"
	"tender/domain/subscription"
)

// fate is what has become of an occurrence, as a naive book keeps it.
type fate string

const (
	untouched   fate = ""
	flying      fate = "in flight"
	waits       fate = "waits for a retry"
	failedLast  fate = "failed, and not tried again"
	isPaid      fate = "paid"
	isSkipped   fate = "skipped"
	isCollected fate = "uncollected"
)

// page is one occurrence in the book.
type page struct {
	fate     fate
	attempt  int
	firstTry time.Time
	retryAt  time.Time
	outdated bool // the try in flight is with a method that was replaced
	overdue  bool
}

// note writes what happens into the book, and holds it against what stands there.
func (m *machine) note(t *rapid.T, e subscription.Event, rest []subscription.Event) {
	t.Helper()
	must := func(ok bool, what string) {
		t.Helper()
		if !ok {
			t.Fatalf("at %s: %#v: %s", m.now, e, what)
		}
	}
	switch e := e.(type) {
	case subscription.ChargeStarted:
		m.noteStarted(e, must)
	case subscription.ChargeSucceeded:
		p := m.book[e.Occurrence.Number]
		must(p.fate == flying && p.attempt == e.Occurrence.Attempt, "it is not in flight")
		p.fate, p.overdue = isPaid, false
		for n, older := range m.book {
			if n < e.Occurrence.Number && older.fate != flying && older.fate != waits {
				older.overdue = false
			}
		}
	case subscription.ChargeFailed:
		m.noteFailed(e, must)
	case subscription.OccurrenceSkipped:
		must(e.ScheduledFor.Equal(m.at(e.Number)), "it was scheduled for another time")
		for n := e.Number; n <= e.Last(); n++ {
			must(m.book[n].fate == untouched && m.before(n), "its turn has not come")
			must(!m.at(n).After(m.now), "it is not due")
			m.noteReason(n, e.Reason, rest, must)
			m.book[n].fate = isSkipped
		}
	case subscription.OccurrenceUncollected:
		p := m.book[e.Number]
		must(p.fate == waits || p.fate == failedLast, "it is not open")
		must(e.ScheduledFor.Equal(m.at(e.Number)), "it was scheduled for another time")
		must(!slices.Contains(m.held, e.Number), "a customer is about to pay it")
		p.fate = isCollected
	default:
		m.noteChange(e, must)
	}
	must(m.ended == "" || len(rest) == 0 || e.Type() == "subscription.charge_failed" || e.Type() == "subscription.overdue_released" ||
		e.Type() == "subscription.occurrence_uncollected", "something follows the end")
}

// noteChange notes what happens to the subscription as a whole.
func (m *machine) noteChange(e subscription.Event, must func(bool, string)) {
	switch e := e.(type) {
	case subscription.Created:
		must(e.After.Equal(m.now), "it is made at another time")
	case subscription.BecamePastDue:
		must(!m.pastDue && m.ended == "", "it is past due already")
		m.pastDue = true
	case subscription.Recovered:
		must(m.pastDue && !m.anyOverdue(), "something is overdue")
		m.pastDue = false
	case subscription.PaymentMethodRequired:
		must(!m.needsMethod && m.ended == "", "that is known")
		m.needsMethod = true
	case subscription.MethodReplaced:
		m.noteReplaced(e, must)
	case subscription.OverdueClaimed:
		must(m.holder == "" && len(e.Numbers) > 0, "nothing can be claimed")
		for _, n := range e.Numbers {
			must(m.book[n].overdue && m.book[n].fate != flying, "it can't be claimed")
		}
		m.held, m.holder = e.Numbers, e.SessionID
	case subscription.OverdueReleased:
		must(m.holder == e.SessionID, "it is another's")
		m.held, m.holder = nil, ""
	case subscription.Paused:
		must(!m.paused && m.ended == "", "it is paused already")
		m.paused = true
	case subscription.Resumed:
		must(m.paused && m.ended == "", "it is not paused")
		m.paused = false
	case subscription.Cancelled:
		must(m.ended == "", "it has ended")
		m.ended = subscription.StatusCancelled
	case subscription.Completed:
		must(m.ended == "", "it has ended")
		for n, p := range m.book {
			must(m.exhausted || p.fate != untouched && p.fate != flying && p.fate != waits, fmt.Sprintf("number %d is not over: it %s", n, p.fate))
		}
		m.ended = subscription.StatusCompleted
	}
}

// before reports whether every occurrence before the nth is begun or skipped.
func (m *machine) before(n int) bool { return n == 1 || m.book[n-1].fate != untouched }

func (m *machine) anyOverdue() bool {
	for _, p := range m.book {
		if p.overdue {
			return true
		}
	}
	return false
}

func (m *machine) noteStarted(e subscription.ChargeStarted, must func(bool, string)) {
	n := e.Occurrence.Number
	p := m.book[n]
	must(!m.paused && !m.needsMethod && m.ended == "", "nothing may be begun")
	must(!m.sessions[e.SessionID], "the session was used before")
	must(e.Occurrence.ScheduledFor.Equal(m.at(n)) && !m.now.Before(m.at(n)) && m.now.Before(m.over()), "it is not its time")
	must(e.Amount == m.schedule[n-1].Amount && e.Currency == "ZAR", "the amount is another")
	must(!slices.Contains(m.held, n), "a customer is about to pay it")
	m.sessions[e.SessionID] = true
	if e.Occurrence.Attempt == 1 {
		must(p.fate == untouched && m.before(n), "its turn has not come")
		must(m.plan.Missed == subscription.MissedCollect || m.now.Sub(m.at(n)) <= time.Hour, "it is late")
		must(m.lastTry.IsZero() || m.now.Sub(m.lastTry) >= time.Hour || m.lastFor.Equal(m.at(n)), "the one before is too near")
		p.firstTry, m.lastTry, m.lastFor = m.now, m.now, m.at(n)
	} else {
		must(p.fate == waits && e.Occurrence.Attempt == p.attempt+1 && e.Occurrence.Attempt <= 1+len(m.plan.Retry.Days), "it does not wait for this")
		must(!m.now.Before(p.retryAt) && m.now.Before(m.bound(n)), "it is not its time")
	}
	p.fate, p.attempt, p.outdated = flying, e.Occurrence.Attempt, false
}

func (m *machine) noteFailed(e subscription.ChargeFailed, must func(bool, string)) {
	n := e.Occurrence.Number
	p := m.book[n]
	if e.Refused != "" {
		must(p.fate == untouched && m.before(n) && e.Occurrence.Attempt == 1 || p.fate == waits && e.Occurrence.Attempt == p.attempt+1, "it was not wanted")
		must(!e.Occurrence.WillRetry && e.PaymentID == "", "it was refused")
	} else {
		must(p.fate == flying && p.attempt == e.Occurrence.Attempt, "it is not in flight")
		final := (e.Failure == hard || e.Failure == expiredCard) && !p.outdated
		want := time.Time{}
		if !final && m.ended == "" {
			want = m.retry(n, p)
		}
		must(e.Occurrence.NextAttemptAt.Equal(want) && e.Occurrence.WillRetry == !want.IsZero(), fmt.Sprintf("it is to be tried again at %s", want))
	}
	p.attempt, p.retryAt, p.overdue = e.Occurrence.Attempt, e.Occurrence.NextAttemptAt, true
	p.fate = failedLast
	if e.Occurrence.WillRetry {
		p.fate = waits
	}
}

// retry is the first of the plan's days, after the first try, that lies ahead and
// is not too late.
func (m *machine) retry(n int, p *page) time.Time {
	local := p.firstTry.In(m.zone)
	for _, days := range m.plan.Retry.Days {
		day := recurrence.DateOf(local, m.zone).AddDays(days)
		again := day.In(m.zone, clock(local.Format("15:04"))).Add(time.Duration(local.Second()) * time.Second)
		if again.After(m.now) && again.Before(m.bound(n)) {
			return again
		}
	}
	return time.Time{}
}

func (m *machine) noteReason(n int, reason subscription.SkipReason, rest []subscription.Event, must func(bool, string)) {
	last := ""
	if len(rest) > 0 {
		last = rest[len(rest)-1].Type()
	}
	switch reason {
	case subscription.SkippedMissed:
		must(m.plan.Missed == subscription.MissedSkip && m.now.Sub(m.at(n)) > time.Hour, "it was not missed")
	case subscription.SkippedPastEnd:
		must(!m.now.Before(m.over()), "it is not past the end")
	case subscription.SkippedPaused:
		must(m.paused, "it is not paused")
	case subscription.SkippedMethodMissing:
		must(m.needsMethod, "there is a method")
	case subscription.SkippedCancelled:
		must(last == "subscription.cancelled", "it is not cancelled")
	case subscription.SkippedExhausted:
		must(last == "subscription.completed" && m.exhausted, "it is not exhausted")
	default:
		must(false, "that is no reason")
	}
}

func (m *machine) noteReplaced(e subscription.MethodReplaced, must func(bool, string)) {
	if m.holder == e.SessionID {
		must(slices.Equal(e.Settled, m.held), "it does not settle what it has claimed")
		m.held, m.holder = nil, ""
	} else {
		must(len(e.Settled) == 0, "it has claimed nothing")
	}
	for _, n := range e.Settled {
		p := m.book[n]
		must(p.fate == waits || p.fate == isCollected, "it can't be settled")
		p.fate, p.overdue = isPaid, false
	}
	for _, p := range m.book {
		p.outdated = p.outdated || p.fate == flying
		p.overdue = p.overdue && (p.fate == flying || p.fate == waits)
	}
	m.needsMethod = false
}

// check holds the state against the book.
func (m *machine) check(t *rapid.T) {
	want := subscription.StatusActive
	switch {
	case m.ended != "":
		want = m.ended
	case m.paused:
		want = subscription.StatusPaused
	case m.pastDue || m.needsMethod:
		want = subscription.StatusPastDue
	}
	if m.s.Status() != want {
		t.Fatalf("it is %s, not %s", m.s.Status(), want)
	}
	if m.ended == "" && m.pastDue != m.anyOverdue() {
		t.Fatalf("past due is %v; overdue are %v", m.pastDue, m.s.Overdue)
	}
	var open, overdue []int
	for n := 1; n <= len(m.schedule); n++ {
		if p := m.book[n]; p.fate == flying || p.fate == waits {
			open = append(open, n)
		}
		if m.book[n].fate == failedLast {
			t.Fatalf("number %d failed, and nothing became of it", n)
		}
		if m.book[n].overdue {
			overdue = append(overdue, n)
		}
	}
	if got := numbers(m.s.Open, func(o subscription.Open) int { return o.Number }); !slices.Equal(got, open) {
		t.Fatalf("open are %v, not %v", got, open)
	}
	if got := numbers(m.s.Overdue, func(o subscription.Overdue) int { return o.Number }); m.ended == "" && !slices.Equal(got, overdue) {
		t.Fatalf("overdue are %v, not %v", got, overdue)
	}
	m.checkDue(t)
}

func numbers[T any](of []T, number func(T) int) (all []int) {
	for _, v := range of {
		all = append(all, number(v))
	}
	return all
}

// checkDue holds that the time of the next work is neither too late nor too early,
// and that nothing that is due is forgotten.
func (m *machine) checkDue(t *rapid.T) {
	next := m.s.NextDueAt()
	m.checkCopy(t, next)
	if pays := m.s.NextPaymentAt(m.now); !pays.IsZero() && len(m.s.Open) < subscription.OpenMax && m.s.Due(m.now).Empty() {
		if next.IsZero() || next.After(pays) || next.Equal(pays) && m.s.Due(pays).Charge == nil {
			t.Fatalf("the next payment is announced for %s, and the next work for %s", pays, next)
		}
	}
	if next.IsZero() {
		if w := m.s.Due(m.now.AddDate(20, 0, 0)); !w.Empty() {
			t.Fatalf("nothing is announced, and yet wanted is %+v", w)
		}
	} else {
		if w := m.s.Due(next.Add(-1)); !w.Empty() {
			t.Fatalf("before %s wanted is %+v", next, w)
		}
		for _, after := range []time.Duration{0, 1, time.Hour, 50 * time.Hour, 400 * 24 * time.Hour} {
			if m.s.Due(next.Add(after)).Empty() {
				t.Fatalf("nothing is wanted at %s, %s after it is announced", next.Add(after), after)
			}
		}
	}
	if m.ended != "" || !m.s.Due(m.now).Empty() {
		return
	}
	for _, o := range m.schedule {
		if o.At.After(m.now) {
			break
		}
		if m.book[o.Number].fate == untouched && m.now.Sub(m.lastTry) >= time.Hour && len(m.s.Open) < subscription.OpenMax {
			t.Fatalf("nothing is wanted, and number %d of %s is untouched", o.Number, o.At)
		}
	}
}

// checkCopy holds that a state that was written and read again is the same.
func (m *machine) checkCopy(t *rapid.T, next time.Time) {
	written, err := json.Marshal(m.s)
	var back subscription.State
	if err != nil || json.Unmarshal(written, &back) != nil {
		t.Fatalf("%s can't be read again: %v", written, err)
	}
	if !back.NextDueAt().Equal(next) || !reflect.DeepEqual(back.Due(next), m.s.Due(next)) {
		t.Fatalf("%s was read again, and wants %+v", written, back.Due(next))
	}
}
