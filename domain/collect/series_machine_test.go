package collect_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tender/domain/collect"
	"tender/domain/customer"
	"tender/domain/decline"
	"tender/domain/mandate"
	"tender/domain/method"
	"tender/domain/payment"
	"tender/domain/session"
)

// people drives customers with their methods, mandates and payments, all at once
// and in any order, and keeps a naive book of its own to compare with.
type people struct {
	*world
	tills []*till
	deals []*deal

	erased   map[string]bool // customers
	removed  map[string]bool // methods
	unusable map[string]bool
	revoked  map[string]bool // mandates
}

// till is a payment, as the book has it.
type till struct {
	payment, customer, method, mandate string
	attended, manual                   bool
	calls                              []*call
	expired                            int64
}

// deal is what a customer has agreed to.
type deal struct {
	session.Completed
	most int // payments; 0: no limit
}

// Whoever charges, removes, revokes or erases, whatever the acquirer says of it and
// when: nothing is charged that may not be, and every stream knows what it has to.
func TestNothingIsChargedThatMayNotBe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := &people{
			world: newWorld(), erased: map[string]bool{}, removed: map[string]bool{},
			unusable: map[string]bool{}, revoked: map[string]bool{},
		}
		for range rapid.IntRange(1, 3).Draw(t, "agreements to begin with") {
			m.agree(t)
			m.say(t, m.tills[len(m.tills)-1].calls[0], collect.OutcomeApproved, declined)
		}
		t.Repeat(map[string]func(*rapid.T){
			"agree":                    m.agree,
			"pay once":                 m.payOnce,
			"charge":                   m.chargeAny,
			"charge again":             m.chargeAny,
			"charge once more":         m.chargeAny,
			"an acquirer's word":       m.answerOne,
			"another word":             m.answerOne,
			"any word":                 m.answerAny,
			"capture or void":          m.operate,
			"expire an authorisation":  m.expireOne,
			"an operation's outcome":   m.answerOperation,
			"another outcome":          m.answerOperation,
			"take a method out of use": m.remove,
			"revoke a mandate":         m.revoke,
			"erase a customer":         m.erase,
			"":                         m.check,
		})
	})
}

// somebody is a customer of any kind: new, known, erased.
func (m *people) somebody(t *rapid.T) string {
	known := make([]string, 0, len(m.world.people))
	for id := range m.world.people {
		known = append(known, id)
	}
	slices.Sort(known)
	if i := rapid.IntRange(-1, len(known)-1).Draw(t, "customer"); i >= 0 {
		return known[i]
	}
	return m.newcomer(t)
}

// theirs is a method of a customer's, of any kind, or "": a card that is typed in.
func (m *people) theirs(t *rapid.T, customerID string) string {
	ids := []string{"", ""}
	for _, d := range m.deals {
		if d.CustomerID == customerID {
			ids = append(ids, d.PaymentMethodID)
		}
	}
	return rapid.SampledFrom(ids).Draw(t, "method")
}

func (m *people) agree(t *rapid.T) {
	ask := m.asks(session.TypeFirstInSeries, m.somebody(t))
	ask.Series.Terms = rapid.SampledFrom([]mandate.Terms{anything, thrice, once}).Draw(t, "terms")
	m.attended(t, ask)
}

func (m *people) payOnce(t *rapid.T) {
	ask := m.asks(session.TypeOneTime, m.somebody(t))
	ask.Save = rapid.SampledFrom([]session.Save{"", session.SaveAlways}).Draw(t, "save")
	m.attended(t, ask)
}

// attended begins a payment with the customer present.
func (m *people) attended(t *rapid.T, ask session.Create) {
	ask.CaptureMethod = anyCapture(t)
	created, err := collect.CreateSession(m.world.people[ask.CustomerID], nil, collect.Takes{}, ask)
	if errors.Is(err, customer.ErrErased) && m.erased[ask.CustomerID] {
		return
	}
	m.decided(t, created, err)
	s, methodID := m.sessions[ask.SessionID()], m.theirs(t, ask.CustomerID)
	changes, err := collect.StartAttempt(s, payment.State{}, m.parties(s, methodID), m.tries(s))
	if errors.Is(err, method.ErrUnknown) && m.removed[methodID] {
		return
	}
	m.decided(t, changes, err)
	m.begun(t, changes, &till{customer: ask.CustomerID, method: methodID, attended: true, manual: ask.CaptureMethod == payment.CaptureManual})
}

func anyCapture(t *rapid.T) payment.CaptureMethod {
	return rapid.SampledFrom([]payment.CaptureMethod{payment.CaptureAutomatic, payment.CaptureManual}).Draw(t, "capture")
}

func (m *people) begun(t *rapid.T, c collect.Changes, x *till) {
	x.payment = c.Payment.ID
	x.calls = []*call{{key: x.payment + "-1", amount: amount}}
	if slices.ContainsFunc(m.tills, func(o *till) bool { return o.payment == x.payment }) {
		t.Fatalf("there are two payments %s", x.payment)
	}
	m.tills = append(m.tills, x)
}

// chargeAny charges by anything that was ever agreed to. It begins if nothing speaks
// against it, and never else.
func (m *people) chargeAny(t *rapid.T) {
	if len(m.deals) == 0 {
		t.Skip("nobody has agreed to anything")
	}
	d := rapid.SampledFrom(m.deals).Draw(t, "agreement")
	c := m.charge(d.Completed)
	c.Session.CaptureMethod = anyCapture(t)
	changes, err := collect.StartCharge(m.chargeParties(c), c)

	var against []error
	for reason, holds := range map[error]bool{
		customer.ErrErased: m.erased[d.CustomerID], method.ErrUnknown: m.removed[d.PaymentMethodID],
		method.ErrUnusable:   m.unusable[d.PaymentMethodID],
		mandate.ErrViolation: m.revoked[d.MandateID] || d.most > 0 && m.counted(d.MandateID) >= d.most,
	} {
		if holds {
			against = append(against, reason)
		}
	}
	if len(against) > 0 {
		if !slices.ContainsFunc(against, func(reason error) bool { return errors.Is(err, reason) }) || !changes.Empty() {
			t.Fatalf("against the charge speak %v, and the answer is %v", against, err)
		}
		return
	}
	m.decided(t, changes, err)
	m.begun(t, changes, &till{
		customer: d.CustomerID, method: d.PaymentMethodID, mandate: d.MandateID, manual: c.Session.CaptureMethod == payment.CaptureManual,
	})
}

func (m *people) answerOne(t *rapid.T) {
	var waiting []*call
	for _, x := range m.tills {
		if x.calls[0].verdict == open {
			waiting = append(waiting, x.calls[0])
		}
	}
	if waiting == nil {
		t.Skip("nothing is in flight")
	}
	m.say(t, rapid.SampledFrom(waiting).Draw(t, "attempt"), anyWord(t), anyFailure(t))
}

func (m *people) answerAny(t *rapid.T) {
	x := rapid.SampledFrom(m.tills).Draw(t, "payment")
	m.say(t, x.calls[0], anyWord(t), anyFailure(t))
}

func anyFailure(t *rapid.T) decline.Failure {
	return rapid.SampledFrom([]decline.Failure{declined, declined, stolen, asksForYou, withdrawn, outOfDate}).Draw(t, "failure")
}

// say records a word on an attempt, and the book notes it.
func (m *people) say(t *rapid.T, c *call, kind collect.OutcomeKind, f decline.Failure) {
	x := m.tills[slices.IndexFunc(m.tills, func(x *till) bool { return x.calls[0] == c })]
	waits := m.payments[x.payment].WaitsForCustomer()
	changes := m.settles(t, x.payment, m.word(x.payment, kind, f))
	if c.verdict != open {
		if len(changes.Session.Events)+len(changes.Customer.Events)+len(changes.Methods)+len(changes.Mandates) != 0 {
			t.Fatalf("a second word on %s gives %v", c.key, story(changes))
		}
		return
	}
	switch kind {
	case collect.OutcomeActionRequired:
		return
	case collect.OutcomeApproved:
		c.verdict = done
		if x.attended && x.method != "" {
			delete(m.unusable, x.method)
		}
		m.made(t, x, changes)
		return
	case collect.OutcomeClosed:
		f = decline.New(decline.ProcessingError, "")
		if waits && !x.attended {
			f = asksForYou
		}
	case collect.OutcomeDeclined:
	}
	c.verdict = refused
	if x.method != "" && !m.removed[x.method] && slices.Contains([]decline.Failure{stolen, asksForYou, outOfDate}, f) {
		m.unusable[x.method] = true
	}
	if x.mandate != "" && f == withdrawn {
		m.revoked[x.mandate] = true
	}
}

// made notes what a success has made.
func (m *people) made(t *rapid.T, x *till, c collect.Changes) {
	e := completed(t, c)
	if e.MandateID == "" || !x.attended {
		return
	}
	d := &deal{Completed: e, most: m.mandates[e.MandateID].Terms.MaxOccurrences}
	m.deals = append(m.deals, d)
	if m.removed[e.PaymentMethodID] {
		m.revoked[e.MandateID] = true
	}
}

// standing is a payment that stands and is captured by hand.
func (m *people) standing(t *rapid.T) *till {
	var some []*till
	for _, x := range m.tills {
		if x.manual && x.calls[0].verdict == done {
			some = append(some, x)
		}
	}
	if some == nil {
		t.Skip("nothing is reserved")
	}
	return rapid.SampledFrom(some).Draw(t, "payment")
}

func (m *people) operate(t *rapid.T) {
	x := m.standing(t)
	var c payment.Command = payment.Void{ID: m.command(), Now: m.now}
	if rapid.Bool().Draw(t, "capture") {
		c = payment.Capture{ID: m.command(), Amount: rapid.SampledFrom([]int64{0, 1, amount / 2, amount}).Draw(t, "amount"), Now: m.now}
	}
	m.does(t, x, c)
}

func (m *people) expireOne(t *rapid.T) {
	rarely(t)
	x := m.standing(t)
	now := m.now
	m.now.At = m.payments[x.payment].AuthorisationExpiresAt // of a test clock that it lives on
	m.does(t, x, payment.ExpireAuthorisation{ID: m.command(), Now: m.now})
	m.now = now
}

// does asks something of a payment that stands, and notes what the acquirer is
// asked.
func (m *people) does(t *rapid.T, x *till, c payment.Command) {
	p := m.payments[x.payment]
	events, err := payment.Decide(p, c)
	if err != nil {
		return
	}
	changes, err := collect.Operate(p, m.concerned(p), events)
	m.decided(t, changes, err)
	for _, e := range events {
		switch e := e.(type) {
		case payment.CaptureRequested:
			x.calls = append(x.calls, &call{key: e.Key, kind: payment.OperationCapture, amount: e.Amount})
		case payment.VoidRequested:
			x.calls = append(x.calls, &call{key: e.Key, kind: payment.OperationVoid, amount: e.Amount})
		case payment.AuthorisationExpired:
			x.expired += e.Amount
		}
	}
}

func (m *people) answerOperation(t *rapid.T) {
	x := m.standing(t)
	if len(x.calls) == 1 {
		t.Skip("nothing was asked for")
	}
	c := rapid.SampledFrom(x.calls[1:]).Draw(t, "operation")
	performed := rapid.Bool().Draw(t, "performed")
	m.does(t, x, payment.SettleOperation{Key: c.key, Performed: performed, Reference: "op", Failure: declined})
	switch {
	case c.verdict != open:
	case performed:
		c.verdict = done
	default:
		c.verdict = refused
	}
}

func (m *people) remove(t *rapid.T) {
	rarely(t)
	if len(m.deals) == 0 {
		t.Skip("there is no method")
	}
	d := rapid.SampledFrom(m.deals).Draw(t, "whose")
	var mandates []mandate.State
	for _, id := range m.methods[d.PaymentMethodID].Mandates {
		mandates = append(mandates, m.mandates[id])
	}
	changes, err := collect.RemoveMethod(m.world.people[d.CustomerID], m.methods[d.PaymentMethodID], mandates)
	if m.removed[d.PaymentMethodID] {
		if !errors.Is(err, method.ErrUnknown) {
			t.Fatalf("a method that is gone is removed: %v", err)
		}
		return
	}
	m.decided(t, changes, err)
	m.removed[d.PaymentMethodID] = true
	delete(m.unusable, d.PaymentMethodID)
	for _, other := range m.deals {
		if other.PaymentMethodID == d.PaymentMethodID {
			m.revoked[other.MandateID] = true
		}
	}
}

func (m *people) revoke(t *rapid.T) {
	rarely(t)
	if len(m.deals) == 0 {
		t.Skip("there is no mandate")
	}
	d := rapid.SampledFrom(m.deals).Draw(t, "which")
	changes, err := collect.EndMandate(m.of(d.MandateID), mandate.Revoke{By: mandate.ByMerchant})
	m.decided(t, changes, err)
	m.revoked[d.MandateID] = true
}

func (m *people) erase(t *rapid.T) {
	rarely(t)
	customerID := m.somebody(t)
	c := m.world.people[customerID]
	var theirs collect.Belongings
	for _, id := range c.Methods {
		theirs.Methods = append(theirs.Methods, m.methods[id])
	}
	for _, one := range c.Mandates {
		theirs.Mandates = append(theirs.Mandates, m.mandates[one.ID])
	}
	changes, err := collect.EraseCustomer(c, theirs)
	var want error
	switch {
	case m.erased[customerID]:
		want = customer.ErrErased
	case slices.ContainsFunc(m.tills, func(x *till) bool { return x.customer == customerID && x.open() }):
		want = customer.ErrHasOpenPayments
	}
	if !errors.Is(err, want) {
		t.Fatalf("the erasure is answered %v, not %v", err, want)
	}
	if err != nil {
		return
	}
	m.decided(t, changes, err)
	m.erased[customerID] = true
	for _, id := range c.Methods {
		m.removed[id] = true
	}
	for _, d := range m.deals {
		if d.CustomerID == customerID {
			m.removed[d.PaymentMethodID], m.revoked[d.MandateID] = true, true
			delete(m.unusable, d.PaymentMethodID)
		}
	}
}
