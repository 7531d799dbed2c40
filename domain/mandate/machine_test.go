package mandate_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/mandate"
)

// machine drives a mandate and the book side by side.
type machine struct {
	s    *story
	b    *book
	zone *time.Location
}

// Whatever is asked for, in whatever order the outcomes come: nothing is let
// through that the book forbids, nothing is refused that it allows, and the sums
// agree.
func TestMandateAgreesWithItsBook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		zone, err := time.LoadLocation(p.zone)
		if err != nil {
			t.Fatal(err)
		}
		m := &machine{s: begin(t, p.options()), b: &book{plan: p, status: mandate.StatusActive}, zone: zone}
		m.s.now = time.Date(2027, 12, 28, 0, 0, 0, 0, time.UTC)
		t.Repeat(map[string]func(*rapid.T){
			"time":        m.wait,
			"charge":      m.charge,
			"charge soon": m.charge,
			"pay":         m.pay,
			"reserve":     m.reserve,
			"fail":        m.fail,
			"give back":   m.giveBack,
			"capture":     m.capture,
			"revoke":      m.revoke,
			"expire":      m.expire,
			"replace":     m.replace,
			"":            m.check,
		})
	})
}

func (m *machine) day() string { return m.s.now.In(m.zone).Format(time.DateOnly) }

func (m *machine) wait(t *rapid.T) {
	m.s.now = m.s.now.Add(rapid.SampledFrom([]time.Duration{
		time.Second, time.Hour, 7 * time.Hour, 24 * time.Hour, 3 * 24 * time.Hour, 20 * 24 * time.Hour, 100 * 24 * time.Hour,
	}).Draw(t, "later"))
}

func (m *machine) charge(t *rapid.T) {
	c := m.s.charge(fmt.Sprint("pay_", len(m.b.entries)), rapid.OneOf(
		rapid.SampledFrom([]int64{1, 100, 200, 300}), rapid.Int64Range(1, 400),
	).Draw(t, "amount"))
	c.Currency = rapid.SampledFrom([]string{"ZAR", "ZAR", "ZAR", "ZAR", "USD"}).Draw(t, "currency")
	want := m.b.breaks(c.Amount, c.Currency, m.day())
	part := m.b.payable(c.Amount, m.day())

	err := m.s.try(c)
	var v *mandate.Violations
	if errors.As(err, &v) {
		if got := codesOf(v); !slices.Equal(got, want) {
			t.Fatalf("on %s %d %s breaks %v, by the book %v", m.day(), c.Amount, c.Currency, got, want)
		}
		return
	}
	if err != nil || len(want) > 0 {
		t.Fatalf("on %s %d %s is answered with %v, and breaks %v by the book", m.day(), c.Amount, c.Currency, err, want)
	}
	e := m.s.events[0].(mandate.ChargeStarted)
	if e.Date != m.day() || (part >= 0) != (e.Item != nil) || part >= 0 && *e.Item != part {
		t.Fatalf("it is %+v, by the book part %d on %s", e, part, m.day())
	}
	m.b.entries = append(m.b.entries, &entry{id: c.PaymentID, day: m.day(), amount: c.Amount, part: part, open: true, counts: true})
}

func flying(e *entry) bool   { return !e.succeeded }
func reserved(e *entry) bool { return e.succeeded }

func (m *machine) pay(t *rapid.T) {
	e := m.b.pick(t, flying)
	e.succeeded, e.open = true, false
	m.s.pays(e.id)
	m.b.end()
}

func (m *machine) reserve(t *rapid.T) {
	e := m.b.pick(t, flying)
	e.succeeded = true
	m.s.reserves(e.id)
}

func (m *machine) fail(t *rapid.T) {
	e := m.b.pick(t, flying)
	e.open, e.counts = false, false
	c := mandate.Settle{PaymentID: e.id, Failure: declined}
	if rapid.IntRange(0, 9).Draw(t, "how hard") == 0 {
		c.Failure = revoking
		if m.b.status == mandate.StatusActive {
			m.b.status = mandate.StatusRevoked
		}
	}
	m.s.do(c)
}

func (m *machine) giveBack(t *rapid.T) {
	e := m.b.pick(t, reserved)
	amount := rapid.OneOf(rapid.Just(e.amount), rapid.Int64Range(1, e.amount)).Draw(t, "given back")
	final := rapid.Bool().Draw(t, "final")
	m.s.do(mandate.Reduce{PaymentID: e.id, Amount: amount, Final: final})
	e.amount -= amount
	e.counts = e.amount > 0
	e.open = e.amount > 0 && !final
	m.b.end()
}

func (m *machine) capture(t *rapid.T) {
	e := m.b.pick(t, reserved)
	m.s.do(mandate.Reduce{PaymentID: e.id, Final: true})
	e.open = false
	m.b.end()
}

func (m *machine) revoke(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") > 0 {
		t.Skip("not now")
	}
	m.s.do(mandate.Revoke{By: mandate.ByMerchant})
	if m.b.status == mandate.StatusActive {
		m.b.status = mandate.StatusRevoked
	}
}

func (m *machine) expire(*rapid.T) {
	m.s.do(mandate.Expire{Now: moment(m.s.now)})
	if m.b.status == mandate.StatusActive && m.b.plan.to != "" && m.day() > m.b.plan.to {
		m.b.status = mandate.StatusExpired
	}
}

// replace begins another mandate with what this one has used. What may still come
// back goes to the one that is gone.
func (m *machine) replace(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "really") > 0 || m.b.status != mandate.StatusActive {
		t.Skip("not now")
	}
	used, now := m.s.state.Usage(), m.s.now
	m.s = beginWith(t, m.s.state.Terms, &used)
	m.s.now = now
	for _, e := range m.b.entries {
		e.open, e.succeeded = false, true
	}
	m.b.end()
}

func (m *machine) check(t *rapid.T) {
	s := m.s.state
	if s.Status != m.b.status {
		t.Fatalf("the mandate is %s, by the book %s", s.Status, m.b.status)
	}
	count, amount := s.Counted()
	if c, a := m.b.sum(func(*entry) bool { return true }); c != count || a != amount {
		t.Fatalf("%d of %d count, by the book %d of %d", count, amount, c, a)
	}
	if c, a := m.b.sum(reserved); c != s.Succeeded || a != s.SucceededAmount {
		t.Fatalf("%d of %d succeeded, by the book %d of %d", s.Succeeded, s.SucceededAmount, c, a)
	}
	open := 0
	for _, e := range m.b.entries {
		if e.open {
			open++
		}
	}
	if len(s.Open) != open || count < 0 || amount < 0 || s.Window.Count < 0 || s.Window.Amount < 0 {
		t.Fatalf("the state is %+v, %d are open by the book", s, open)
	}
	m.checkRemaining(t)
}

// checkRemaining holds that what is said to remain is what remains: the most that
// may be paid is allowed, and no more than that.
func (m *machine) checkRemaining(t *rapid.T) {
	r, err := m.s.state.RemainingAt(moment(m.s.now))
	if err != nil {
		t.Fatal(err)
	}
	none := func(n *int) bool { return n != nil && *n == 0 }
	most := int64(999_999_999_999)
	if r.AmountMax != nil {
		most = *r.AmountMax
	}
	may := most >= max(r.AmountMin, 1) && !none(r.Payments) && !none(r.PeriodPayments)
	if most > 0 && may != (len(m.b.breaks(most, "ZAR", m.day())) == 0) {
		t.Fatalf("there remain %+v, by the book %d breaks %v", r, most, m.b.breaks(most, "ZAR", m.day()))
	}
	if len(m.b.breaks(most+1, "ZAR", m.day())) == 0 && r.AmountMax != nil {
		t.Fatalf("there remain %+v, by the book %d is allowed", r, most+1)
	}
	if m.b.plan.parts == nil && r.AmountMin > 1 && len(m.b.breaks(r.AmountMin-1, "ZAR", m.day())) == 0 {
		t.Fatalf("there remain %+v, by the book %d is allowed", r, r.AmountMin-1)
	}
}

// However many try at once, each decision being made on the state that the one
// before it left: never one too many, and none lost.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		times, tries := rapid.IntRange(1, 5).Draw(t, "times"), rapid.IntRange(1, 60).Draw(t, "tries")
		s := begin(t, fmt.Sprintf(`{"max_occurrences":%d,"period_limits":{"period":"year","max_amount":20000}}`, times))
		var inFlight []string
		succeeded := 0
		for n := range tries {
			id := fmt.Sprint("pay_", n)
			if err := s.try(s.charge(id, 100)); err == nil {
				inFlight = append(inFlight, id)
			} else if succeeded+len(inFlight) < times {
				t.Fatalf("%d succeeded, %d are in flight of %d, and one more is refused: %v", succeeded, len(inFlight), times, err)
			}
			for len(inFlight) > 0 && rapid.Bool().Draw(t, "an answer") {
				i := rapid.IntRange(0, len(inFlight)-1).Draw(t, "whose")
				paid := rapid.Bool().Draw(t, "paid")
				s.do(mandate.Settle{PaymentID: inFlight[i], Succeeded: paid, Failure: declined})
				inFlight = slices.Delete(inFlight, i, i+1)
				if paid {
					succeeded++
				}
			}
			if succeeded > times || succeeded+len(inFlight) > times {
				t.Fatalf("%d succeeded and %d are in flight, of %d", succeeded, len(inFlight), times)
			}
		}
	})
}
