package collect_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tender/domain"
	"tender/domain/collect"
	"tender/domain/payment"
	"tender/domain/session"
)

// verdict is the first word of the acquirer on a call.
type verdict int

const (
	open verdict = iota // none yet
	done
	refused
)

// call is what the acquirer was asked, as a naive book keeps it.
type call struct {
	key          string
	id           string // of the operation; "" for an attempt
	amount       int64
	kind         payment.OperationKind // "" for an attempt
	answerBy     time.Time
	verdict      verdict
	contradicted bool
	late         bool // a refund that counted as done, and failed
}

// machine drives a session and its payment with whatever may come, in any
// order, and keeps a book of its own to compare with.
type machine struct {
	now      domain.Moment
	commands int
	h        history
	s        session.State
	p        payment.State
	calls    []*call
	expired  int64 // of the authorisation
	ends     time.Time
	// reversals are those that contradictions demand: the references of
	// authorisations that must not stand.
	reversals map[string]bool
	// owed is what was captured although it was recorded as failed, and has to be
	// paid back.
	owed int64
	// w holds the streams of whoever else is concerned.
	w *world
	// resolutions are what people have said of calls, with their ids.
	resolutions   []*resolution
	resolutionIDs []string
}

// Whatever is asked, answered, repeated, lost or contradicted, in whatever
// order and at whatever time: the sums hold, and money moves once.
func TestNothingComesTwice(t *testing.T) {
	t.Parallel()
	for _, method := range []payment.CaptureMethod{payment.CaptureManual, payment.CaptureAutomatic} {
		for name, of := range map[string]func(*machine, *session.Created, *rapid.T){
			"of nobody":                    func(*machine, *session.Created, *rapid.T) {},
			"of one who is made by saving": func(_ *machine, e *session.Created, _ *rapid.T) { e.Save = session.SaveAlways },
			"of one who agrees": func(m *machine, e *session.Created, t *rapid.T) {
				m.ofCustomer(e, t)
				e.Kind, e.Series = session.TypeFirstInSeries, &session.Series{Terms: anything}
			},
		} {
			t.Run(string(method)+" "+name, func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) { newMachine(t, method, of).run(t) })
			})
		}
	}
}

func newMachine(t *rapid.T, method payment.CaptureMethod, of func(*machine, *session.Created, *rapid.T)) *machine {
	m := &machine{now: now(0), h: created(method), reversals: map[string]bool{}, w: newWorld()}
	m.w.commands = 1_000_000 // its commands are others than the machine's
	e := m.h.session[0].(session.Created)
	of(m, &e, t)
	m.h.session[0] = e
	m.s, m.p = m.h.fold()
	return m
}

func (m *machine) ofCustomer(e *session.Created, t *rapid.T) { e.CustomerID = m.w.newcomer(t) }

// parties are those whom the session and its payment concern.
func (m *machine) parties() collect.Parties {
	return collect.Parties{Customer: m.w.people[m.s.CustomerID], Method: m.w.methods[m.p.Attempt.PaymentMethodID]}
}

// onPayment is what comes of events that happen to the payment.
func (m *machine) onPayment(t *rapid.T, events []payment.Event) collect.Changes {
	parties := m.parties()
	parties.Customer = m.w.people[m.p.CustomerID]
	changes, err := collect.Operate(m.p, parties, events)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func (m *machine) run(t *rapid.T) {
	m.begin(t)
	t.Repeat(map[string]func(*rapid.T){
		"time passes":              m.timePasses,
		"attempt":                  m.attempt,
		"answer an attempt":        m.answerAttempt,
		"answer any attempt":       m.answerAnyAttempt,
		"cancel":                   m.cancel,
		"expire the session":       m.expireSession,
		"capture":                  m.capture,
		"capture a little":         m.captureALittle,
		"void":                     m.void,
		"refund":                   m.refund,
		"refund a little":          m.refundALittle,
		"expire the authorisation": m.expireAuthorisation,
		"answer an operation":      m.answerOperation,
		"answer another operation": m.answerOperation,
		"answer any operation":     m.answerAnyOperation,
		"a day passes":             m.aDayPasses,
		"say what became of it":    m.propose,
		"agree":                    m.confirm,
		"agree again":              m.confirm,
		"disagree":                 m.reject,
		"":                         m.check,
	})
}

// begin brings the machine to where it gets interesting: few runs would come
// there by chance.
func (m *machine) begin(t *rapid.T) {
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2, 8, 9}).Draw(t, "attempts that fail first") {
		m.attemptWith(t, "")
		m.word(t, m.calls[len(m.calls)-1].key, rapid.SampledFrom([]collect.OutcomeKind{collect.OutcomeDeclined, collect.OutcomeClosed}).Draw(t, "word"))
	}
	first := rapid.SampledFrom([]collect.OutcomeKind{
		"", collect.OutcomeActionRequired, collect.OutcomeApproved, collect.OutcomeApproved, collect.OutcomeApproved,
	}).Draw(t, "then")
	if first != "" {
		m.attemptWith(t, "")
		m.word(t, m.calls[len(m.calls)-1].key, first)
	}
}

// rarely skips an action, most times, that ends all others.
func rarely(t *rapid.T) {
	if rapid.IntRange(0, 2).Draw(t, "rarely") > 0 {
		t.Skip("not now")
	}
}

func (m *machine) timePasses(t *rapid.T) {
	second := time.Second
	wall := rapid.SampledFrom([]time.Duration{0, second, 10 * second, 20 * second, 16 * time.Minute}).Draw(t, "wall")
	m.now.Wall, m.now.At = m.now.Wall.Add(wall), m.now.At.Add(wall)
}

// until sometimes lets the object's clock jump to when something is over.
func (m *machine) until(t *rapid.T, end time.Time) {
	if end.After(m.now.At) && rapid.IntRange(0, 2).Draw(t, "jump to the end") == 0 {
		m.now.At = end.Add(rapid.SampledFrom([]time.Duration{-time.Millisecond, 0, time.Hour}).Draw(t, "and a little"))
	}
}

func (m *machine) attempt(t *rapid.T) {
	ids := append([]string{"", collect.NextAttemptID(m.s), "att_guessed"}, m.s.AttemptIDs...)
	m.attemptWith(t, rapid.SampledFrom(ids).Draw(t, "attempt id"))
}

func (m *machine) attemptWith(t *rapid.T, attemptID string) {
	m.commands++
	next := collect.NextAttemptID(m.s)
	c := m.w.tries(m.s)
	c.ID, c.AttemptID, c.Details, c.Now = commandID(m.commands), attemptID, visa, m.now

	var want error
	switch {
	case m.s.Status != session.StatusActive, !m.now.At.Before(noon.Add(lifetime)), m.s.CancelRequested != "":
		want = collect.ErrSessionNotActive
	case m.attemptInFlight() != nil:
		want = collect.ErrAttemptInProgress
	case c.AttemptID != "" && c.AttemptID != next:
		want = collect.ErrUnknownAttempt
	}
	changes, err := collect.StartAttempt(m.s, m.p, m.parties(), c)
	if !errors.Is(err, want) {
		t.Fatalf("the attempt is answered %v, not %v", err, want)
	}
	m.record(t, changes)
}

func (m *machine) answerAttempt(t *rapid.T) {
	c := m.attemptInFlight()
	if c == nil {
		t.Skip("nothing is in flight")
	}
	m.word(t, c.key, anyWord(t))
}

func (m *machine) answerAnyAttempt(t *rapid.T) {
	keys := []string{paymentID + "-99", "pay_guessed-1"}
	for _, c := range m.calls {
		if c.kind == "" {
			keys = append(keys, c.key)
		}
	}
	m.word(t, rapid.SampledFrom(keys).Draw(t, "key"), anyWord(t))
}

func anyWord(t *rapid.T) collect.OutcomeKind {
	return rapid.SampledFrom([]collect.OutcomeKind{
		collect.OutcomeApproved, collect.OutcomeDeclined, collect.OutcomeActionRequired, collect.OutcomeClosed,
	}).Draw(t, "word")
}

// word lets the acquirer say something of an attempt, and the book note it.
func (m *machine) word(t *rapid.T, key string, kind collect.OutcomeKind) {
	m.commands++
	o := word(kind, 0)
	o.ID, o.Key, o.Now = commandID(m.commands), key, m.now
	if kind == collect.OutcomeApproved {
		o.Reference = fmt.Sprint("auth ", m.commands)
		o.ExpiresAt = m.now.At.Add(rapid.SampledFrom([]time.Duration{time.Hour, authEnds}).Draw(t, "authorised for"))
	}
	changes, err := collect.SettleAttempt(m.s, m.p, m.parties(), o)
	if err != nil {
		t.Fatalf("an outcome is refused: %v", err)
	}
	c := m.call(key)
	switch {
	case c == nil, kind == collect.OutcomeActionRequired && (c.verdict != open || m.p.WaitsForCustomer()):
		m.mustBeNothing(t, changes)
	case kind == collect.OutcomeActionRequired:
	case c.verdict == open:
		c.verdict = refused
		if kind == collect.OutcomeApproved {
			c.verdict, m.ends = done, o.ExpiresAt
		}
	default:
		m.contradict(t, c, kind == collect.OutcomeApproved, len(changes.Payment.Events))
		if kind == collect.OutcomeApproved && c.contradicted && len(changes.Payment.Events) > 0 {
			m.reversals[o.Reference] = true
		}
	}
	m.record(t, changes)
}

// contradict notes a second word on a call: it is an event the first time that it
// says the opposite, and an intent to reverse beside it where an attempt or a
// capture was performed after all; else nothing. A refund may fail late, once.
func (m *machine) contradict(t *rapid.T, c *call, performed bool, events int) {
	want := 0
	switch {
	case (c.verdict == done) == performed, c.contradicted, c.late:
	case c.kind == payment.OperationRefund && !performed:
		c.verdict, c.late = refused, true
		want = 1
	case performed && c.kind == payment.OperationCapture:
		c.contradicted = true
		m.owed += c.amount
		want = 2
	case performed && c.kind == "":
		c.contradicted = true
		want = 2
	default:
		c.contradicted = true
		want = 1
	}
	if events != want {
		t.Fatalf("a second word on %s gives %d events, not %d", c.key, events, want)
	}
}

func (m *machine) cancel(t *rapid.T) {
	rarely(t)
	m.commands++
	by := rapid.SampledFrom([]session.CancelledBy{session.ByCustomer, session.ByMerchant}).Draw(t, "by")
	changes, err := collect.CancelSession(m.s, m.p, collect.Cancel{ID: commandID(m.commands), By: by, Now: m.now})
	if err != nil && !changes.Empty() {
		t.Fatalf("a refused cancel gives %+v", changes)
	}
	if m.attemptInFlight() != nil && err == nil && len(changes.Payment.Events) > 0 {
		t.Fatal("a cancel cuts an attempt off")
	}
	m.record(t, changes)
}

func (m *machine) expireSession(t *rapid.T) {
	m.until(t, noon.Add(lifetime))
	changes := collect.ExpireSession(m.s, m.p, m.now)
	if !changes.Empty() && (m.attemptInFlight() != nil || m.now.At.Before(noon.Add(lifetime))) {
		t.Fatal("a session expires that may not")
	}
	m.record(t, changes)
}

func (m *machine) capture(t *rapid.T) {
	m.captureOf(t, rapid.SampledFrom([]int64{-1, 0, 1, amount, amount + 1, m.p.Capturable(), m.p.Capturable() + 1}).Draw(t, "amount"))
}

func (m *machine) captureALittle(t *rapid.T) {
	m.captureOf(t, rapid.Int64Range(1, amount/4).Draw(t, "amount"))
}

func (m *machine) captureOf(t *rapid.T, sum int64) {
	m.commands++
	c := payment.Capture{ID: commandID(m.commands), Amount: sum, Now: m.now}
	available := m.available()
	events, err := payment.Decide(m.p, c)
	if err == nil && (c.Amount > available || available <= 0 || !m.now.At.Before(m.ends) || m.unknown()) {
		t.Fatalf("a capture of %d of %d is accepted", c.Amount, available)
	}
	if err == nil && c.Amount == 0 && events[0].(payment.CaptureRequested).Amount != available {
		t.Fatalf("a capture of all is not one of %d: %+v", available, events)
	}
	m.record(t, m.onPayment(t, events))
}

func (m *machine) void(t *rapid.T) {
	rarely(t)
	m.commands++
	available := m.available()
	events, err := payment.Decide(m.p, payment.Void{ID: commandID(m.commands), Now: m.now})
	if err == nil && (available <= 0 || m.anyOperation() || !m.now.At.Before(m.ends) || events[0].(payment.VoidRequested).Amount != available) {
		t.Fatalf("a void of %d is accepted: %+v", available, events)
	}
	m.record(t, m.onPayment(t, events))
}

func (m *machine) refund(t *rapid.T) {
	m.refundOf(t, rapid.SampledFrom([]int64{-1, 0, 1, amount, amount + 1, m.p.Refundable(), m.p.Refundable() + 1}).Draw(t, "amount"))
}

func (m *machine) refundALittle(t *rapid.T) {
	m.refundOf(t, rapid.Int64Range(1, amount/4).Draw(t, "amount"))
}

func (m *machine) refundOf(t *rapid.T, sum int64) {
	m.commands++
	left := m.refundable()
	events, err := payment.Decide(m.p, payment.Refund{ID: commandID(m.commands), Amount: sum, Now: m.now})
	if fits := sum >= 0 && sum <= left && left > 0 && !m.anyOperation(); fits != (err == nil) {
		t.Fatalf("a refund of %d of %d is answered %v", sum, left, err)
	}
	if err == nil && sum == 0 && events[0].(payment.RefundRequested).Amount != left {
		t.Fatalf("a refund of all is not one of %d: %+v", left, events)
	}
	m.record(t, m.onPayment(t, events))
}

func (m *machine) expireAuthorisation(t *rapid.T) {
	m.until(t, m.ends)
	m.commands++
	events, err := payment.Decide(m.p, payment.ExpireAuthorisation{ID: commandID(m.commands), Now: m.now})
	due := m.available() > 0 && !m.anyOperation() && !m.now.At.Before(m.ends)
	if err != nil || due != (len(events) > 0) {
		t.Fatalf("due is %t, what happens is %+v, %v", due, events, err)
	}
	m.record(t, m.onPayment(t, events))
}

func (m *machine) answerOperation(t *rapid.T) {
	var keys []string
	for _, c := range m.calls {
		if c.kind != "" && c.verdict == open {
			keys = append(keys, c.key)
		}
	}
	if keys == nil {
		t.Skip("nothing is in flight")
	}
	m.settle(t, rapid.SampledFrom(keys).Draw(t, "key"))
}

func (m *machine) answerAnyOperation(t *rapid.T) {
	keys := []string{"pay_guessed-cap_guessed"}
	for _, c := range m.calls {
		if c.kind != "" {
			keys = append(keys, c.key)
		}
	}
	m.settle(t, rapid.SampledFrom(keys).Draw(t, "key"))
}

// settle lets the acquirer say something of an operation, and the book note it.
func (m *machine) settle(t *rapid.T, key string) {
	m.settleAs(t, key, rapid.Bool().Draw(t, "performed"))
}

func (m *machine) settleAs(t *rapid.T, key string, performed bool) {
	m.commands++
	events, err := payment.Decide(m.p, payment.SettleOperation{
		ID: commandID(m.commands), Key: key, Performed: performed, Reference: "ref", Failure: declined, Now: m.now,
	})
	if err != nil {
		t.Fatalf("an outcome is refused: %v", err)
	}
	changes := m.onPayment(t, events)
	switch c := m.call(key); {
	case c == nil:
		m.mustBeNothing(t, changes)
	case c.verdict != open:
		m.contradict(t, c, performed, len(events))
	case performed:
		c.verdict = done
	default:
		c.verdict = refused
	}
	m.record(t, changes)
}

func (m *machine) mustBeNothing(t *rapid.T, c collect.Changes) {
	if !c.Empty() {
		t.Fatalf("nothing may happen, but does: %+v", c)
	}
}

// record folds what happens, and notes in the book what the acquirer is asked.
func (m *machine) record(t *rapid.T, c collect.Changes) {
	over := m.s.Status != session.StatusActive
	if over && len(c.Session.Events) > 0 {
		t.Fatalf("the session is %s, and still there happens %+v", m.s.Status, c.Session.Events)
	}
	m.h = m.h.and(c.Session.Events, c.Payment.Events)
	for _, e := range c.Session.Events {
		m.s = session.Evolve(m.s, sessionID, merchantID, e)
	}
	for _, e := range c.Payment.Events {
		switch e := any(e).(type) { // only what the acquirer is asked, and what is lost
		case payment.AttemptStarted:
			if over {
				t.Fatal("an attempt starts after the session's end")
			}
			m.ask(t, call{key: e.Key, amount: amount, answerBy: e.AnswerBy})
		case payment.CaptureRequested:
			m.ask(t, call{key: e.Key, id: e.CaptureID, amount: e.Amount, kind: payment.OperationCapture, answerBy: e.AnswerBy})
		case payment.VoidRequested:
			m.ask(t, call{key: e.Key, id: e.VoidID, amount: e.Amount, kind: payment.OperationVoid, answerBy: e.AnswerBy})
		case payment.ReversalRequested:
			m.ask(t, call{key: e.Key, id: e.ReversalID, amount: e.Amount, kind: payment.OperationReversal, answerBy: e.AnswerBy})
			delete(m.reversals, e.Reference)
			if e.Refund && m.h.method == payment.CaptureManual {
				m.owed -= e.Amount
			}
		case payment.RefundRequested:
			m.ask(t, call{key: e.Key, id: e.RefundID, amount: e.Amount, kind: payment.OperationRefund, answerBy: e.AnswerBy})
		case payment.AuthorisationExpired:
			m.expired += e.Amount
		}
		m.p = payment.Evolve(m.p, c.Payment.ID, e)
	}
	c.Session, c.Payment = collect.Stream[session.Event]{}, collect.Stream[payment.Event]{}
	m.w.now = m.now
	m.w.record(t, c)
}

func (m *machine) ask(t *rapid.T, c call) {
	if m.call(c.key) != nil {
		t.Fatalf("the acquirer gets the key %s twice", c.key)
	}
	if want := m.now.Wall.Add(payment.AnswerWindow); !c.answerBy.Equal(want) {
		t.Fatalf("an answer is awaited until %v, not %v", c.answerBy, want)
	}
	m.calls = append(m.calls, &c)
}
