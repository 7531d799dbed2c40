package collect_test

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"tender/domain/mandate"
	"tender/domain/payment"
)

// The book's own view of things, and what must be true by it.

// counted is how many payments count under a mandate, by the book: those that did
// not fail and were not given back whole.
func (m *people) counted(mandateID string) int {
	n := 0
	for _, x := range m.tills {
		if x.mandate == mandateID && x.calls[0].verdict != refused && x.total(payment.OperationVoid, done)+x.expired < amount {
			n++
		}
	}
	return n
}

func (x *till) total(kind payment.OperationKind, v verdict) int64 {
	var sum int64
	for _, c := range x.calls[1:] {
		if c.kind == kind && c.verdict == v {
			sum += c.amount
		}
	}
	return sum
}

// open reports whether anything of the payment is in flight or capturable.
func (x *till) open() bool {
	if slices.ContainsFunc(x.calls, func(c *call) bool { return c.verdict == open }) {
		return true
	}
	gone := x.expired + x.total(payment.OperationCapture, done) + x.total(payment.OperationVoid, done)
	return x.manual && x.calls[0].verdict == done && gone < amount
}

// check holds what must be true whatever has happened.
func (m *people) check(t *rapid.T) {
	m.later(time.Second)
	for id, c := range m.world.people {
		var known, booked []string
		for _, p := range c.Open {
			known = append(known, p.ID)
		}
		for _, x := range m.tills {
			if x.customer == id && x.open() {
				booked = append(booked, x.payment)
			}
		}
		slices.Sort(known)
		slices.Sort(booked)
		if !slices.Equal(known, booked) {
			t.Fatalf("open at %s are %v, by the book %v", id, known, booked)
		}
	}
	for _, d := range m.deals {
		m.checkDeal(t, d)
	}
	for id, s := range m.methods {
		if s.Removed != m.removed[id] || s.Unusable && !s.Removed != m.unusable[id] {
			t.Fatalf("the method is %+v, by the book removed %t, unusable %t", s, m.removed[id], m.unusable[id])
		}
	}
}

// checkDeal holds that a mandate counts as the book does, never more than there may
// be, and that its customer and its method name it as long as it has not ended.
func (m *people) checkDeal(t *rapid.T, d *deal) {
	s := m.mandates[d.MandateID]
	count, _ := s.Counted()
	if want := m.counted(d.MandateID); count != want || d.most > 0 && want > d.most {
		t.Fatalf("%d payments of %d count, by the book %d", count, d.most, want)
	}
	if s.Active() == (m.revoked[d.MandateID] || s.Status == mandate.StatusExhausted) {
		t.Fatalf("the mandate is %s, by the book revoked: %t", s.Status, m.revoked[d.MandateID])
	}
	atCustomer := slices.Contains(m.world.people[d.CustomerID].MandatesOf(d.PaymentMethodID), d.MandateID)
	atMethod := slices.Contains(m.methods[d.PaymentMethodID].Mandates, d.MandateID)
	if atCustomer != s.Active() || atMethod != s.Active() {
		t.Fatalf("the mandate is %s, its customer names it: %t, its method: %t", s.Status, atCustomer, atMethod)
	}
	if s.Status == mandate.StatusExhausted && m.counted(d.MandateID) != d.most {
		t.Fatalf("the mandate is exhausted after %d of %d payments", m.counted(d.MandateID), d.most)
	}
}

// String names a payment of the book in what a failed run prints.
func (x *till) String() string { return fmt.Sprintf("%s under %q", x.payment, x.mandate) }
