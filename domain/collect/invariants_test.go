package collect_test

import (
	"reflect"
	"slices"

	"pgregory.net/rapid"

	"tender/domain/codec"
	"tender/domain/payment"
	"tender/domain/session"
)

// The book's own view of things.

func (m *machine) call(key string) *call {
	if i := slices.IndexFunc(m.calls, func(c *call) bool { return c.key == key }); i >= 0 {
		return m.calls[i]
	}
	return nil
}

func (m *machine) attemptInFlight() *call {
	if i := slices.IndexFunc(m.calls, func(c *call) bool { return c.kind == "" && c.verdict == open }); i >= 0 {
		return m.calls[i]
	}
	return nil
}

func (m *machine) anyOperation() bool {
	return slices.ContainsFunc(m.calls, func(c *call) bool { return c.kind != "" && c.verdict == open })
}

// unknown reports whether an operation went unanswered for too long.
func (m *machine) unknown() bool {
	return slices.ContainsFunc(m.calls, func(c *call) bool {
		return c.kind != "" && c.verdict == open && !m.now.Wall.Before(c.answerBy)
	})
}

// total adds up the calls of one kind with one verdict.
func (m *machine) total(kind payment.OperationKind, v verdict) int64 {
	var sum int64
	for _, c := range m.calls {
		if c.kind == kind && c.verdict == v {
			sum += c.amount
		}
	}
	return sum
}

// available is what a manual authorisation still has for anybody: what was asked
// for counts as gone until it is refused.
func (m *machine) available() int64 {
	if m.h.method != payment.CaptureManual {
		return 0
	}
	return m.total("", done) - m.expired -
		m.total(payment.OperationCapture, done) - m.total(payment.OperationCapture, open) -
		m.total(payment.OperationVoid, done) - m.total(payment.OperationVoid, open)
}

// captured is what the record says was taken.
func (m *machine) captured() int64 {
	sum := m.total(payment.OperationCapture, done)
	if m.h.method == payment.CaptureAutomatic {
		sum += m.total("", done)
	}
	return sum
}

// refundable is what of it was neither refunded nor asked for.
func (m *machine) refundable() int64 {
	return m.captured() - m.total(payment.OperationRefund, done) - m.total(payment.OperationRefund, open)
}

// check holds what must be true whatever has happened.
func (m *machine) check(t *rapid.T) {
	m.checkSums(t)
	m.checkStatuses(t)
	m.checkHistory(t)
	m.checkCustomer(t)
	m.checkResolutions(t)
}

func (m *machine) checkSums(t *rapid.T) {
	authorised := m.total("", done)
	want := map[string][2]int64{
		"authorised": {m.p.Authorised, authorised},
		"captured":   {m.p.Captured, m.captured()},
		"voided":     {m.p.Voided, m.total(payment.OperationVoid, done)},
		"expired":    {m.p.Expired, m.expired},
		"pending":    {m.p.PendingAmount(), m.total(payment.OperationCapture, open) + m.total(payment.OperationVoid, open)},
		"capturable": {m.p.Capturable(), m.available()},
		"refunded":   {m.p.Refunded, m.total(payment.OperationRefund, done)},
		"refundable": {m.p.Refundable(), m.refundable()},
	}
	for name, sums := range want {
		if sums[0] != sums[1] {
			t.Fatalf("%s is %d, by the book %d", name, sums[0], sums[1])
		}
		if sums[0] < 0 {
			t.Fatalf("%s is %d", name, sums[0])
		}
	}
	if sum := m.p.Captured + m.p.Voided + m.p.Expired + m.p.PendingAmount() + m.p.Capturable(); sum != m.p.Authorised {
		t.Fatalf("authorised is %d, its parts add up to %d", m.p.Authorised, sum)
	}
	if m.p.Authorised > amount {
		t.Fatalf("%d of %d are authorised", m.p.Authorised, amount)
	}
}

func (m *machine) checkStatuses(t *rapid.T) {
	attempts, succeeded := 0, 0
	for _, c := range m.calls {
		if c.kind == "" {
			attempts++
			if c.verdict == done {
				succeeded++
			}
		}
	}
	if succeeded > 1 || attempts > payment.AttemptsMax {
		t.Fatalf("%d of %d attempts have succeeded", succeeded, attempts)
	}
	if (succeeded == 1) != (m.s.Status == session.StatusCompleted) {
		t.Fatalf("%d attempts have succeeded, and the session is %s", succeeded, m.s.Status)
	}
	if m.p.InFlight() != (m.attemptInFlight() != nil) || m.p.InFlight() && m.s.Status != session.StatusActive {
		t.Fatalf("in flight is %t, and the session %s", m.p.InFlight(), m.s.Status)
	}
	if m.p.Exists() != (m.s.PaymentID != "") || len(m.s.AttemptIDs) != attempts {
		t.Fatalf("the session names payment %q and %d of %d attempts", m.s.PaymentID, len(m.s.AttemptIDs), attempts)
	}
	allowed := map[session.Status][]payment.Status{
		session.StatusActive:    {"", payment.StatusDraft, payment.StatusProcessing, payment.StatusPendingAction},
		session.StatusCompleted: {payment.StatusSucceeded},
		session.StatusCancelled: {"", payment.StatusCancelled, payment.StatusFailed},
		session.StatusExpired:   {"", payment.StatusExpired, payment.StatusFailed},
	}
	if !slices.Contains(allowed[m.s.Status], m.p.Status) {
		t.Fatalf("the session is %s, the payment %q", m.s.Status, m.p.Status)
	}
	if (m.p.Status == payment.StatusFailed) && attempts != payment.AttemptsMax {
		t.Fatalf("the payment failed for good after %d attempts", attempts)
	}
	if len(m.reversals) > 0 || m.owed != 0 {
		t.Fatalf("nobody reverses %v, or pays %d back", m.reversals, m.owed)
	}
}

// checkCustomer holds that the customer knows at all times whether the payment is
// open, and has what the session makes if it succeeded and never else.
func (m *machine) checkCustomer(t *rapid.T) {
	made := m.s.Status == session.StatusCompleted && m.s.SavesMethod(true)
	var open []string
	if m.open() {
		open = []string{m.p.ID}
	}
	for id, c := range m.w.people {
		var known []string
		for _, p := range c.Open {
			known = append(known, p.ID)
		}
		if !slices.Equal(known, open) || id != m.p.CustomerID && m.p.Exists() {
			t.Fatalf("open at the customer are %v, by the book %v", known, open)
		}
		if (len(c.Methods) == 1) != made || (len(c.Mandates) == 1) != (made && m.s.Series != nil) {
			t.Fatalf("the session is %s, and the customer has %+v", m.s.Status, c)
		}
	}
	if (len(m.w.people) == 1) != (m.s.CustomerID != "" || made) || (len(m.w.methods) == 1) != made {
		t.Fatalf("the session is %s, and there are the customers %v and the methods %v", m.s.Status, m.w.people, m.w.methods)
	}
}

// open reports whether anything is in flight or capturable.
func (m *machine) open() bool {
	return m.available() > 0 || slices.ContainsFunc(m.calls, func(c *call) bool {
		return c.verdict == open && slices.Contains([]payment.OperationKind{"", payment.OperationCapture, payment.OperationVoid}, c.kind)
	})
}

// checkHistory holds that the state follows from the bytes of the events alone,
// whatever other states were made on the way.
func (m *machine) checkHistory(t *rapid.T) {
	var s session.State
	for _, e := range m.h.session {
		s = session.Evolve(s, sessionID, merchantID, again(t, session.Codec, e))
	}
	var p payment.State
	for _, e := range m.h.payment {
		p = payment.Evolve(p, m.s.PaymentID, again(t, payment.Codec, e))
	}
	if !reflect.DeepEqual(s, m.s) || !reflect.DeepEqual(p, m.p) {
		t.Fatalf("from the events the state is\n%+v\n%+v, not\n%+v\n%+v", s, p, m.s, m.p)
	}
}

// again is an event as it comes back from the log.
func again[E codec.Named](t *rapid.T, c codec.Codec[E], e E) E {
	encoded := c.Encode(e)
	back, err := c.Decode(encoded.Type, encoded.SchemaVersion, encoded.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return back
}
