package journal_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain/collect"
	"tender/domain/journal"
	"tender/domain/payment"
	"tender/domain/session"
)

// asked is what the acquirer was asked, as a naive book keeps it: performed is the
// last word on it that was recorded.
type asked struct {
	key       string
	id        string
	in, out   bool
	amount    int64
	open      bool
	performed bool
}

// machine lets anything happen to a payment, and keeps the journal beside a book of
// what the acquirer has said.
type machine struct {
	*purchase
	manual   bool
	verifies bool
	journal  journal.State
	balances map[journal.Account]int64
	book     []*asked
}

// Whatever happens to a payment, in whatever order: at each event the journal is in
// balance, and its accounts say what the payment and the acquirer say.
func TestTheJournalIsInBalance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		how    payment.CaptureMethod
		amount int64
	}{
		{"manual", payment.CaptureManual, 100_000},
		{"automatic", payment.CaptureAutomatic, 100_000},
		{"verification", payment.CaptureAutomatic, 0},
		{"verification, manual", payment.CaptureManual, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				m := &machine{
					purchase: newPurchase(c.how, c.amount), manual: c.how == payment.CaptureManual, verifies: c.amount == 0,
					balances: map[journal.Account]int64{},
				}
				m.run(t)
			})
		})
	}
}

func (m *machine) run(t *rapid.T) {
	m.attempt(t)
	m.answerAttempt(t)
	t.Repeat(map[string]func(*rapid.T){
		"time passes":    m.timePasses,
		"attempt":        m.attempt,
		"answer attempt": m.answerAttempt,
		"end": func(t *rapid.T) {
			if rapid.IntRange(0, 5).Draw(t, "rarely") == 0 {
				changes, _ := collect.CancelSession(m.s, m.p, collect.Cancel{ID: m.command(), By: session.ByCustomer, Now: m.now})
				m.record(t, changes)
			}
		},
		"capture": func(t *rapid.T) {
			m.decide(t, payment.Capture{ID: m.command(), Amount: m.part(t, m.p.Capturable()), Now: m.now})
		},
		"void": func(t *rapid.T) { m.decide(t, payment.Void{ID: m.command(), Now: m.now}) },
		"refund": func(t *rapid.T) {
			m.decide(t, payment.Refund{ID: m.command(), Amount: m.part(t, m.p.Refundable()), Now: m.now})
		},
		"expire": func(t *rapid.T) { m.decide(t, payment.ExpireAuthorisation{ID: m.command(), Now: m.now}) },
		"answer": m.answer,
		"again":  m.answer,
	})
}

func (m *machine) part(t *rapid.T, of int64) int64 {
	return rapid.SampledFrom([]int64{0, 1, of / 3, of}).Draw(t, "amount")
}

func (m *machine) timePasses(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 100 * time.Hour}).Draw(t, "time")
	m.now.At, m.now.Wall = m.now.At.Add(d), m.now.Wall.Add(d)
}

func (m *machine) attempt(t *rapid.T) { m.record(t, m.attempts()) }

// answerAttempt has the acquirer say something of any attempt, the last more often.
func (m *machine) answerAttempt(t *rapid.T) {
	keys := []string{m.p.Attempt.Key}
	for _, a := range m.book {
		if a.id == "" {
			keys = append(keys, a.key)
		}
	}
	o := collect.Outcome{
		ID: m.command(), Key: rapid.SampledFrom(keys).Draw(t, "attempt"), Now: m.now, Failure: declined,
		Reference: fmt.Sprint("auth ", m.commands), ExpiresAt: m.now.At.Add(time.Hour),
		Kind: rapid.SampledFrom([]collect.OutcomeKind{
			collect.OutcomeApproved, collect.OutcomeApproved, collect.OutcomeDeclined, collect.OutcomeClosed,
		}).Draw(t, "word"),
	}
	changes, err := collect.SettleAttempt(m.s, m.p, collect.Parties{}, o)
	if err != nil {
		t.Fatal(err)
	}
	m.record(t, changes)
}

// answer has the acquirer say something of any operation.
func (m *machine) answer(t *rapid.T) {
	var keys []string
	for _, a := range m.book {
		if a.id != "" {
			keys = append(keys, a.key)
			if a.open {
				keys = append(keys, a.key, a.key)
			}
		}
	}
	if keys == nil {
		return // nothing was asked yet
	}
	m.decide(t, payment.SettleOperation{
		ID: m.command(), Key: rapid.SampledFrom(keys).Draw(t, "operation"), Performed: rapid.Bool().Draw(t, "performed"),
		Reference: "ref", Failure: declined, Now: m.now,
	})
}

func (m *machine) decide(t *rapid.T, c payment.Command) {
	events, _ := payment.Decide(m.p, c) // a refusal changes nothing
	m.record(t, collect.Changes{Payment: collect.Stream[payment.Event]{ID: m.p.ID, Events: events}})
}

func (m *machine) record(t *rapid.T, c collect.Changes) {
	for _, e := range c.Session.Events {
		m.s = session.Evolve(m.s, sessionID, merchantID, e)
	}
	id := c.Payment.ID
	for _, e := range c.Payment.Events {
		m.note(e)
		var sum, memo int64
		for _, p := range journal.Postings(m.journal, e) {
			if !p.Account.Known() || p.Amount == 0 {
				t.Fatalf("%s makes %+v", e.Type(), p)
			}
			sum += p.Amount
			if p.Account == journal.MemoAuthorisations || p.Account == journal.MemoContra {
				memo += p.Amount
			}
			m.balances[p.Account] += p.Amount
		}
		if sum != 0 || memo != 0 {
			t.Fatalf("%s is out of balance by %d, its memorandum by %d", e.Type(), sum, memo)
		}
		m.journal = journal.Evolve(m.journal, e)
		m.p = payment.Evolve(m.p, id, e)
	}
	m.check(t)
}

// note keeps the book: what is asked, and the last word on it.
func (m *machine) note(e payment.Event) {
	ask := func(a asked) {
		a.open = true
		m.book = append(m.book, &a)
	}
	settle := func(find func(*asked) bool, performed bool) {
		i := slices.IndexFunc(m.book, find)
		m.book[i].open, m.book[i].performed = false, performed
	}
	of := func(id string) func(*asked) bool { return func(a *asked) bool { return a.id == id } }
	last := func(a *asked) bool { return a.key == m.p.Attempt.Key }
	switch e := e.(type) {
	case payment.AttemptStarted:
		ask(asked{key: e.Key, amount: m.s.Amount, in: !m.manual})
	case payment.CaptureRequested:
		ask(asked{key: e.Key, id: e.CaptureID, amount: e.Amount, in: true})
	case payment.VoidRequested:
		ask(asked{key: e.Key, id: e.VoidID, amount: e.Amount})
	case payment.RefundRequested:
		ask(asked{key: e.Key, id: e.RefundID, amount: e.Amount, out: true})
	case payment.ReversalRequested:
		ask(asked{key: e.Key, id: e.ReversalID, amount: e.Amount, out: e.Refund})
	case payment.Authorised, payment.Paid, payment.Verified:
		settle(last, true)
	case payment.AttemptFailed:
		settle(last, false)
	case payment.Captured:
		settle(of(e.CaptureID), true)
	case payment.CaptureFailed:
		settle(of(e.CaptureID), false)
	case payment.Voided:
		settle(of(e.VoidID), true)
	case payment.VoidFailed:
		settle(of(e.VoidID), false)
	case payment.Refunded:
		settle(of(e.RefundID), true)
	case payment.RefundFailed:
		settle(of(e.RefundID), false)
	case payment.Reversed:
		settle(of(e.ReversalID), true)
	case payment.ReversalFailed:
		settle(of(e.ReversalID), false)
	case payment.Contradicted:
		settle(func(a *asked) bool { return a.key == e.Key }, e.Performed)
	case payment.Initiated, payment.ActionRequired, payment.AuthorisationExpired, payment.Cancelled, payment.Expired:
	}
}

func (m *machine) check(t *rapid.T) {
	var held, transit int64
	for _, a := range m.book {
		switch {
		case a.in && a.performed:
			held += a.amount
		case a.out && a.performed:
			held -= a.amount
		case a.out && a.open:
			transit += a.amount
		}
	}
	reserved := m.p.Capturable() + m.p.PendingAmount()
	for account, want := range map[journal.Account]int64{
		journal.AcquirerReceivable: held,
		journal.MerchantPayable:    -m.p.Refundable(),
		journal.RefundsInTransit:   -transit,
		journal.Suspense:           m.p.Refundable() + transit - held,
		journal.MemoAuthorisations: reserved,
		journal.MemoContra:         -reserved,
	} {
		if got := m.balances[account]; got != want {
			t.Fatalf("%s is %d, not %d", account, got, want)
		}
	}
}
