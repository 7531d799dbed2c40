package subscription_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/recurrence"
	"tender/domain/subscription"
)

// machine drives a subscription with whatever may come, in any order, and keeps a
// book of its own to compare with.
type machine struct {
	plan     subscription.Plan
	zone     *time.Location
	schedule []subscription.Scheduled
	s        subscription.State
	now      time.Time
	book     map[int]*page
	sessions map[string]bool
	lastTry  time.Time
	lastFor  time.Time
	held     []int
	holder   string

	paused, pastDue, needsMethod bool
	ended                        subscription.Status
	exhausted                    bool
	sessionsMade                 int
}

// Whatever happens, in whatever order and at whatever time: no occurrence is paid
// twice, none vanishes, and the statuses follow.
func TestNothingIsPaidTwiceAndNothingVanishes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"time passes":       m.timePasses,
			"till the next due": m.tillTheNextDue,
			"a lot of time":     m.aLotOfTime,
			"work":              m.workOnce,
			"work on":           m.workOn,
			"work till idle":    m.workTillIdle,
			"settle":            m.settle,
			"settle another":    m.settle,
			"settle any":        m.settleAny,
			"start any":         m.startAny,
			"pause or resume":   m.pauseOrResume,
			"cancel":            m.cancel,
			"end":               m.end,
			"claim":             m.claim,
			"release":           m.release,
			"replace":           m.replace,
			"":                  m.check,
		})
	})
}

func newMachine(t *rapid.T) *machine {
	m := &machine{plan: drawPlan(t), book: map[int]*page{}, sessions: map[string]bool{}, now: drawInstant(t, "made").Add(30 * time.Second)}
	zone, err := recurrence.Zone(m.plan.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	m.zone = zone
	m.schedule = walk(m.plan, m.now, zone, 1000)
	for _, o := range m.schedule {
		m.book[o.Number] = &page{}
	}
	m.s = subscription.State{}
	m.decide(t, subscription.Create{
		ID: commandID, CustomerID: customerID, PaymentMethodID: methodID, MandateID: mandateID, SessionID: firstID, Plan: m.plan, Now: m.moment(),
	})
	return m
}

func (m *machine) moment() domain.Moment { return moment(m.now) }

func (m *machine) at(n int) time.Time { return m.schedule[n-1].At }

// over is when the active period is over; far away without an end.
func (m *machine) over() time.Time {
	if m.plan.Active.End.IsZero() {
		return m.now.AddDate(100, 0, 0)
	}
	return m.plan.Active.End.AddDays(1).In(m.zone, recurrence.TimeOfDay{})
}

// bound is when an occurrence may not be tried any more.
func (m *machine) bound(n int) time.Time {
	if n < len(m.schedule) {
		return m.at(n + 1)
	}
	return m.over()
}

// decide asks twice, as two workers that act on the same state would, appends what
// one of them got, and lets the other try again.
func (m *machine) decide(t *rapid.T, c subscription.Command) ([]subscription.Event, error) {
	t.Helper()
	got, err := subscription.Decide(m.s, c)
	twin, twinErr := subscription.Decide(m.s, c)
	if !reflect.DeepEqual(got, twin) || !errors.Is(twinErr, err) {
		t.Fatalf("asked twice, %#v gives %#v and %#v", c, got, twin)
	}
	if err != nil && got != nil {
		t.Fatalf("%#v is refused with %v and gives %v", c, err, got)
	}
	m.append(t, got)
	switch c.(type) {
	case subscription.Start, subscription.Settle, subscription.End:
		if again, _ := subscription.Decide(m.s, c); len(got) > 0 && len(again) > 0 {
			t.Fatalf("%#v gives %#v once more", c, again)
		}
	}
	return got, err
}

func (m *machine) append(t *rapid.T, events []subscription.Event) {
	t.Helper()
	before, printed := m.s, fmt.Sprintf("%+v", m.s)
	for i, e := range events {
		m.note(t, e, events[i+1:])
		m.s = subscription.Evolve(m.s, subscriptionID, m.now, e)
	}
	if fmt.Sprintf("%+v", before) != printed {
		t.Fatalf("an old state changed to %+v", before)
	}
}

func (m *machine) timePasses(t *rapid.T) {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 59 * time.Minute, time.Hour, 7 * time.Hour}).Draw(t, "by"))
}

func (m *machine) tillTheNextDue(t *rapid.T) {
	if next := m.s.NextDueAt(); next.After(m.now) && next.Before(m.now.AddDate(0, 4, 0)) {
		m.now = next
	}
}

func (m *machine) aLotOfTime(t *rapid.T) {
	rarely(t)
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 40*24).Draw(t, "hours")) * time.Hour)
}

// rarely skips an action, most times, that ends many others.
func rarely(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
		t.Skip("not now")
	}
}

func (m *machine) workOnce(t *rapid.T) { m.work(t) }

func (m *machine) workOn(t *rapid.T) {
	m.tillTheNextDue(t)
	m.workTillIdle(t)
}

func (m *machine) workTillIdle(t *rapid.T) {
	for steps := 0; m.work(t); steps++ {
		if steps > 2*len(m.schedule)+10 {
			t.Fatal("there is no end of work at one moment")
		}
	}
}

// work does one thing that is due, and reports whether there was any.
func (m *machine) work(t *rapid.T) bool {
	w, twin := m.s.Due(m.now), m.s.Due(m.now)
	if !reflect.DeepEqual(w, twin) {
		t.Fatalf("two workers want %v and %v", w, twin)
	}
	if w.Charge == nil {
		m.append(t, w.Events)
		return len(w.Events) > 0
	}
	if len(w.Events) > 0 {
		t.Fatalf("two things at once: %v", w)
	}
	c := subscription.Start{Number: w.Charge.Number, Attempt: w.Charge.Attempt, Now: m.moment()}
	c.Refused = rapid.SampledFrom([]domain.Code{"", "", "", "", "", "", mandate.PeriodLimitExceeded, mandate.NotActive, subscription.CodeMethodUnusable}).Draw(t, "verdict")
	if got, _ := m.decide(t, c); len(got) == 0 {
		t.Fatalf("%v is wanted and not begun", w.Charge)
	}
	return true
}

func (m *machine) settle(t *rapid.T) {
	var open []int
	for _, o := range m.s.Open {
		if o.InFlight {
			open = append(open, o.Number)
		}
	}
	if len(open) == 0 {
		t.Skip("nothing is in flight")
	}
	n := rapid.SampledFrom(open).Draw(t, "number")
	if got := m.settled(t, n, m.book[n].attempt); len(got) == 0 {
		t.Fatalf("the outcome of %d is not recorded", n)
	}
}

// settleAny brings outcomes of tries that may never have been, or are over.
func (m *machine) settleAny(t *rapid.T) {
	n, attempt := rapid.IntRange(1, 8).Draw(t, "number"), rapid.IntRange(1, 3).Draw(t, "attempt")
	if p := m.book[n]; p != nil && p.fate == flying && p.attempt == attempt {
		t.Skip("it is in flight")
	}
	if got := m.settled(t, n, attempt); len(got) > 0 {
		t.Fatalf("%d/%d is settled with %v", n, attempt, got)
	}
}

func (m *machine) settled(t *rapid.T, n, attempt int) []subscription.Event {
	c := subscription.Settle{Number: n, Attempt: attempt, Now: m.moment()}
	failures := []*decline.Failure{nil, nil, &soft, &soft, &soft, &notProcessing, &hard, &expiredCard}
	if f := rapid.SampledFrom(failures).Draw(t, "outcome"); f != nil {
		c.Failure = f
	}
	got, err := m.decide(t, c)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// startAny begins what may not be wanted.
func (m *machine) startAny(t *rapid.T) {
	m.decide(t, subscription.Start{Number: rapid.IntRange(1, 8).Draw(t, "number"), Attempt: rapid.IntRange(1, 3).Draw(t, "attempt"), Now: m.moment()})
}

func (m *machine) pauseOrResume(t *rapid.T) {
	rarely(t)
	var c subscription.Command = subscription.Pause{By: subscription.ByMerchant}
	if m.paused {
		c = subscription.Resume{Now: m.moment()}
	}
	was := m.ended
	if _, err := m.decide(t, c); (err == nil) != (was == "") {
		t.Fatalf("%#v is answered with %v", c, err)
	}
}

func (m *machine) cancel(t *rapid.T) {
	rarely(t)
	rarely(t)
	was := m.ended
	if _, err := m.decide(t, subscription.Cancel{By: subscription.ByMerchant, Now: m.moment()}); (err == nil) != (was == "") {
		t.Fatalf("cancelling is answered with %v", err)
	}
}

func (m *machine) end(t *rapid.T) {
	rarely(t)
	c := subscription.End{MandateID: m.s.MandateID, Now: m.moment()}
	c.Cause = rapid.SampledFrom([]subscription.Cause{
		subscription.CauseRevoked, subscription.CauseExpired, subscription.CauseMethodUnusable, subscription.CauseRevoked, subscription.CauseExhausted,
	}).Draw(t, "cause")
	if c.Cause == subscription.CauseExhausted {
		rarely(t)
		m.exhausted = true
	}
	m.decide(t, c)
	m.exhausted = false
}

func (m *machine) claim(t *rapid.T) {
	m.sessionsMade++
	session := fmt.Sprintf("ps_%d", m.sessionsMade)
	m.decide(t, subscription.ClaimOverdue{SessionID: session, Amount: m.s.OverdueAmount()})
}

func (m *machine) release(t *rapid.T) {
	if m.holder == "" {
		t.Skip("nothing is held")
	}
	m.decide(t, subscription.ReleaseOverdue{SessionID: m.holder, Now: m.moment()})
}

func (m *machine) replace(t *rapid.T) {
	if !m.needsMethod {
		rarely(t)
	}
	m.sessionsMade++
	session := fmt.Sprintf("ps_%d", m.sessionsMade)
	if m.holder != "" && rapid.Bool().Draw(t, "with what is overdue") {
		session = m.holder
	}
	m.decide(t, subscription.ReplaceMethod{
		SessionID: session, PaymentMethodID: methodID, MandateID: fmt.Sprintf("mdt_%d", m.sessionsMade), Now: m.moment(),
	})
}
